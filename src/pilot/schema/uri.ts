/** What Go's url.ParseRequestURI makes of a text, as far as rules ask. */
export interface GoUrl {
  /** Lower case; empty for a path. */
  scheme: string;
  host: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\x00-\x1f\x7f]/;
const BAD_ESCAPE = /%(?![0-9a-fA-F]{2})/;
const USER = /^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/;
const HOST = /^[A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"%\u0080-\uffff]*$/;

/** A URL or an absolute path, as Go takes it in a request; null when it does not. */
export function parseRequestUri(text: string): GoUrl | null {
  if (text === '' || CONTROL.test(text)) return null;
  if (text === '*') return { scheme: '', host: '' };
  const found = schemeOf(text);
  if (found === null) return null;
  const { scheme } = found;
  const query = found.rest.indexOf('?');
  let rest = query === -1 ? found.rest : found.rest.slice(0, query);
  if (!rest.startsWith('/')) return scheme === '' ? null : { scheme, host: '' };
  let host = '';
  if (scheme !== '' && rest.startsWith('//') && !rest.startsWith('///')) {
    const slash = rest.indexOf('/', 2);
    const authority = slash === -1 ? rest.slice(2) : rest.slice(2, slash);
    rest = slash === -1 ? '' : rest.slice(slash);
    const parsed = hostOf(authority);
    if (parsed === null) return null;
    host = parsed;
  }
  return BAD_ESCAPE.test(rest) ? null : { scheme, host };
}

/** The scheme before the first colon; empty without one. Null when the colon comes first. */
function schemeOf(text: string): { scheme: string; rest: string } | null {
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (/[a-zA-Z]/.test(c)) continue;
    if (/[0-9+\-.]/.test(c)) {
      if (i === 0) break;
      continue;
    }
    if (c !== ':') break;
    return i === 0 ? null : { scheme: text.slice(0, i).toLowerCase(), rest: text.slice(i + 1) };
  }
  return { scheme: '', rest: text };
}

function hostOf(authority: string): string | null {
  const at = authority.lastIndexOf('@');
  if (at >= 0 && (!USER.test(authority.slice(0, at)) || BAD_ESCAPE.test(authority.slice(0, at)))) return null;
  const host = authority.slice(at + 1);
  if (host.startsWith('[')) {
    const end = host.lastIndexOf(']');
    return end === -1 || !/^(?::\d*)?$/.test(host.slice(end + 1)) ? null : host;
  }
  const colon = host.indexOf(':');
  if (colon !== -1 && !/^:\d*$/.test(host.slice(colon))) return null;
  return HOST.test(host) && !BAD_ESCAPE.test(host) ? host : null;
}
