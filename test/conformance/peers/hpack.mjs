/**
 * HPACK (RFC 7541) for test peers: a whole decoder, and an encoder that writes every field as a literal without indexing
 * and without Huffman coding, so that a test controls the bytes.
 */
const STATIC = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...(
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
    'content-disposition content-encoding content-language content-length content-location content-range content-type ' +
    'cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since ' +
    'last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after ' +
    'server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate'
  )
    .split(' ')
    .map((name) => [name, '']),
];

/** Code lengths of the 256 octets and of EOS; the codes of RFC 7541 Appendix B are the canonical ones of these lengths. */
const HUFFMAN_LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];

/** `length * 2^32 + code` -> octet. */
const CODES = new Map();
{
  const order = [...HUFFMAN_LENGTHS.keys()].sort((a, b) => HUFFMAN_LENGTHS[a] - HUFFMAN_LENGTHS[b] || a - b);
  let code = 0;
  let length = HUFFMAN_LENGTHS[order[0]];
  for (const octet of order) {
    code *= 2 ** (HUFFMAN_LENGTHS[octet] - length);
    length = HUFFMAN_LENGTHS[octet];
    CODES.set(length * 2 ** 32 + code, octet);
    code += 1;
  }
}

function huffman(bytes) {
  const out = [];
  let code = 0;
  let length = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      code = code * 2 + ((byte >> bit) & 1);
      length += 1;
      const octet = CODES.get(length * 2 ** 32 + code);
      if (octet !== undefined) {
        out.push(octet);
        code = 0;
        length = 0;
      }
    }
  }
  return Buffer.from(out).toString('latin1');
}

export class Decoder {
  #dynamic = [];

  decode(block) {
    const fields = [];
    let at = 0;
    const integer = (bits) => {
      const full = 2 ** bits - 1;
      let value = block[at++] & full;
      if (value < full) return value;
      for (let shift = 0; ; shift += 7) {
        const byte = block[at++];
        value += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) return value;
      }
    };
    const string = () => {
      const coded = block[at] & 0x80;
      const length = integer(7);
      const bytes = block.subarray(at, at + length);
      at += length;
      return coded ? huffman(bytes) : bytes.toString('latin1');
    };
    const entry = (index) => (index <= STATIC.length ? STATIC[index - 1] : this.#dynamic[index - STATIC.length - 1]);
    while (at < block.length) {
      const first = block[at];
      if (first & 0x80) fields.push(entry(integer(7)));
      else if ((first & 0xe0) === 0x20) integer(5);
      else {
        const indexed = first & 0x40;
        const index = integer(indexed ? 6 : 4);
        const name = index === 0 ? string() : entry(index)[0];
        const field = [name, string()];
        if (indexed) this.#dynamic.unshift(field);
        fields.push(field);
      }
    }
    return fields;
  }
}

function integer(value, bits, flags) {
  const full = 2 ** bits - 1;
  if (value < full) return [flags | value];
  const out = [flags | full];
  let rest = value - full;
  while (rest >= 128) {
    out.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return out;
}

export function encode(fields) {
  const parts = [];
  for (const [name, value] of fields) {
    const nameBytes = Buffer.from(name, 'latin1');
    const valueBytes = Buffer.from(String(value), 'latin1');
    parts.push(Buffer.from([0, ...integer(nameBytes.length, 7, 0)]), nameBytes);
    parts.push(Buffer.from(integer(valueBytes.length, 7, 0)), valueBytes);
  }
  return Buffer.concat(parts);
}
