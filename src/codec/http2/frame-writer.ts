import type { HeaderMap } from '../../base/headers.js';
import type { CodecConnection, CodecError } from '../codec.js';
import {
  DEFAULT_WINDOW,
  Flag,
  FRAME_HEADER,
  Frame,
  MAX_PAYLOAD,
  PREFACE,
  putFrameHeader,
  Setting,
  writeSettings,
} from './frames.js';
import { HpackEncoder } from './hpack-encoder.js';
import { InboundFrames } from './inbound-frames.js';
import type { Http2Settings } from './options.js';
import { OutboundFrames } from './outbound-frames.js';
import type { Http2CodecStats } from './stats.js';
import type { Http2Stream } from './stream.js';

/** Room that is made before a header block is written; a larger block is split or moved. */
const HEADERS_ROOM = 1024;

/** Writes frames into the buffer of the connection, in place, and accounts for them. */
export abstract class FrameWriter {
  readonly outbound: OutboundFrames;
  readonly inbound: InboundFrames;
  readonly encoder: HpackEncoder;
  /** Why the connection must end; the first error stays. */
  error: CodecError | null = null;
  /** Octets the peer takes on all streams together. */
  sendWindow = DEFAULT_WINDOW;

  constructor(
    readonly conn: CodecConnection,
    readonly settings: Http2Settings,
    readonly stats: Http2CodecStats,
  ) {
    this.outbound = new OutboundFrames(conn, stats);
    this.inbound = new InboundFrames(settings, stats);
    this.encoder = new HpackEncoder(settings.hpackTableSize);
  }

  abstract readonly isServer: boolean;
  protected abstract encodeHead(stream: Http2Stream, headers: HeaderMap): void;
  /** Lists a stream that may have DATA to send. */
  abstract wantSend(stream: Http2Stream): void;

  /** The connection preface: a client's magic, and SETTINGS. */
  protected writePreface(): void {
    const { settings, conn } = this;
    if (!this.isServer) conn.out.write(PREFACE);
    const entries: (readonly [number, number])[] = [];
    if (!this.isServer) entries.push([Setting.ENABLE_PUSH, 0]);
    entries.push(
      ...settings.customSettings,
      [Setting.HEADER_TABLE_SIZE, settings.hpackTableSize],
      [Setting.ENABLE_CONNECT_PROTOCOL, settings.allowConnect ? 1 : 0],
      [Setting.MAX_CONCURRENT_STREAMS, settings.maxConcurrentStreams],
      [Setting.INITIAL_WINDOW_SIZE, settings.initialStreamWindowSize],
    );
    writeSettings(conn.out, entries);
    this.outbound.add(FRAME_HEADER + entries.length * 6 + (this.isServer ? 0 : PREFACE.length), false);
  }

  protected writeHeaders(stream: Http2Stream, headers: HeaderMap, endStream: boolean): void {
    const { out } = this.conn;
    const encoder = this.encoder;
    out.reserve(HEADERS_ROOM);
    const at = out.pos;
    encoder.begin(out.buf, at + FRAME_HEADER, Math.min(out.buf.length, at + FRAME_HEADER + MAX_PAYLOAD));
    this.encodeHead(stream, headers);
    const length = encoder.at - encoder.start;
    const end = endStream ? Flag.END_STREAM : Flag.NONE;
    let size = length + FRAME_HEADER;
    if (encoder.buf === out.buf) {
      putFrameHeader(out.buf, at, length, Frame.HEADERS, Flag.END_HEADERS | end, stream.streamId);
      out.pos = encoder.at;
      this.outbound.add(size, false);
    } else size = this.writeSplit(stream, end);
    stream.bytes.wireSent += size;
    stream.bytes.headerSent += size;
    stream.headersSent = true;
    if (endStream) stream.endSent();
    else this.wantSend(stream);
  }

  /** A block that did not fit in place: HEADERS, and CONTINUATIONs as needed. */
  private writeSplit(stream: Http2Stream, end: Flag): number {
    const { out } = this.conn;
    const encoder = this.encoder;
    let size = 0;
    for (let from = encoder.start; from < encoder.at || size === 0; ) {
      const n = Math.min(MAX_PAYLOAD, encoder.at - from);
      const flags = (from + n === encoder.at ? Flag.END_HEADERS : Flag.NONE) | (size === 0 ? end : Flag.NONE);
      out.reserve(FRAME_HEADER);
      out.pos = putFrameHeader(
        out.buf,
        out.pos,
        n,
        size === 0 ? Frame.HEADERS : Frame.CONTINUATION,
        flags,
        stream.streamId,
      );
      out.write(encoder.buf, from, from + n);
      this.outbound.add(n + FRAME_HEADER, false);
      size += n + FRAME_HEADER;
      from += n;
    }
    return size;
  }

  /** Writes `data[start..end)` as DATA frames; the windows have room for it. */
  writeData(stream: Http2Stream, data: Uint8Array, start: number, end: number, endStream: boolean): void {
    const { out } = this.conn;
    do {
      const n = Math.min(MAX_PAYLOAD, end - start);
      const last = endStream && start + n === end;
      this.beginData(stream, n, last);
      if (n > 0) out.write(data, start, start + n);
      start += n;
    } while (start < end);
    if (endStream) stream.endSent();
  }

  /** Writes the header of a DATA frame, and accounts for the frame. */
  beginData(stream: Http2Stream, length: number, endStream: boolean): void {
    const { out } = this.conn;
    out.reserve(FRAME_HEADER);
    out.pos = putFrameHeader(
      out.buf,
      out.pos,
      length,
      Frame.DATA,
      endStream ? Flag.END_STREAM : Flag.NONE,
      stream.streamId,
    );
    this.sendWindow -= length;
    stream.sendWindow -= length;
    stream.bytes.wireSent += length + FRAME_HEADER;
    this.inbound.dataSent++;
    this.outbound.add(length + FRAME_HEADER, false);
  }

  protected checkOutbound(): void {
    const { settings, outbound, stats } = this;
    outbound.release();
    if (outbound.frames > settings.maxOutboundFrames) {
      if (this.error === null) stats.outbound_flood++;
      this.fail('flood', 'Too many frames in the outbound queue.');
    } else if (outbound.control > settings.maxOutboundControlFrames) {
      if (this.error === null) stats.outbound_control_flood++;
      this.fail('flood', 'Too many control frames in the outbound queue.');
    }
  }

  fail(kind: CodecError['kind'], message: string): void {
    this.error ??= { kind, details: `codec_error:${message.replaceAll(' ', '_')}`, message };
  }
}
