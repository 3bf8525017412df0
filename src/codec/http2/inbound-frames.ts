import type { Http2Settings } from './options.js';
import type { Http2CodecStats } from './stats.js';

/** Limits on frames that cost the peer little and us much. Texts are those of Envoy's log. */
export class InboundFrames {
  private empty = 0;
  private priority = 0;
  private windowUpdates = 0;
  /** DATA frames sent, which the peer may answer with WINDOW_UPDATEs. */
  dataSent = 0;
  private streams = 0;

  constructor(
    private readonly settings: Http2Settings,
    private readonly stats: Http2CodecStats,
  ) {}

  streamOpened(): void {
    this.streams++;
  }

  /** What the stream allowed is no longer allowed, and what was used of it is forgotten. */
  streamClosed(): void {
    this.streams--;
    this.priority = Math.max(0, this.priority - this.settings.maxPriorityFrames);
    this.windowUpdates = Math.max(0, this.windowUpdates - 2);
  }

  /**
   * HEADERS, CONTINUATION or DATA.
   * @returns false when there were too many without payload in a row
   */
  payload(length: number, endStream: boolean): boolean {
    if (length > 0 || endStream) {
      this.empty = 0;
      return true;
    }
    if (++this.empty <= this.settings.maxEmptyFrames) return true;
    this.stats.inbound_empty_frames_flood++;
    return false;
  }

  /** @returns false when there are too many */
  onPriority(): boolean {
    if (++this.priority <= this.settings.maxPriorityFrames * (1 + this.streams)) return true;
    this.stats.inbound_priority_frames_flood++;
    return false;
  }

  /** @returns false when there are too many */
  onWindowUpdate(): boolean {
    if (++this.windowUpdates <= 5 + 2 * (this.streams + this.settings.maxWindowUpdateFrames * this.dataSent))
      return true;
    this.stats.inbound_window_update_frames_flood++;
    return false;
  }
}
