import { H } from '../base/header-names.js';
import type { StreamInfo } from './stream-info.js';

/** gRPC status of a stream, as logs and metrics show it. */
const NAMES: readonly (readonly [camel: string, snake: string])[] = [
  ['OK', 'OK'],
  ['Canceled', 'CANCELLED'],
  ['Unknown', 'UNKNOWN'],
  ['InvalidArgument', 'INVALID_ARGUMENT'],
  ['DeadlineExceeded', 'DEADLINE_EXCEEDED'],
  ['NotFound', 'NOT_FOUND'],
  ['AlreadyExists', 'ALREADY_EXISTS'],
  ['PermissionDenied', 'PERMISSION_DENIED'],
  ['ResourceExhausted', 'RESOURCE_EXHAUSTED'],
  ['FailedPrecondition', 'FAILED_PRECONDITION'],
  ['Aborted', 'ABORTED'],
  ['OutOfRange', 'OUT_OF_RANGE'],
  ['Unimplemented', 'UNIMPLEMENTED'],
  ['Internal', 'INTERNAL'],
  ['Unavailable', 'UNAVAILABLE'],
  ['DataLoss', 'DATA_LOSS'],
  ['Unauthenticated', 'UNAUTHENTICATED'],
];

export function grpcCamel(status: number): string {
  return status < 0 ? 'InvalidCode' : (NAMES[status]?.[0] ?? String(status));
}

export function grpcSnake(status: number): string {
  return status < 0 ? 'INVALID_CODE' : (NAMES[status]?.[1] ?? String(status));
}

/** Number of a status name of `GrpcStatusFilter`; undefined for an unknown one. */
export function grpcStatusNumber(name: string): number | undefined {
  const at = NAMES.findIndex(([, snake]) => snake === name || (name === 'CANCELED' && snake === 'CANCELLED'));
  return at < 0 ? undefined : at;
}

export function isGrpcRequest(info: StreamInfo): boolean {
  const type = info.requestHeaders?.get(H.contentType);
  if (!type?.startsWith('application/grpc')) return false;
  return type.length === 16 || type.charCodeAt(16) === 43;
}

/** `grpc-status` of the trailers, else of the headers, else what the HTTP status stands for; null when nothing was sent. */
export function grpcStatus(info: StreamInfo): number | null {
  const text = info.responseTrailers?.get(H.grpcStatus) ?? info.responseHeaders?.get(H.grpcStatus);
  if (text !== undefined) return parseStatus(text);
  return info.responseCode === 0 ? null : fromHttp(info.responseCode);
}

/** -1 when it is not a number. */
function parseStatus(text: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return text === '' ? -1 : value;
}

function fromHttp(code: number): number {
  switch (code) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}
