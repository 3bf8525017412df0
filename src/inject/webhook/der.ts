/** Distinguished encoding rules (X.690), as far as a certificate needs them. */
function node(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes: number[] = [];
  for (let n = length; n > 0; n = Math.floor(n / 256)) bytes.unshift(n & 0xff);
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

export const sequence = (...parts: readonly Buffer[]) => node(0x30, ...parts);
export const set = (...parts: readonly Buffer[]) => node(0x31, ...parts);
export const octets = (content: Buffer) => node(0x04, content);
export const bits = (content: Buffer, unused = 0) => node(0x03, Buffer.from([unused]), content);
export const utf8 = (text: string) => node(0x0c, Buffer.from(text));
export const TRUE = Buffer.from([0x01, 0x01, 0xff]);
/** `[n]` around a value. */
export const explicit = (n: number, value: Buffer) => node(0xa0 | n, value);
/** `[n]` in place of a primitive value's own tag. */
export const implicit = (n: number, content: Buffer) => node(0x80 | n, content);

/** Of a positive number, most significant byte first. */
export function integer(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const kept = bytes.subarray(start);
  return node(0x02, kept[0] >= 0x80 ? Buffer.concat([Buffer.from([0]), kept]) : kept);
}

/** `1.2.840.10045.4.3.2`. */
export function objectId(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let n = part >>> 7; n > 0; n >>>= 7) groups.unshift((n & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return node(0x06, Buffer.from(bytes));
}

/** UTCTime to 2049, GeneralizedTime after it (RFC 5280, 4.1.2.5). */
export function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050 ? node(0x17, Buffer.from(text.slice(2))) : node(0x18, Buffer.from(text));
}
