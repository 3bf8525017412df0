import { H, permanentName } from '../../base/header-names.js';
import { RequestHeaders } from '../../base/headers.js';
import { HealthFlag, type HostImpl } from '../host.js';
import type { CheckResponse } from './check-client.js';
import { addHeaders, ExchangeSession } from './exchange-session.js';
import { type HttpProbe, inRanges, matchesPayload } from './health-check-config.js';
import type { HealthChecker } from './health-checker.js';

const CHECKED_CLUSTER = permanentName('x-envoy-upstream-healthchecked-cluster');

/** A request whose status says how the host is (http_health_check). */
export class HttpSession extends ExchangeSession {
  constructor(
    checker: HealthChecker,
    host: HostImpl,
    private readonly probe: HttpProbe,
  ) {
    super(checker, host, probe.http2);
  }

  protected override request(): { headers: RequestHeaders; body: Buffer | null } {
    const { probe } = this;
    const headers = new RequestHeaders();
    headers.method = probe.method;
    headers.path = probe.path;
    headers.scheme = 'http';
    headers.authority = this.authority(probe.host);
    headers.push(H.userAgent, 'Envoy/HC');
    if (probe.body !== null) headers.push(H.contentLength, String(probe.body.length));
    for (const name of probe.removedHeaders) headers.remove(permanentName(name));
    addHeaders(headers, probe.headers);
    return { headers, body: probe.body };
  }

  protected override judge({ headers, body }: CheckResponse): void {
    const { probe } = this;
    const { status } = headers;
    if (!inRanges(probe.expected, status)) {
      if (headers.has(H.xEnvoyImmediateHealthCheckFail))
        this.host.healthFlags |= HealthFlag.EXCLUDED_VIA_IMMEDIATE_HC_FAIL;
      this.fail('active', inRanges(probe.retriable, status));
      return;
    }
    if (probe.serviceName !== null) {
      this.checker.stats.verify_cluster++;
      const name = headers.get(CHECKED_CLUSTER);
      if (name === undefined || !probe.serviceName(name)) {
        this.fail('active', false);
        return;
      }
    }
    const seen = probe.responseBufferSize > 0 ? body.subarray(0, probe.responseBufferSize) : body;
    if (!matchesPayload(probe.receive, seen)) this.fail('active', false);
    else this.succeed(headers.has(H.xEnvoyDegraded));
  }
}
