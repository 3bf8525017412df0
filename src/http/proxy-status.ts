import { H } from '../base/header-names.js';
import type { ResponseHeaders } from '../base/headers.js';
import type { Flag } from '../observe/flags.js';
import type { StreamInfo } from '../observe/stream-info.js';
import type { ProxyStatusConfig } from '../xds/types.js';

/** Response flags and the errors of RFC 9209 that they are, in the order in which Envoy asks for them. */
const ERRORS: readonly (readonly [Flag, string])[] = [
  ['LH', 'destination_unavailable'],
  ['UH', 'destination_unavailable'],
  ['UT', 'http_response_timeout'],
  ['DT', 'http_response_timeout'],
  ['LR', 'connection_timeout'],
  ['UR', 'connection_terminated'],
  ['UF', 'connection_refused'],
  ['UC', 'connection_terminated'],
  ['UO', 'connection_limit_reached'],
  ['NR', 'destination_not_found'],
  ['FI', 'http_request_error'],
  ['RL', 'connection_limit_reached'],
  ['URX', 'destination_unavailable'],
  ['SI', 'http_response_timeout'],
  ['IH', 'http_request_error'],
  ['UMSDR', 'http_response_timeout'],
  ['UPE', 'http_protocol_error'],
  ['NC', 'destination_unavailable'],
];

/** Statuses that the RFC recommends; the other errors keep theirs. */
const RECOMMENDED: Readonly<Record<string, number>> = {
  destination_not_found: 500,
  destination_unavailable: 503,
  connection_refused: 502,
  connection_terminated: 502,
  connection_timeout: 504,
  connection_limit_reached: 503,
  http_protocol_error: 502,
  http_response_timeout: 504,
};

/** HttpConnectionManager.proxy_status_config: `proxy-status` on answers that are not the upstream's own. */
export class ProxyStatus {
  private readonly name: string;

  constructor(
    private readonly config: ProxyStatusConfig,
    serverName: string,
    nodeId: string,
  ) {
    this.name = config.use_node_id === true ? nodeId : (config.literal_proxy_name ?? serverName);
  }

  apply(headers: ResponseHeaders, info: StreamInfo): void {
    const { flags } = info;
    if (flags.length === 0) return;
    const found = ERRORS.find(([flag]) => flags.includes(flag));
    if (found === undefined) return;
    const error = found[1];
    const had = headers.get(H.proxyStatus);
    const text = `${this.name}; error=${error}${this.details(info)}`;
    headers.set(H.proxyStatus, had === undefined ? text : `${had}, ${text}`);
    if (this.config.set_recommended_response_code) headers.status = RECOMMENDED[error] ?? headers.status;
  }

  private details(info: StreamInfo): string {
    const { config } = this;
    if (config.remove_details || info.details === '') return '';
    const parts = [info.details];
    const ended = info.connection.terminationDetails ?? '';
    if (!config.remove_connection_termination_details && ended !== '') parts.push(ended);
    if (!config.remove_response_flags) parts.push(info.flags.join(','));
    return `; details="${parts.join('; ').replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  }
}
