import { H } from '../base/header-names.js';
import { cut, type Definition, type Operator } from './format-types.js';
import type { StreamInfo } from './stream-info.js';

/** Operators on the request path: `PATH`, `QUERY_PARAM`, `QUERY_PARAMS`. */
function original(info: StreamInfo): string | undefined {
  return info.requestHeaders?.get(H.xEnvoyOriginalPath);
}

function current(info: StreamInfo): string | undefined {
  return info.requestHeaders?.path;
}

const SOURCES: Record<string, (info: StreamInfo) => string | undefined> = {
  ORIG: original,
  PATH: current,
  ORIG_OR_PATH: (info) => original(info) ?? current(info),
};

function path(param: string, length: number | undefined): Operator {
  const [query = '', source = ''] = param.split(':');
  const withQuery = query === '' || query === 'WQ';
  if (!withQuery && query !== 'NQ') throw new Error(`Invalid PATH option: '${query}', only 'WQ'/'NQ' are allowed`);
  const read = SOURCES[source === '' ? 'ORIG_OR_PATH' : source];
  if (read === undefined) {
    throw new Error(`Invalid PATH option: '${source}', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed`);
  }
  return (info) => {
    const value = read(info);
    if (value === undefined) return null;
    const mark = withQuery ? -1 : value.indexOf('?');
    return cut(mark < 0 ? value : value.slice(0, mark), length);
  };
}

function queryOf(info: StreamInfo): string | null {
  const value = SOURCES.ORIG_OR_PATH(info);
  if (value === undefined) return null;
  const mark = value.indexOf('?');
  return mark < 0 ? null : value.slice(mark + 1);
}

function queryParams(param: string): Operator {
  if (param !== '' && param !== 'ORIG') {
    throw new Error(`Invalid QUERY_PARAMS option: '${param}', only 'ORIG' is supported`);
  }
  return (info) => queryOf(info);
}

/** The first value of a parameter, percent-decoded, cut to `length`. */
function queryParam(name: string, length: number | undefined): Operator {
  return (info) => {
    const query = queryOf(info);
    if (query === null) return null;
    for (const pair of query.split('&')) {
      const equals = pair.indexOf('=');
      const key = equals < 0 ? pair : pair.slice(0, equals);
      if (percentDecoded(key) === name) return cut(equals < 0 ? '' : percentDecoded(pair.slice(equals + 1)), length);
    }
    return null;
  };
}

/** Byte string with `%xx` replaced; a percent sign without two hex digits stays. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const code = text[i] === '%' ? hexByte(text, i + 1) : -1;
    if (code < 0) out += text[i];
    else {
      out += String.fromCharCode(code);
      i += 2;
    }
  }
  return out;
}

function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

export const pathOperators: Record<string, Definition> = {
  PATH: { param: 'optional', length: true, make: (param, length) => path(param, length) },
  QUERY_PARAM: { param: 'required', length: true, make: (param, length) => queryParam(param, length) },
  QUERY_PARAMS: { param: 'optional', length: false, make: (param) => queryParams(param) },
};
