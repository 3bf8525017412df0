import { H } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import type { StreamInfo } from '../observe/stream-info.js';
import type { RegexMatchAndSubstitute } from '../xds/types.js';
import { HeaderReader } from './header-matcher.js';
import type { Formatter } from './header-mutation.js';
import { RegexRewrite } from './regex.js';

/** Length of the path without query and fragment. */
export function pathLength(path: string): number {
  const query = path.indexOf('?');
  const fragment = path.indexOf('#');
  if (query < 0) return fragment < 0 ? path.length : fragment;
  return fragment < 0 || query < fragment ? query : fragment;
}

/** Where the port of a host begins (at its colon), the length when there is none. */
export function portStart(host: string): number {
  const colon = host.lastIndexOf(':');
  return colon < 0 || host.lastIndexOf(']') > colon ? host.length : colon;
}

/** A rule that makes a new `:path`; the query is kept. */
export interface PathRewrite {
  /** The whole new path, or null to leave it alone. `matched` is the length of what the route matched. */
  rewrite(path: string, matched: number, info: StreamInfo): string | null;
}

/** prefix_rewrite: what the route matched is replaced. */
export class PrefixRewrite implements PathRewrite {
  constructor(private readonly text: string) {}
  rewrite(path: string, matched: number): string {
    return this.text + path.slice(matched);
  }
}

/** regex_rewrite: matches in the path without its query are replaced; when nothing would be left, nothing is done. */
export class RegexPathRewrite implements PathRewrite {
  private readonly regex: RegexRewrite;
  constructor(config: RegexMatchAndSubstitute) {
    this.regex = new RegexRewrite(config.pattern.regex, config.substitution);
  }
  rewrite(path: string): string | null {
    const end = pathLength(path);
    const made = this.regex.replaceAll(path.slice(0, end));
    return made === '' ? null : made + path.slice(end);
  }
}

/** path_rewrite: text with command operators replaces the path without its query. */
export class FormattedPathRewrite implements PathRewrite {
  constructor(private readonly text: string | Formatter) {}
  rewrite(path: string, _matched: number, info: StreamInfo): string | null {
    const made = typeof this.text === 'string' ? this.text : this.text.format(info);
    return made === '' ? null : made + path.slice(pathLength(path));
  }
}

/** A rule that makes a new `:authority`. */
export interface HostRewrite {
  /** The new host, '' to leave it alone. */
  host(headers: RequestHeaders, info: StreamInfo): string;
}

export class LiteralHost implements HostRewrite {
  constructor(private readonly text: string) {}
  host(): string {
    return this.text;
  }
}

/** host_rewrite_header: the first value of a header. */
export class HeaderHost implements HostRewrite {
  private readonly reader: HeaderReader;
  constructor(name: string) {
    this.reader = new HeaderReader(name);
  }
  host(headers: RequestHeaders): string {
    return this.reader.get(headers) ?? '';
  }
}

/** host_rewrite_path_regex: the path without its query after a regex rewrite. */
export class PathRegexHost implements HostRewrite {
  private readonly regex: RegexRewrite;
  constructor(config: RegexMatchAndSubstitute) {
    this.regex = new RegexRewrite(config.pattern.regex, config.substitution);
  }
  host(headers: RequestHeaders): string {
    const path = headers.path ?? '';
    return this.regex.replaceAll(path.slice(0, pathLength(path)));
  }
}

export class FormattedHost implements HostRewrite {
  constructor(private readonly formatter: Formatter) {}
  host(_headers: RequestHeaders, info: StreamInfo): string {
    return this.formatter.format(info);
  }
}

/**
 * Changes `:authority`; the old one is kept in x-envoy-original-host (unless envoy headers are suppressed) and, when asked,
 * appended to x-forwarded-host. Also for auto_host_rewrite, when the upstream host is known.
 */
export function rewriteAuthority(
  headers: RequestHeaders,
  host: string,
  appendForwardedHost: boolean,
  keepOriginal: boolean,
): void {
  const old = headers.authority;
  if (keepOriginal && old !== undefined) headers.set(H.xEnvoyOriginalHost, old);
  if (appendForwardedHost && old !== undefined && old !== '') forwardHost(headers, old);
  headers.authority = host;
}

/** A host that is the last of x-forwarded-host already is not written again (a retry would repeat it). */
function forwardHost(headers: RequestHeaders, host: string): void {
  const known = headers.get(H.xForwardedHost);
  if (known !== undefined && lastEntry(known) === host) return;
  headers.add(H.xForwardedHost, host);
}

/** The last entry of a list that is not empty, blanks and all, as Envoy splits it. */
function lastEntry(list: string): string {
  let end = list.length;
  while (end > 0 && list[end - 1] === ',') end--;
  return list.slice(list.lastIndexOf(',', end - 1) + 1, end);
}
