import { ResponseHeaders } from '../base/headers.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import type { AccessLog, AccessLogType } from '../observe/access-log.js';
import { addFlag, type Flag } from '../observe/flags.js';
import type { StreamInfo, UpstreamInfo } from '../observe/stream-info.js';
import type { Router } from './router.js';

/** Router.upstream_log and its options. */
export interface UpstreamLogConfig {
  readonly log: AccessLog;
  /** A line when an attempt has its stream. */
  readonly onStream: boolean;
  /** Lines while an attempt runs, ms: from its start to its end, again and again; 0: none. */
  readonly flushInterval: number;
}

/**
 * What one attempt writes into the upstream log. Its view of the stream is the downstream's, but for times, code, flags and bytes,
 * which are those of the attempt: received is what the upstream sent.
 */
export class AttemptLog implements TimerOwner {
  readonly view: StreamInfo;
  private readonly timer: Timer | null;

  constructor(
    private readonly config: UpstreamLogConfig,
    private readonly router: Router,
    upstream: UpstreamInfo,
  ) {
    const { dispatcher, info } = router.callbacks;
    this.view = Object.assign(Object.create(info) as StreamInfo, {
      protocol: '',
      start: dispatcher.now,
      startWall: dispatcher.wall,
      requestEnd: -1,
      firstDownstreamTx: -1,
      lastDownstreamTx: -1,
      end: -1,
      responseCode: 0,
      details: '',
      flags: [],
      bytesReceived: 0,
      bytesSent: 0,
      downstreamBytes: null,
      attemptCount: 0,
      upstream,
      responseHeaders: null,
      responseTrailers: null,
    });
    this.timer = config.flushInterval > 0 ? new Timer(this, 0) : null;
    if (this.timer !== null) dispatcher.timers.arm(this.timer, config.flushInterval, dispatcher.now);
  }

  flag(flag: Flag): void {
    addFlag(this.view, flag);
  }

  onStream(): void {
    this.view.protocol = this.view.upstream!.protocol as StreamInfo['protocol'];
    if (this.config.onStream) this.write('UpstreamPoolReady');
  }

  /** The headers as they came: what is changed of them on their way to the client is no matter of the attempt. */
  onHeaders(headers: ResponseHeaders): void {
    const copy = new ResponseHeaders(headers.status);
    for (let i = 0; i < headers.size; i++) copy.push(headers.names[i], headers.values[i]);
    this.view.responseHeaders = copy;
    this.view.responseCode = headers.status;
  }

  onTimer(): void {
    const { dispatcher } = this.router.callbacks;
    this.write('UpstreamPeriodic');
    dispatcher.timers.arm(this.timer!, this.config.flushInterval, dispatcher.now);
  }

  onEnd(): void {
    const { dispatcher } = this.router.callbacks;
    if (this.timer !== null) dispatcher.timers.cancel(this.timer);
    this.view.end = dispatcher.now;
    this.write('UpstreamEnd');
  }

  private write(type: AccessLogType): void {
    this.config.log.log(this.view, type);
  }
}
