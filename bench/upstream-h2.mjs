#!/usr/bin/env node
/**
 * The HTTP/2 upstream of the benchmark (cleartext, prior knowledge), on raw frames: it never looks into a header block and
 * answers each HEADERS frame that ends its stream with the same head and 1 KiB of DATA, one write for all of a read. It keeps
 * to the connection's flow-control window; streams are shorter than any stream window. Argument: port.
 *
 * It is no general server: requests with a body are not answered, and HPACK state is not kept, which is sound only because
 * nothing here depends on request headers.
 */
import { createServer } from 'node:net';

const PREFACE_LENGTH = 24;
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;
const WINDOW_UPDATE = 8;
const ACK = 1;
const END_STREAM = 1;
const END_HEADERS = 4;

function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** `:status 200` by index, then content-type and content-length as literals that enter no table. */
function literal(index, value) {
  return Buffer.concat([Buffer.from([0x0f, index - 15, value.length]), Buffer.from(value)]);
}
const BODY = Buffer.alloc(1024, 'x');
const HEAD = Buffer.concat([Buffer.from([0x88]), literal(31, 'text/plain'), literal(28, String(BODY.length))]);
const ANSWER = Buffer.concat([frame(HEADERS, END_HEADERS, 0, HEAD), frame(DATA, END_STREAM, 0, BODY)]);
const HEAD_ID = 5;
const DATA_ID = 9 + HEAD.length + 5;
const HELLO = Buffer.concat([
  frame(SETTINGS, 0, 0, Buffer.from([0, 3, 0, 0, 4, 0])),
  frame(WINDOW_UPDATE, 0, 0, Buffer.from([0x40, 0, 0, 0])),
]);
const SETTINGS_ACK = frame(SETTINGS, ACK, 0);

class Connection {
  #rest = Buffer.alloc(0);
  #prefaced = false;
  #window = 65535;
  /** Streams whose answer waits for the connection's window. */
  #waiting = [];
  #out = Buffer.alloc(64 * ANSWER.length);
  #used = 0;

  constructor(socket) {
    this.socket = socket;
    socket.write(HELLO);
    socket.on('data', (data) => this.#read(data));
    socket.on('error', () => socket.destroy());
  }

  #read(data) {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    if (!this.#prefaced) {
      if (bytes.length < PREFACE_LENGTH) {
        this.#rest = bytes;
        return;
      }
      this.#prefaced = true;
      at = PREFACE_LENGTH;
    }
    while (bytes.length - at >= 9) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < 9 + length) break;
      this.#frame(bytes, at, length);
      at += 9 + length;
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
    this.#flush();
  }

  #frame(bytes, at, length) {
    const type = bytes[at + 3];
    const flags = bytes[at + 4];
    if (type === HEADERS) {
      if (flags & END_STREAM) this.#answer(bytes.readUInt32BE(at + 5));
    } else if (type === WINDOW_UPDATE) {
      if (bytes.readUInt32BE(at + 5) !== 0) return;
      this.#window += bytes.readUInt32BE(at + 9);
      while (this.#waiting.length > 0 && this.#window >= BODY.length) this.#answer(this.#waiting.shift());
    } else if (type === SETTINGS) {
      if (!(flags & ACK)) this.#put(SETTINGS_ACK);
    } else if (type === PING && !(flags & ACK)) {
      this.#put(frame(PING, ACK, 0, bytes.subarray(at + 9, at + 9 + length)));
    }
  }

  #answer(stream) {
    if (this.#window < BODY.length) {
      this.#waiting.push(stream);
      return;
    }
    this.#window -= BODY.length;
    const start = this.#put(ANSWER);
    this.#out.writeUInt32BE(stream, start + HEAD_ID);
    this.#out.writeUInt32BE(stream, start + DATA_ID);
  }

  /** Copies bytes to the end of what leaves with this read; returns where they begin. */
  #put(bytes) {
    if (this.#used + bytes.length > this.#out.length) {
      const wider = Buffer.alloc(2 * this.#out.length + bytes.length);
      this.#out.copy(wider, 0, 0, this.#used);
      this.#out = wider;
    }
    const start = this.#used;
    bytes.copy(this.#out, start);
    this.#used += bytes.length;
    return start;
  }

  #flush() {
    if (this.#used === 0) return;
    // The socket may keep the bytes, so the buffer is not used again before it has taken them.
    this.socket.write(Buffer.from(this.#out.subarray(0, this.#used)));
    this.#used = 0;
  }
}

createServer({ noDelay: true }, (socket) => new Connection(socket)).listen(Number(process.argv[2]), '127.0.0.1', 4096);
