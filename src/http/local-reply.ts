import { H } from '../base/header-names.js';
import { type RequestHeaders, ResponseHeaders } from '../base/headers.js';
import { httpToGrpcStatus, isGrpcRequest } from '../router/grpc.js';
import type { RewrittenReply } from './local-reply-config.js';

/**
 * Replies that the proxy makes itself: one owner of their form. Which status, body, flag and details belong to which event is said
 * where the event is handled; the HTTP and the gRPC shape are made here.
 */
export interface LocalReply {
  headers: ResponseHeaders;
  /** null: headers only. */
  body: Buffer | null;
}

/**
 * @param grpcStatus explicit gRPC status, or undefined to derive it from the HTTP status
 */
export function makeLocalReply(
  status: number,
  body: string,
  request: RequestHeaders | null,
  finish: ((headers: ResponseHeaders) => void) | null,
  grpcStatus: number | undefined,
  rewrite: ((headers: ResponseHeaders) => RewrittenReply) | null = null,
): LocalReply {
  const headers = new ResponseHeaders(status);
  // As Envoy: what is added to the reply is worked out before it becomes a gRPC one.
  finish?.(headers);
  const made = rewrite === null ? null : rewrite(headers);
  const text = made === null ? body : made.body;
  const head = request !== null && request.method === 'HEAD';
  if (request !== null && isGrpcRequest(request)) {
    headers.status = 200;
    headers.set(H.contentType, 'application/grpc');
    if ((headers.get(H.grpcStatus) ?? '') === '')
      headers.set(H.grpcStatus, String(grpcStatus ?? httpToGrpcStatus(made === null ? status : made.status)));
    // A JSON body is made with a line feed at its end, which a header does not have; a configured text keeps its own.
    const message = made?.formatted === true && text.endsWith('\n') ? text.slice(0, -1) : text;
    if (message !== '' && !head) headers.set(H.grpcMessage, percentEncode(message));
    headers.remove(H.contentLength);
    return { headers, body: null };
  }
  if (made !== null) headers.status = made.status;
  if (text === '') {
    headers.remove(H.contentLength);
    headers.remove(H.contentType);
    return { headers, body: null };
  }
  const bytes = Buffer.from(text, made?.formatted === true ? 'latin1' : 'utf8');
  headers.set(H.contentLength, String(bytes.length));
  if (text !== body || !headers.has(H.contentType))
    headers.set(H.contentType, made === null ? 'text/plain' : made.contentType);
  return { headers, body: head ? null : bytes };
}

/** `grpc-message`: bytes outside 0x20..0x7d and `%` as %XX (Envoy's range). */
export function percentEncode(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text, 'utf8'))
    out +=
      byte >= 0x20 && byte < 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return out;
}
