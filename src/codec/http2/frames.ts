import type { OutBuffer } from '../../base/out-buffer.js';

/** Frame types (RFC 9113 section 6). */
export enum Frame {
  DATA = 0,
  HEADERS = 1,
  PRIORITY = 2,
  RST_STREAM = 3,
  SETTINGS = 4,
  PUSH_PROMISE = 5,
  PING = 6,
  GOAWAY = 7,
  WINDOW_UPDATE = 8,
  CONTINUATION = 9,
}

export enum Flag {
  NONE = 0,
  END_STREAM = 1,
  END_HEADERS = 4,
  PADDED = 8,
  PRIORITY = 32,
  ACK = END_STREAM,
}

/** Error codes (RFC 9113 section 7). */
export enum Code {
  NO_ERROR = 0,
  PROTOCOL_ERROR = 1,
  INTERNAL_ERROR = 2,
  FLOW_CONTROL_ERROR = 3,
  SETTINGS_TIMEOUT = 4,
  STREAM_CLOSED = 5,
  FRAME_SIZE_ERROR = 6,
  REFUSED_STREAM = 7,
  CANCEL = 8,
  COMPRESSION_ERROR = 9,
  CONNECT_ERROR = 10,
  ENHANCE_YOUR_CALM = 11,
}

export enum Setting {
  HEADER_TABLE_SIZE = 1,
  ENABLE_PUSH = 2,
  MAX_CONCURRENT_STREAMS = 3,
  INITIAL_WINDOW_SIZE = 4,
  MAX_FRAME_SIZE = 5,
  MAX_HEADER_LIST_SIZE = 6,
  ENABLE_CONNECT_PROTOCOL = 8,
  NO_RFC7540_PRIORITIES = 9,
}

export const FRAME_HEADER = 9;
/** SETTINGS_MAX_FRAME_SIZE of this side, never changed, and the largest payload it sends. */
export const MAX_PAYLOAD = 16384;
export const DEFAULT_WINDOW = 65535;
export const MAX_WINDOW = 0x7fffffff;
export const MAX_STREAM_ID = 0x7fffffff;
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Writes a frame header at `buf[at]`. */
export function putFrameHeader(
  buf: Buffer,
  at: number,
  length: number,
  type: Frame,
  flags: number,
  id: number,
): number {
  buf[at] = length >>> 16;
  buf[at + 1] = length >>> 8;
  buf[at + 2] = length;
  buf[at + 3] = type;
  buf[at + 4] = flags;
  return putU32(buf, at + 5, id);
}

export function putU32(buf: Buffer, at: number, value: number): number {
  buf[at] = value >>> 24;
  buf[at + 1] = value >>> 16;
  buf[at + 2] = value >>> 8;
  buf[at + 3] = value;
  return at + 4;
}

export function u32(buf: Uint8Array, at: number): number {
  return ((buf[at] << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3]) >>> 0;
}

/** Value of a field whose highest bit is reserved: stream ids, window increments. */
export function u31(buf: Uint8Array, at: number): number {
  return ((buf[at] & 127) << 24) | (buf[at + 1] << 16) | (buf[at + 2] << 8) | buf[at + 3];
}

/** A frame whose payload is one number: RST_STREAM, WINDOW_UPDATE. */
export function writeNumberFrame(out: OutBuffer, type: Frame, id: number, value: number): void {
  out.reserve(FRAME_HEADER + 4);
  out.pos = putU32(out.buf, putFrameHeader(out.buf, out.pos, 4, type, 0, id), value);
}

export function writePing(out: OutBuffer, ack: boolean, high: number, low: number): void {
  out.reserve(FRAME_HEADER + 8);
  const at = putFrameHeader(out.buf, out.pos, 8, Frame.PING, ack ? Flag.ACK : Flag.NONE, 0);
  out.pos = putU32(out.buf, putU32(out.buf, at, high), low);
}

export function writeGoAway(out: OutBuffer, lastId: number, code: number, debug: string): void {
  out.reserve(FRAME_HEADER + 8);
  const at = putFrameHeader(out.buf, out.pos, 8 + debug.length, Frame.GOAWAY, 0, 0);
  out.pos = putU32(out.buf, putU32(out.buf, at, lastId), code);
  out.writeLatin1(debug);
}

export function writeSettings(out: OutBuffer, entries: readonly (readonly [number, number])[]): void {
  out.reserve(FRAME_HEADER + entries.length * 6);
  let at = putFrameHeader(out.buf, out.pos, entries.length * 6, Frame.SETTINGS, 0, 0);
  for (const [id, value] of entries) {
    out.buf[at] = id >>> 8;
    out.buf[at + 1] = id;
    at = putU32(out.buf, at + 2, value);
  }
  out.pos = at;
}

export function writeSettingsAck(out: OutBuffer): void {
  out.reserve(FRAME_HEADER);
  out.pos = putFrameHeader(out.buf, out.pos, 0, Frame.SETTINGS, Flag.ACK, 0);
}
