import { isIP } from 'node:net';

/* What istiod takes for a name. Letters of either case are taken throughout. */

const LABEL = /^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
const WILDCARD_LABEL = /^(?:\*|(?:\*|\*-)?[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)$/;
const LABEL_VALUE = /^(?:(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const LABEL_KEY =
  /^([a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*\/)?((?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/;

/** A DNS label (RFC 1123). */
export function isLabel(text: string): boolean {
  return text.length <= 63 && LABEL.test(text);
}

/** Why a text is no DNS name; null when it is one. */
export function nameFault(host: string): string | null {
  return lengthFault(host) ?? labelsFault(host);
}

/** Why a text is no DNS name whose first label may be, or begin with, a wildcard. */
export function domainFault(host: string): string | null {
  const long = lengthFault(host);
  if (long !== null) return long;
  const dot = host.indexOf('.');
  const first = dot === -1 ? host : host.slice(0, dot);
  if (first.length > 63 || !WILDCARD_LABEL.test(first)) {
    return `domain name ${JSON.stringify(host)} invalid (label ${JSON.stringify(first)} invalid)`;
  }
  return dot === -1 ? null : labelsFault(host.slice(dot + 1));
}

function lengthFault(host: string): string | null {
  if (Buffer.byteLength(host) > 255) return `domain name ${JSON.stringify(host)} too long (max 255)`;
  return host === '' ? 'empty domain name not allowed' : null;
}

function labelsFault(host: string): string | null {
  const labels = host.split('.');
  const top = labels[labels.length - 1];
  if (/^[-+]?\d+$/.test(top)) {
    return `domain name ${JSON.stringify(host)} invalid (top level domain ${JSON.stringify(top)} cannot be all-numeric)`;
  }
  if (top === '') labels.pop();
  const wrong = labels.find((label) => !isLabel(label));
  return wrong === undefined
    ? null
    : `domain name ${JSON.stringify(host)} invalid (label ${JSON.stringify(wrong)} invalid)`;
}

/** A wildcard that is not the whole first label. */
export function isPartialWildcard(host: string): boolean {
  return host.includes('*') && host.length !== 1 && !host.startsWith('*.');
}

/** Why a label of a workload is none; null when it is one. */
export function workloadLabelFault(key: string, value: string): string | null {
  const found = LABEL_KEY.exec(key);
  if (found === null) return `invalid tag key: ${JSON.stringify(key)}`;
  if (found[1] !== undefined && found[1].length - 1 > 253)
    return `invalid tag key: ${JSON.stringify(key)} (DNS prefix is too long)`;
  if (found[2].length > 63) return `invalid tag key: ${JSON.stringify(key)} (name is too long)`;
  return LABEL_VALUE.test(value) ? null : `invalid tag value: ${JSON.stringify(value)}`;
}

/** An address, as Go's netip reads it: an IPv6 address may have a zone. */
export function isAddress(text: string): boolean {
  const zone = text.indexOf('%');
  if (zone === -1) return isIP(text) !== 0;
  return isIP(text.slice(0, zone)) === 6 && zone < text.length - 1;
}

/** `address/bits`; a prefix has no zone. */
export function isPrefix(text: string): boolean {
  const slash = text.lastIndexOf('/');
  const version = isIP(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  return (
    version !== 0 &&
    !text.includes('%') &&
    /^(?:0|[1-9]\d{0,2})$/.test(bits) &&
    Number(bits) <= (version === 4 ? 32 : 128)
  );
}

/** Why a text is neither an address nor a prefix; null when it is one. */
export function subnetFault(text: string): string | null {
  if (text.split('/').length === 2) return isPrefix(text) ? null : `${text} is not a valid CIDR block`;
  return isAddress(text) ? null : `${text} is not a valid IP`;
}

/** Why the path behind `unix://` is none; null when it is one. */
export function socketFault(path: string): string | null {
  if (path === '') return 'unix address must not be empty';
  if (path.startsWith('@')) return null;
  return path.startsWith('/') && !path.endsWith('/') ? null : `${path} is not an absolute path to a file`;
}
