import { H } from '../base/header-names.js';
import type { HeaderMap } from '../base/headers.js';

/** `application/grpc`, `application/grpc+proto`, … */
export function isGrpcContentType(value: string | undefined): boolean {
  if (value === undefined || !value.startsWith('application/grpc')) return false;
  return value.length === 16 || value.charCodeAt(16) === 43;
}

/** A request (it has a path) whose content type is gRPC's. */
export function isGrpcRequest(headers: HeaderMap & { path?: string | undefined }): boolean {
  return headers.path !== undefined && isGrpcContentType(headers.get(H.contentType));
}

const TO_HTTP: Record<string, number> = {
  '0': 200,
  '1': 499,
  '2': 500,
  '3': 400,
  '4': 504,
  '5': 404,
  '6': 409,
  '7': 403,
  '8': 429,
  '9': 400,
  '10': 409,
  '11': 400,
  '12': 501,
  '13': 500,
  '14': 503,
  '15': 500,
  '16': 401,
};

/** The HTTP status that outlier detection counts for a grpc-status in response headers. */
export function grpcStatusToHttp(status: string): number {
  return TO_HTTP[status] ?? 500;
}

/** The gRPC status of a local reply with this HTTP status. */
export function httpToGrpcStatus(status: number): number {
  switch (status) {
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
