import { H } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import type { StreamInfo } from '../observe/stream-info.js';
import type { RedirectAction } from '../xds/types.js';
import { type CompileFormat, compileText, type Formatter } from './header-mutation.js';
import { reporting } from './refuse.js';
import { byteString } from './regex.js';

const CODES: Readonly<Record<RedirectAction['response_code'], number>> = {
  MOVED_PERMANENTLY: 301,
  FOUND: 302,
  SEE_OTHER: 303,
  TEMPORARY_REDIRECT: 307,
  PERMANENT_REDIRECT: 308,
};

/** Where a redirect or direct response points to. Without a RedirectAction it is the request's own URL. */
export class RedirectTarget {
  readonly status: number;
  /** '' keeps the scheme of the request. */
  private readonly scheme: string;
  private readonly host: string;
  /** With its colon; '' keeps the port of the request's host. */
  private readonly port: string;
  /** path_redirect, or path_rewrite with its operators; '' keeps the path. */
  private readonly path: string | Formatter;
  private readonly stripQuery: boolean;

  /** @throws ConfigError for an unknown operator in path_rewrite */
  constructor(config: RedirectAction | null, compileFormat: CompileFormat) {
    this.status = config === null ? 0 : CODES[config.response_code];
    this.scheme = byteString(config?.scheme_redirect ?? (config?.https_redirect === true ? 'https' : ''));
    this.host = byteString(config?.host_redirect ?? '');
    this.port = config === null || config.port_redirect === 0 ? '' : `:${config.port_redirect}`;
    this.stripQuery = config?.strip_query ?? false;
    const formatted = config?.path_rewrite ?? '';
    this.path =
      config === null || formatted === ''
        ? byteString(config?.path_redirect ?? '')
        : reporting(config, 'path_rewrite', () => compileText(formatted, '', compileFormat));
  }

  /** The value of `location`. */
  location(headers: RequestHeaders, info: StreamInfo): string {
    const scheme = this.scheme !== '' ? this.scheme : (headers.scheme ?? '');
    const host = this.host !== '' ? this.host : this.requestHost(headers, scheme);
    const path = this.targetPath(headers.path ?? '', info);
    return `${scheme}://${host}${this.port}${path.startsWith('/') ? '' : '/'}${path}`;
  }

  /** The query stays, unless the new path has one of its own (which then stays whatever strip_query says). */
  private targetPath(path: string, info: StreamInfo): string {
    const target = typeof this.path === 'string' ? this.path : this.path.format(info);
    if (target.includes('?')) return target;
    const query = path.indexOf('?');
    if (query < 0) return target === '' ? path : target;
    return (target === '' ? path.slice(0, query) : target) + (this.stripQuery ? '' : path.slice(query));
  }

  /**
   * The request's host. Its port goes when a port is configured, and when the scheme changes and the port was the default of
   * the old one.
   */
  private requestHost(headers: RequestHeaders, scheme: string): string {
    const host = headers.authority ?? '';
    const colon = host.startsWith('[') ? host.lastIndexOf(']:') + 1 : host.lastIndexOf(':');
    if (colon < 0 || (colon === 0 && host.startsWith('['))) return host;
    if (this.port !== '') return host.slice(0, colon);
    const came = headers.get(H.xForwardedProto) ?? '';
    if (scheme === came) return host;
    const port = host.slice(colon);
    const isDefault = (came === 'https' && port === ':443') || (came === 'http' && port === ':80');
    return isDefault ? host.slice(0, colon) : host;
  }
}

/** require_tls: the same URL under https, the port of the host left as it is. */
export function tlsLocation(headers: RequestHeaders): string {
  return `https://${headers.authority ?? ''}${headers.path ?? ''}`;
}
