import { isIP } from 'node:net';
import { ALPHA, all, HOST, TARGET, USERINFO } from './chars.js';

/**
 * The first look at a request target, as soon as the request line is there. Balsa's rule: a path of visible ASCII, or a
 * scheme and `://` followed by host characters, or (CONNECT) host characters alone.
 */
export function targetIsPlausible(target: string, connect: boolean): boolean {
  if (target === '') return false;
  const first = target.charCodeAt(0);
  if (first === 47 || first === 42) return all(target, TARGET, 1);
  let at = 0;
  if (!connect) {
    if (ALPHA[first] === 0) return false;
    at = 1;
    while (at < target.length && isSchemeChar(target.charCodeAt(at))) at++;
    if (!target.startsWith('://', at)) return false;
    at += 3;
  }
  let hostEnd = at;
  while (hostEnd < target.length && target[hostEnd] !== '/' && target[hostEnd] !== '?') hostEnd++;
  for (let i = at; i < hostEnd; i++) {
    const c = target.charCodeAt(i);
    if (USERINFO[c & 255] === 0 && c !== 64 && c !== 91 && c !== 93) return false;
    if (c === 64 && target.charCodeAt(i + 1) === 64 && i + 1 < hostEnd) return false;
  }
  return all(target, TARGET, hostEnd);
}

function isSchemeChar(c: number): boolean {
  return (ALPHA[c & 255] !== 0 && c < 128) || (c >= 48 && c <= 57) || c === 43 || c === 45 || c === 46;
}

export interface AbsoluteTarget {
  /** As written. */
  scheme: string;
  /** Host and port; an address in brackets keeps them, userinfo is left out. */
  authority: string;
  /** Path and query; `/` when the target ends with the authority. */
  path: string;
}

/** Parses `scheme://authority/path`; null when it is not one. */
export function parseAbsoluteTarget(target: string): AbsoluteTarget | null {
  let colon = 0;
  while (colon < target.length && isSchemeChar(target.charCodeAt(colon))) colon++;
  if (ALPHA[target.charCodeAt(0) & 255] === 0 || !target.startsWith('://', colon)) return null;
  const start = colon + 3;
  let end = start;
  while (end < target.length && target[end] !== '/' && target[end] !== '?') end++;
  const authority = parseAuthority(target.slice(start, end));
  if (authority === null) return null;
  const path = end < target.length ? target.slice(end) : '/';
  return { scheme: target.slice(0, colon), authority, path };
}

/** The target of CONNECT: `host:port`, before which an empty userinfo passes. Null when it is not that. */
export function parseConnectTarget(target: string): string | null {
  if (target.includes('@', 1) || target.includes('/') || target.includes('?')) return null;
  const authority = parseAuthority(target);
  return authority !== null && authority.lastIndexOf(':') > authority.lastIndexOf(']') ? authority : null;
}

/** Checks `[userinfo@]host[:port]` and returns host and port. */
function parseAuthority(text: string): string | null {
  const at = text.lastIndexOf('@');
  if (at >= 0 && !all(text, USERINFO, 0, at)) return null;
  const rest = at < 0 ? text : text.slice(at + 1);
  let hostEnd: number;
  if (rest.startsWith('[')) {
    hostEnd = rest.indexOf(']') + 1;
    const literal = rest.slice(1, hostEnd - 1);
    if (hostEnd === 0 || literal.includes('%') || isIP(literal) === 0) return null;
  } else {
    hostEnd = rest.indexOf(':');
    if (hostEnd < 0) hostEnd = rest.length;
    if (hostEnd === 0 || !all(rest, HOST, 0, hostEnd)) return null;
  }
  if (hostEnd === rest.length) return rest;
  return rest[hostEnd] === ':' && isPort(rest, hostEnd + 1) ? rest : null;
}

function isPort(text: string, from: number): boolean {
  if (from === text.length) return false;
  let port = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65535) return false;
  }
  return true;
}
