import { HeaderName, headerNameOfBytes } from '../../base/header-names.js';
import { Field, pseudoName, STATIC_COUNT, STATIC_FIELDS } from './field.js';
import { huffmanDecode } from './huffman.js';

/** Receives decoded fields. */
export interface FieldSink {
  /** @returns false to stop decoding at once: the connection is lost */
  onField(field: Field): boolean;
}

/** The block breaks RFC 7541: the connection is lost with COMPRESSION_ERROR. */
export const MALFORMED = -1;
/** The sink stopped the decoder. */
export const STOPPED = -2;
/** Internal: more octets are needed. */
const SHORT = -3;

/** Longest string as it stands on the wire, the limit of nghttp2. */
const MAX_STRING = 65536;

/** Node has it and its types do not: the string of a range without the checks of `toString`. */
type Sliceable = Buffer & { latin1Slice(start: number, end: number): string };

const text = Buffer.allocUnsafeSlow(MAX_STRING * 2) as Sliceable;

/*
 * Literal fields that were met before, for the whole process: from the octets of the representation to the field, direct-mapped.
 * Saves making the strings and checking them again for what every connection sends once.
 */
const CACHE_SLOTS = 4096;
const CACHE_WIDTH = 128;
const cacheBytes = new Uint8Array(CACHE_SLOTS * CACHE_WIDTH);
const cacheLengths = new Uint8Array(CACHE_SLOTS);
const cacheFields: (Field | null)[] = new Array(CACHE_SLOTS).fill(null);

function invalidName(buf: Sliceable, start: number, end: number): HeaderName {
  return new HeaderName(buf.latin1Slice(start, end), 0, false, false);
}

function nameOf(buf: Sliceable, start: number, end: number): HeaderName {
  if (start === end) return invalidName(buf, start, end);
  if (buf[start] === 58) return pseudoName(buf.latin1Slice(start, end)) ?? invalidName(buf, start, end);
  for (let i = start; i < end; i++) {
    // The table of names is for well-formed ones, and its key is the lower-case text.
    if (buf[i] < 33 || buf[i] > 126 || (buf[i] >= 65 && buf[i] <= 90)) return invalidName(buf, start, end);
  }
  return headerNameOfBytes(buf, start, end);
}

/** HPACK decoder of one connection (RFC 7541). A header block may come in fragments that end anywhere. */
export class HpackDecoder {
  /** Ring of the dynamic table; `newest` is the position of the last entry. */
  private ring: Field[] = new Array(64);
  private newest = 0;
  private count = 0;
  private size = 0;
  private maxSize = 4096;
  /** Limit that was announced to the peer and acknowledged. */
  private settingsLimit = 4096;
  /** The limit was lowered: the next block must begin with a size update. */
  private updateExpected = false;
  private updatesAllowed = true;
  /** Result of `integer`. */
  private value = 0;

  /** A new block begins. */
  begin(): void {
    this.updatesAllowed = true;
  }

  /** The peer has acknowledged SETTINGS_HEADER_TABLE_SIZE. */
  setLimit(limit: number): void {
    this.settingsLimit = limit;
    if (this.maxSize > limit) {
      this.updateExpected = true;
      this.maxSize = limit;
      this.evict(limit);
    }
  }

  /**
   * Decodes what is complete of `buf[at..end)`.
   * @param final the block ends here: an incomplete field is an error
   * @param sink null to keep the table in step and drop the fields
   * @returns the position after the last complete field, `MALFORMED` or `STOPPED`
   */
  decode(buf: Buffer, at: number, end: number, final: boolean, sink: FieldSink | null): number {
    while (at < end) {
      const first = buf[at];
      if (first >= 128) {
        if (this.updateExpected) return MALFORMED;
        let next = at + 1;
        let index = first & 127;
        if (index === 127) {
          next = this.integer(buf, next, end, 127, STATIC_COUNT + this.count);
          if (next < 0) return next === SHORT && !final ? at : MALFORMED;
          index = this.value;
        }
        const field = this.lookup(index);
        if (field === null) return MALFORMED;
        this.updatesAllowed = false;
        at = next;
        if (sink !== null && !sink.onField(field)) return STOPPED;
      } else if ((first & 0xe0) === 0x20) {
        if (!this.updatesAllowed) return MALFORMED;
        const next = this.prefixed(buf, at, end, 31, this.settingsLimit);
        if (next < 0) return next === SHORT && !final ? at : MALFORMED;
        this.updateExpected = false;
        this.maxSize = this.value;
        this.evict(this.maxSize);
        at = next;
      } else {
        if (this.updateExpected) return MALFORMED;
        const next = this.literal(buf, at, end);
        if (next < 0) return next === SHORT && !final ? at : MALFORMED;
        this.updatesAllowed = false;
        const field = this.decoded!;
        if ((first & 0x40) !== 0) this.insert(field);
        at = next;
        if (sink !== null && !sink.onField(field)) return STOPPED;
      }
    }
    return at;
  }

  private decoded: Field | null = null;

  private lookup(index: number): Field | null {
    if (index <= STATIC_COUNT) return STATIC_FIELDS[index];
    const back = index - STATIC_COUNT - 1;
    if (back >= this.count) return null;
    return this.ring[(this.newest - back) & (this.ring.length - 1)];
  }

  /** Integer whose prefix is the low bits of `buf[at]`. */
  private prefixed(buf: Buffer, at: number, end: number, mask: number, max: number): number {
    const low = buf[at] & mask;
    if (low < mask) {
      this.value = low;
      return low > max ? MALFORMED : at + 1;
    }
    return this.integer(buf, at + 1, end, mask, max);
  }

  /** Rest of an integer whose prefix is all ones. Sets `value`; returns the position after it, SHORT or MALFORMED. */
  private integer(buf: Buffer, at: number, end: number, base: number, max: number): number {
    let value = base;
    let factor = 1;
    for (; at < end; at++) {
      const octet = buf[at];
      value += (octet & 127) * factor;
      if (value > max) return MALFORMED;
      if (octet < 128) {
        this.value = value;
        return at + 1;
      }
      factor *= 128;
      // Zeros without end would never exceed the maximum.
      if (factor > 0x10000000) return MALFORMED;
    }
    return SHORT;
  }

  /** Sets `decoded`; returns the position after the representation, SHORT or MALFORMED. */
  private literal(buf: Buffer, at: number, end: number): number {
    const start = at;
    let next = this.prefixed(buf, at, end, (buf[at] & 0x40) !== 0 ? 63 : 15, STATIC_COUNT + this.count);
    if (next < 0) return next;
    const index = this.value;
    let nameStart = 0;
    let nameEnd = 0;
    let nameCoded = false;
    if (index === 0) {
      if (next >= end) return SHORT;
      nameCoded = buf[next] >= 128;
      next = this.prefixed(buf, next, end, 127, MAX_STRING);
      if (next < 0) return next;
      nameStart = next;
      nameEnd = next += this.value;
      if (next > end) return SHORT;
    }
    if (next >= end) return SHORT;
    const valueCoded = buf[next] >= 128;
    next = this.prefixed(buf, next, end, 127, MAX_STRING);
    if (next < 0) return next;
    const valueStart = next;
    next += this.value;
    if (next > end) return SHORT;

    const length = next - start;
    let slot = -1;
    if (index <= STATIC_COUNT && length <= CACHE_WIDTH) {
      let hash = length;
      for (let i = start; i < next; i++) hash = (Math.imul(hash, 31) + buf[i]) | 0;
      slot = (hash ^ (hash >>> 12)) & (CACHE_SLOTS - 1);
      if (cacheLengths[slot] === length) {
        const base = slot * CACHE_WIDTH;
        let i = 0;
        while (i < length && cacheBytes[base + i] === buf[start + i]) i++;
        if (i === length) {
          this.decoded = cacheFields[slot];
          return next;
        }
      }
    }
    let name: HeaderName | null = null;
    if (index === 0) {
      if (nameCoded) {
        const n = huffmanDecode(buf, nameStart, nameEnd, text);
        if (n < 0) return MALFORMED;
        name = nameOf(text, 0, n);
      } else name = nameOf(buf as Sliceable, nameStart, nameEnd);
    }
    let value: string;
    if (valueCoded) {
      const n = huffmanDecode(buf, valueStart, next, text);
      if (n < 0) return MALFORMED;
      value = text.latin1Slice(0, n);
    } else value = (buf as Sliceable).latin1Slice(valueStart, next);
    const field = name === null ? this.lookup(index)!.withValue(value) : Field.of(name, value);
    if (slot >= 0) {
      cacheBytes.set(buf.subarray(start, next), slot * CACHE_WIDTH);
      cacheLengths[slot] = length;
      cacheFields[slot] = field;
    }
    this.decoded = field;
    return next;
  }

  private insert(field: Field): void {
    const size = field.bytes + 32;
    if (size > this.maxSize) {
      this.evict(0);
      return;
    }
    if (this.size + size > this.maxSize) this.evict(this.maxSize - size);
    if (this.count === this.ring.length) this.grow();
    this.newest = (this.newest + 1) & (this.ring.length - 1);
    this.ring[this.newest] = field;
    this.count++;
    this.size += size;
  }

  /** Drops the oldest entries until at most `target` octets are held. */
  private evict(target: number): void {
    const mask = this.ring.length - 1;
    while (this.size > target && this.count > 0) {
      const oldest = (this.newest - this.count + 1) & mask;
      this.size -= this.ring[oldest].bytes + 32;
      this.count--;
    }
  }

  private grow(): void {
    const old = this.ring;
    const ring: Field[] = new Array(old.length * 2);
    for (let i = 0; i < this.count; i++) ring[i] = old[(this.newest - this.count + 1 + i) & (old.length - 1)];
    this.ring = ring;
    this.newest = this.count - 1;
  }
}
