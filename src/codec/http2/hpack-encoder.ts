import type { HeaderName } from '../../base/header-names.js';
import type { HeaderMap, RequestHeaders } from '../../base/headers.js';
import { putLatin1 } from '../../base/out-buffer.js';
import { Kind, P } from './field.js';
import { huffmanEncode, huffmanLength } from './huffman.js';

/** How a name's fields are sent. */
enum Policy {
  /** Goes into the dynamic table. */
  INDEXED = 0,
  /** Literal without indexing: values that seldom come twice. */
  LITERAL = 1,
  /** Literal never indexed: secrets, also for proxies further on. */
  SENSITIVE = 2,
  /** Never indexed when the value is short enough to be guessed. */
  COOKIE = 3,
}

/** Which names nghttp2 does not put into the table. */
const POLICIES = new Map<string, Policy>([
  [':path', Policy.LITERAL],
  ['age', Policy.LITERAL],
  ['content-length', Policy.LITERAL],
  ['etag', Policy.LITERAL],
  ['if-modified-since', Policy.LITERAL],
  ['if-none-match', Policy.LITERAL],
  ['location', Policy.LITERAL],
  ['set-cookie', Policy.LITERAL],
  ['authorization', Policy.SENSITIVE],
  ['cookie', Policy.COOKIE],
]);
const GUESSABLE_COOKIE = 20;

/** After this many different values in a row a name is sent as a literal until a value comes twice in a row. */
const MISSES = 8;

/*
 * Every name has a slot, the same in every encoder. Permanent names keep theirs; names that only traffic mentions share a
 * bounded range, and an encoder that finds another name in the slot takes it over.
 */
const TRANSIENT_SLOTS = 1024;
let nextPermanent = 0;
let nextTransient = 0;
/** Even numbers are permanent, odd ones shared: both stay small, so that the arrays of slots stay dense. */
function assignSlot(name: HeaderName): number {
  if (name.permanent) return (name.hpackSlot = 2 * nextPermanent++);
  nextTransient = (nextTransient + 1) % TRANSIENT_SLOTS;
  return (name.hpackSlot = 2 * nextTransient + 1);
}

/** What one encoder knows of a name. */
class Slot {
  /** The value that was sent last, and the number of its entry; -1 when it was not put into the table. */
  value = '';
  entry = -1;
  /** Number of the last entry with this name. */
  nameEntry = -1;
  misses = 0;
  readonly policy: Policy;

  constructor(readonly name: HeaderName) {
    this.policy = POLICIES.get(name.text) ?? Policy.INDEXED;
  }
}

const RING = 128;
const NO_UPDATE = -1;

/**
 * HPACK encoder of one connection. Chooses representations as nghttp2 does, except that a name whose value keeps changing
 * stops filling the table.
 *
 * `begin` gives a place to write; the block grows there, or moves to a buffer of the encoder's own when it does not fit.
 */
export class HpackEncoder {
  buf: Buffer = Buffer.alloc(0);
  /** The block is `buf[start..at)`. */
  start = 0;
  at = 0;
  private limit = 0;
  private readonly slots: (Slot | undefined)[] = [];
  /* Dynamic table: entry number n is at n & mask; entries oldest..next-1 are live. */
  private names: HeaderName[] = new Array(RING);
  private values: string[] = new Array(RING);
  private next = 0;
  private oldest = 0;
  private size = 0;
  private maxSize: number;
  /** Smallest limit since the last block, when the peer must be told of a change. */
  private updateMin = NO_UPDATE;

  /** @param cap largest table this side is willing to keep (hpack_table_size) */
  constructor(private readonly cap: number) {
    this.maxSize = Math.min(4096, cap);
    if (cap < 4096) this.updateMin = cap;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setPeerLimit(limit: number): void {
    const size = Math.min(limit, this.cap);
    this.updateMin = this.updateMin === NO_UPDATE ? size : Math.min(this.updateMin, size);
    this.maxSize = size;
    this.evict(size);
  }

  /** Starts a block at `buf[at]`; up to `limit` it stays there. */
  begin(buf: Buffer, at: number, limit: number): void {
    this.buf = buf;
    this.start = this.at = at;
    this.limit = limit;
    if (this.updateMin !== NO_UPDATE) this.announceSize();
  }

  private announceSize(): void {
    this.room(12);
    if (this.updateMin < this.maxSize) this.at = putInteger(this.buf, this.at, 0x20, 31, this.updateMin);
    this.at = putInteger(this.buf, this.at, 0x20, 31, this.maxSize);
    this.updateMin = NO_UPDATE;
  }

  /** Pseudo-headers in the order the client sent them, then the lines. */
  request(headers: RequestHeaders): void {
    let order = headers.pseudoOrder;
    if (order === 0) order = H1_ORDER;
    let done = 0;
    for (; order !== 0; order >>= 3) {
      const kind = order & 7;
      done |= 1 << kind;
      this.requestPseudo(headers, kind);
    }
    // What came about after the head was read: an authority from a host line, for instance.
    if (done !== ALL_PSEUDO)
      for (let kind = 1; kind <= 5; kind++) if ((done & (1 << kind)) === 0) this.requestPseudo(headers, kind);
    this.fields(headers);
  }

  private requestPseudo(headers: RequestHeaders, kind: Kind): void {
    switch (kind) {
      case Kind.METHOD: {
        const method = headers.method;
        if (method === 'GET') this.staticIndex(2);
        else if (method === 'POST') this.staticIndex(3);
        else this.put(P.method, method);
        break;
      }
      case Kind.PATH:
        if (headers.path === undefined) break;
        if (headers.path === '/') this.staticIndex(4);
        else if (headers.path === '/index.html') this.staticIndex(5);
        else this.put(P.path, headers.path);
        break;
      case Kind.SCHEME:
        if (headers.scheme === undefined) break;
        if (headers.scheme === 'http') this.staticIndex(6);
        else if (headers.scheme === 'https') this.staticIndex(7);
        else this.put(P.scheme, headers.scheme);
        break;
      case Kind.AUTHORITY:
        if (headers.authority !== undefined) this.put(P.authority, headers.authority);
        break;
      case Kind.PROTOCOL:
        if (headers.protocol !== undefined) this.put(P.protocol, headers.protocol);
        break;
      default:
        break;
    }
  }

  status(status: number): void {
    switch (status) {
      case 200:
        this.staticIndex(8);
        break;
      case 204:
        this.staticIndex(9);
        break;
      case 206:
        this.staticIndex(10);
        break;
      case 304:
        this.staticIndex(11);
        break;
      case 400:
        this.staticIndex(12);
        break;
      case 404:
        this.staticIndex(13);
        break;
      case 500:
        this.staticIndex(14);
        break;
      default:
        this.put(P.status, status >= 100 ? String(status) : String(status).padStart(3, '0'));
    }
  }

  fields(headers: HeaderMap): void {
    const { names, values } = headers;
    for (let i = 0; i < names.length; i++) this.put(names[i], values[i]);
  }

  private staticIndex(index: number): void {
    if (this.at >= this.limit) this.room(1);
    this.buf[this.at++] = 0x80 | index;
  }

  /** One field. */
  put(name: HeaderName, value: string): void {
    const place = name.hpackSlot < 0 ? assignSlot(name) : name.hpackSlot;
    let slot = this.slots[place];
    if (slot === undefined || slot.name !== name) slot = this.slots[place] = new Slot(name);
    if (slot.entry >= this.oldest && slot.value === value) {
      slot.misses = 0;
      if (this.at + 4 > this.limit) this.room(4);
      const index = 61 + this.next - slot.entry;
      if (index < 127) this.buf[this.at++] = 0x80 | index;
      else this.at = putInteger(this.buf, this.at, 0x80, 127, index);
      return;
    }
    this.putNew(slot, value);
  }

  private putNew(slot: Slot, value: string): void {
    const name = slot.name;
    const need = roomFor(name.text) + roomFor(value) + 8;
    if (this.at + need > this.limit) this.room(need);
    if (value === '' && name.hpackIndex > 14 && name.hpackIndex !== 16 && slot.policy !== Policy.SENSITIVE) {
      this.buf[this.at++] = 0x80 | name.hpackIndex;
      return;
    }
    if (slot.policy === Policy.SENSITIVE || (slot.policy === Policy.COOKIE && value.length < GUESSABLE_COOKIE)) {
      this.literal(0x10, 15, slot, value);
      return;
    }
    const size = name.text.length + value.length + 32;
    if (slot.policy === Policy.LITERAL || size * 4 > this.maxSize * 3) {
      this.literal(0, 15, slot, value);
      return;
    }
    if (slot.misses >= MISSES) {
      if (slot.value !== value) {
        slot.value = value;
        slot.entry = -1;
        // Random identifiers: Huffman coding would save a quarter of the octets and cost more than all else here.
        this.literalName(0, 15, slot);
        this.at = putPlain(this.buf, this.at, value);
        return;
      }
    } else {
      const entry = this.find(name, value);
      if (entry >= 0) {
        slot.value = value;
        slot.entry = slot.nameEntry = entry;
        slot.misses = 0;
        this.at = putInteger(this.buf, this.at, 0x80, 127, 61 + this.next - entry);
        return;
      }
    }
    slot.misses = slot.misses >= MISSES ? 0 : slot.misses + 1;
    this.literal(0x40, 63, slot, value);
    slot.value = value;
    slot.entry = slot.nameEntry = this.insert(name, value, size);
  }

  private literal(first: number, mask: number, slot: Slot, value: string): void {
    this.literalName(first, mask, slot);
    this.at = putString(this.buf, this.at, value);
  }

  private literalName(first: number, mask: number, slot: Slot): void {
    const buf = this.buf;
    const name = slot.name;
    let index = name.hpackIndex;
    if (index === 0 && slot.nameEntry >= this.oldest) index = 61 + this.next - slot.nameEntry;
    if (index !== 0) this.at = putInteger(buf, this.at, first, mask, index);
    else {
      buf[this.at++] = first;
      this.at = putString(buf, this.at, name.text);
    }
  }

  /** Number of the newest entry with this name and value, or -1. */
  private find(name: HeaderName, value: string): number {
    const mask = this.names.length - 1;
    for (let n = this.next - 1; n >= this.oldest; n--) {
      if (this.names[n & mask] === name && this.values[n & mask] === value) return n;
    }
    return -1;
  }

  private insert(name: HeaderName, value: string, size: number): number {
    if (this.size + size > this.maxSize) this.evict(this.maxSize - size);
    if (this.next - this.oldest === this.names.length) this.grow();
    const at = this.next & (this.names.length - 1);
    this.names[at] = name;
    this.values[at] = value;
    this.size += size;
    return this.next++;
  }

  private evict(target: number): void {
    const mask = this.names.length - 1;
    while (this.size > target && this.oldest < this.next) {
      const at = this.oldest & mask;
      this.size -= this.names[at].text.length + this.values[at].length + 32;
      this.oldest++;
    }
  }

  private grow(): void {
    const { names, values } = this;
    const mask = names.length - 1;
    const wide = names.length * 2 - 1;
    this.names = new Array(wide + 1);
    this.values = new Array(wide + 1);
    for (let n = this.oldest; n < this.next; n++) {
      this.names[n & wide] = names[n & mask];
      this.values[n & wide] = values[n & mask];
    }
  }

  /** Makes sure that `n` more octets fit, by moving the block to a larger buffer. */
  private room(n: number): void {
    if (this.at + n <= this.limit) return;
    const have = this.at - this.start;
    const bigger = Buffer.allocUnsafeSlow(Math.max(16384, (have + n) * 2));
    this.buf.copy(bigger, 0, this.start, this.at);
    this.buf = bigger;
    this.start = 0;
    this.at = have;
    this.limit = bigger.length;
  }
}

/** Order of the pseudo-headers of a request that came over HTTP/1: authority, path, method, scheme, protocol. */
const H1_ORDER = 4 | (2 << 3) | (1 << 6) | (3 << 9) | (5 << 12);
const ALL_PSEUDO = 0b111110;

function putInteger(buf: Buffer, at: number, first: number, mask: number, value: number): number {
  if (value < mask) {
    buf[at] = first | value;
    return at + 1;
  }
  buf[at++] = first | mask;
  value -= mask;
  while (value >= 128) {
    buf[at++] = (value & 127) | 128;
    value >>>= 7;
  }
  buf[at++] = value;
  return at;
}

/** Up to this length a string is coded at once, and its length filled in afterwards. */
const SHORT = 126;

/** Room that a string needs for certain while it is being written. */
function roomFor(text: string): number {
  return text.length <= SHORT ? text.length * 4 + 2 : text.length + 6;
}

function putPlain(buf: Buffer, at: number, text: string): number {
  return putLatin1(buf, putInteger(buf, at, 0, 127, text.length), text);
}

/** A string, Huffman coded when that is shorter. */
function putString(buf: Buffer, at: number, text: string): number {
  if (text.length <= SHORT) {
    const end = huffmanEncode(text, buf, at + 1);
    const coded = end - at - 1;
    if (coded < text.length) {
      buf[at] = 0x80 | coded;
      return end;
    }
    buf[at] = text.length;
    return putLatin1(buf, at + 1, text);
  }
  const coded = huffmanLength(text);
  if (coded < text.length) {
    at = putInteger(buf, at, 0x80, 127, coded);
    return huffmanEncode(text, buf, at);
  }
  return putPlain(buf, at, text);
}
