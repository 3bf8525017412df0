import type { Http2Connection } from './connection.js';
import { Code, MAX_WINDOW, Setting, u32 } from './frames.js';

const UNSET = -1;

/** What the peer has announced in SETTINGS frames (RFC 9113 section 6.5). */
export class PeerSettings {
  /** SETTINGS_MAX_CONCURRENT_STREAMS; before the first SETTINGS, the limit of this side. */
  maxConcurrentStreams: number;
  private received = false;
  private noPriorities = UNSET;
  private connectProtocol = 0;

  constructor(private readonly connection: Http2Connection) {
    this.maxConcurrentStreams = connection.settings.maxConcurrentStreams;
  }

  /**
   * Applies a SETTINGS payload. A setting that comes twice counts with its last value; of the header table size also the smallest
   * counts.
   * @returns false when a value is not allowed
   */
  apply(buf: Buffer, at: number, end: number): boolean {
    if (!this.received) {
      this.received = true;
      this.maxConcurrentStreams = 0xffffffff;
    }
    const values = new Map<number, number>();
    let smallestTable = UNSET;
    for (; at < end; at += 6) {
      const id = (buf[at] << 8) | buf[at + 1];
      const value = u32(buf, at + 2);
      values.set(id, value);
      if (id === Setting.HEADER_TABLE_SIZE && (smallestTable === UNSET || value < smallestTable)) smallestTable = value;
    }
    for (const [id, value] of values) {
      if (id === Setting.HEADER_TABLE_SIZE) this.connection.encoder.setPeerLimit(smallestTable);
      if (!this.set(id, value)) return false;
    }
    if (this.noPriorities === UNSET) this.noPriorities = 0;
    return true;
  }

  private set(id: number, value: number): boolean {
    const connection = this.connection;
    switch (id) {
      case Setting.HEADER_TABLE_SIZE:
        connection.encoder.setPeerLimit(value);
        return true;
      case Setting.ENABLE_PUSH:
        return value === 0 || (value === 1 && connection.isServer);
      case Setting.MAX_CONCURRENT_STREAMS:
        this.maxConcurrentStreams = value;
        connection.onPeerStreamLimit(Math.min(value, connection.settings.maxConcurrentStreams));
        return true;
      case Setting.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) return false;
        this.setInitialWindow(value);
        return true;
      case Setting.MAX_FRAME_SIZE:
        return value >= 16384 && value <= 0xffffff;
      case Setting.ENABLE_CONNECT_PROTOCOL:
        if (value > 1 || (!connection.isServer && this.connectProtocol === 1 && value === 0)) return false;
        this.connectProtocol = value;
        return true;
      case Setting.NO_RFC7540_PRIORITIES:
        if (value > 1 || (this.noPriorities !== UNSET && this.noPriorities !== value)) return false;
        this.noPriorities = value;
        return true;
      default:
        return true;
    }
  }

  /** Every open stream's window moves with it, below zero if need be. */
  private setInitialWindow(value: number): void {
    const connection = this.connection;
    const change = value - connection.peerInitialWindow;
    connection.peerInitialWindow = value;
    for (const stream of connection.streams.values()) {
      if (stream.sendWindow + change > MAX_WINDOW) connection.submitReset(stream, Code.FLOW_CONTROL_ERROR);
      else {
        stream.sendWindow += change;
        connection.wantSend(stream);
      }
    }
  }
}
