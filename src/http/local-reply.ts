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
  const head = request !== null && request.method === 'HEAD';
  if (request !== null && isGrpcRequest(request)) {
    const headers = new ResponseHeaders(200);
    headers.push(H.contentType, 'application/grpc');
    headers.push(H.grpcStatus, String(grpcStatus ?? httpToGrpcStatus(status)));
    if (body !== '' && !head) headers.push(H.grpcMessage, percentEncode(body));
    finish?.(headers);
    if (rewrite !== null) {
      const made = rewrite(headers);
      headers.status = 200;
      headers.set(H.grpcStatus, String(grpcStatus ?? httpToGrpcStatus(made.status)));
      headers.remove(H.grpcMessage);
      // A JSON body ends with a line feed, a header does not.
      const message = made.body.endsWith('\n') ? made.body.slice(0, -1) : made.body;
      if (message !== '' && !head) headers.push(H.grpcMessage, percentEncode(message));
    }
    return { headers, body: null };
  }
  const headers = new ResponseHeaders(status);
  finish?.(headers);
  if (rewrite !== null) return rewritten(headers, rewrite, head);
  if (body === '') {
    headers.remove(H.contentLength);
    headers.remove(H.contentType);
    return { headers, body: null };
  }
  const bytes = Buffer.from(body, 'utf8');
  headers.set(H.contentLength, String(bytes.length));
  if (!headers.has(H.contentType)) headers.push(H.contentType, 'text/plain');
  return { headers, body: head ? null : bytes };
}

function rewritten(
  headers: ResponseHeaders,
  rewrite: (headers: ResponseHeaders) => RewrittenReply,
  head: boolean,
): LocalReply {
  const hadType = headers.has(H.contentType);
  const made = rewrite(headers);
  headers.status = made.status;
  if (made.body === '') {
    headers.remove(H.contentLength);
    headers.remove(H.contentType);
    return { headers, body: null };
  }
  const bytes = Buffer.from(made.body, made.formatted ? 'latin1' : 'utf8');
  headers.set(H.contentLength, String(bytes.length));
  if (!hadType || made.contentType !== 'text/plain') headers.set(H.contentType, made.contentType);
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
