import { H, permanentName } from '../../base/header-names.js';
import { RequestHeaders } from '../../base/headers.js';
import type { HostImpl } from '../host.js';
import type { CheckResponse } from './check-client.js';
import { addHeaders, ExchangeSession } from './exchange-session.js';
import type { GrpcProbe } from './health-check-config.js';
import type { HealthChecker } from './health-checker.js';

const SERVING = 1;
const GRPC_TIMEOUT = permanentName('grpc-timeout');

/** A call of `grpc.health.v1.Health/Check` (grpc_health_check). */
export class GrpcSession extends ExchangeSession {
  private readonly message: Buffer;

  constructor(
    checker: HealthChecker,
    host: HostImpl,
    private readonly probe: GrpcProbe,
  ) {
    super(checker, host, true);
    this.message = healthCheckMessage(probe.service);
  }

  protected override request(): { headers: RequestHeaders; body: Buffer } {
    const headers = new RequestHeaders();
    headers.method = 'POST';
    headers.scheme = 'http';
    headers.path = '/grpc.health.v1.Health/Check';
    headers.authority = this.authority(this.probe.authority);
    headers.push(H.te, 'trailers');
    headers.push(H.contentType, 'application/grpc');
    headers.push(H.userAgent, 'Envoy/HC');
    headers.push(GRPC_TIMEOUT, `${this.checker.settings.timeout}m`);
    addHeaders(headers, this.probe.headers);
    return { headers, body: this.message };
  }

  protected override judge({ headers, trailers, body }: CheckResponse): void {
    const type = headers.get(H.contentType) ?? '';
    const status = (trailers ?? headers).get(H.grpcStatus);
    const isGrpc = type === 'application/grpc' || type.startsWith('application/grpc+');
    if (headers.status === 200 && isGrpc && status === '0' && servingStatus(body) === SERVING) this.succeed(false);
    else this.fail('active', false);
  }
}

/** `HealthCheckRequest{service}` (field 1, a string) with its gRPC prefix of a flag and a length. */
export function healthCheckMessage(service: string): Buffer {
  const name = Buffer.from(service);
  const length: number[] = [];
  for (let n = name.length; n > 0; n >>>= 7) length.push(n > 0x7f ? (n & 0x7f) | 0x80 : n);
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, ...length]), name]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** `HealthCheckResponse.status` (field 1, an enum) of an uncompressed message; -1 when there is none. */
export function servingStatus(body: Buffer): number {
  if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) return -1;
  return body.length === 7 && body[5] === 0x08 ? body[6] : -1;
}
