import { permanentName } from '../base/header-names.js';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../base/headers.js';
import type { StreamInfo } from './stream-info.js';

/** Readers of one header, pseudo-headers included, worked out when a format is compiled. */
export type HeaderReader = (info: StreamInfo) => string | undefined;
type MapReader<T> = (headers: T) => string | undefined;

const NAME = /^:?[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/;

function checked(name: string): string {
  if (!NAME.test(name))
    throw new Error(`Invalid header configuration. Format string contains invalid characters: ${name}`);
  return name.toLowerCase();
}

function plain(name: string): MapReader<HeaderMap> {
  const header = permanentName(name);
  return (headers) => headers.get(header);
}

function requestReader(name: string): MapReader<RequestHeaders> {
  switch (name) {
    case ':method':
      return (headers) => (headers.method === '' ? undefined : headers.method);
    case ':path':
      return (headers) => headers.path;
    case ':authority':
    case 'host':
      return (headers) => headers.authority;
    case ':scheme':
      return (headers) => headers.scheme;
    case ':protocol':
      return (headers) => headers.protocol;
    default:
      return plain(name);
  }
}

function responseReader(name: string): MapReader<ResponseHeaders> {
  return name === ':status' ? (headers) => String(headers.status) : plain(name);
}

/** `A` or `A?B`: the first, else the second. Only the first line of a repeated header is seen, as in Envoy. */
function alternatives<T>(param: string, reader: (name: string) => MapReader<T>): MapReader<T> {
  const names = param.split('?');
  if (names.length > 2) throw new Error(`More than 1 alternative header specified in token: ${param}`);
  const first = reader(checked(names[0]));
  if (names.length === 1 || names[1] === '') return first;
  const second = reader(checked(names[1]));
  return (headers) => first(headers) ?? second(headers);
}

export function requestHeader(param: string): HeaderReader {
  const read = alternatives(param, requestReader);
  return (info) => (info.requestHeaders === null ? undefined : read(info.requestHeaders));
}

export function responseHeader(param: string): HeaderReader {
  const read = alternatives(param, responseReader);
  return (info) => (info.responseHeaders === null ? undefined : read(info.responseHeaders));
}

export function responseTrailer(param: string): HeaderReader {
  const read = alternatives(param, plain);
  return (info) => (info.responseTrailers === null ? undefined : read(info.responseTrailers));
}

/** Sizes as Envoy's `byteSize()` counts them: names and values, pseudo-headers included. */
export function requestBytes(headers: RequestHeaders | null): number {
  if (headers === null) return 0;
  let n = headers.byteSize() + ':method'.length + headers.method.length;
  if (headers.path !== undefined) n += ':path'.length + headers.path.length;
  if (headers.authority !== undefined) n += ':authority'.length + headers.authority.length;
  if (headers.scheme !== undefined) n += ':scheme'.length + headers.scheme.length;
  if (headers.protocol !== undefined) n += ':protocol'.length + headers.protocol.length;
  return n;
}

export function responseBytes(headers: ResponseHeaders | null): number {
  return headers === null ? 0 : headers.byteSize() + ':status'.length + 3;
}
