import { permanentName } from '../../base/header-names.js';
import type { RequestHeaders } from '../../base/headers.js';
import type { HostImpl } from '../host.js';
import { CheckClient, type CheckListener, type CheckResponse } from './check-client.js';
import { CheckSession } from './check-session.js';
import type { HeaderToAdd } from './health-check-config.js';
import type { HealthChecker } from './health-checker.js';

/** Checks that are requests with an answer, over a connection that is kept between them. */
export abstract class ExchangeSession extends CheckSession implements CheckListener {
  private client: CheckClient | null = null;

  constructor(
    checker: HealthChecker,
    host: HostImpl,
    private readonly http2: boolean,
  ) {
    super(checker, host);
  }

  protected abstract request(): { headers: RequestHeaders; body: Buffer | null };
  protected abstract judge(response: CheckResponse): void;

  protected override begin(): void {
    this.client ??= new CheckClient(this.checker.transport, this.dial, this.http2, this);
    const { headers, body } = this.request();
    this.client.request(headers, body);
  }

  protected override closeConnection(): void {
    const { client } = this;
    this.client = null;
    client?.discard();
  }

  onResponse(response: CheckResponse, client: CheckClient): void {
    if (client !== this.client) return;
    if (!this.checker.settings.reuseConnection || !client.reusable) this.closeConnection();
    this.judge(response);
  }

  onNoResponse(client: CheckClient): void {
    if (client !== this.client) return;
    this.closeConnection();
    this.fail('network', false);
  }

  onClosed(client: CheckClient): void {
    if (client === this.client) this.client = null;
  }
}

export function addHeaders(headers: RequestHeaders, additions: readonly HeaderToAdd[]): void {
  for (const { name: text, value, action } of additions) {
    const name = permanentName(text);
    if (text === 'host' || text === ':authority') headers.authority = value;
    else if (action === 'APPEND_IF_EXISTS_OR_ADD') headers.push(name, value);
    else if (action === 'OVERWRITE_IF_EXISTS_OR_ADD') headers.set(name, value);
    else if (headers.has(name) === (action === 'OVERWRITE_IF_EXISTS')) headers.set(name, value);
  }
}
