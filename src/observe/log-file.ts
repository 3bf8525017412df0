import * as fs from 'node:fs';
import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';
import type { StatStore } from './stats.js';

/**
 * Files that log lines go to. A line is kept in memory and written, together with what came meanwhile, within
 * `FLUSH_MS` or when `FLUSH_BYTES` have gathered, by asynchronous writes of which one at a time is under way. Appends only.
 */

/** Envoy's default is 10 s (`--file-flush-interval-msec`); ours is short because people watch these files. */
export const FLUSH_MS = 8;
export const FLUSH_BYTES = 64 * 1024;
/** More than this is not kept when a disk or pipe does not take it: lines are dropped and counted as `write_failed`. */
export const BACKLOG_LIMIT = 64 * 1024 * 1024;

const PATIENCE_MS = 100;
const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** `filesystem.` statistics. */
export class FileStats {
  write_buffered = 0;
  write_completed = 0;
  write_failed = 0;
  flushed_by_timer = 0;
  reopen_failed = 0;
  /** Gauge: bytes waiting. */
  write_total_buffered = 0;
}

/** The part of node:fs that is used; a test passes its own. */
export interface FileSystem {
  openSync(path: string, flags: string, mode: number): number;
  closeSync(fd: number): void;
  write(fd: number, buffer: Buffer, offset: number, length: number, done: WriteDone): void;
  writeSync(fd: number, buffer: Buffer, offset: number, length: number): number;
}
export type WriteDone = (error: NodeJS.ErrnoException | null, written: number) => void;

const nodeFs: FileSystem = {
  openSync: fs.openSync,
  closeSync: fs.closeSync,
  write: (fd, buffer, offset, length, done) => fs.write(fd, buffer, offset, length, null, done),
  writeSync: (fd, buffer, offset, length) => fs.writeSync(fd, buffer, offset, length),
};

const STANDARD: Record<string, number> = {
  '/dev/stdout': 1,
  '/dev/stderr': 2,
  '/proc/self/fd/1': 1,
  '/proc/self/fd/2': 2,
};

export class LogFile implements TimerOwner {
  private readonly timer = new Timer(this, 0);
  private lines = '';
  private buffer: Buffer | null = null;
  private offset = 0;
  private writing = false;
  /** A file that was reopened while a write to it was under way; closed when that ends. */
  private oldFd = -1;

  constructor(
    readonly path: string,
    private fd: number,
    private readonly standard: boolean,
    private readonly dispatcher: Dispatcher,
    private readonly stats: FileStats,
    private readonly system: FileSystem,
  ) {}

  /** `text`: a byte string with its newline. */
  write(text: string): void {
    const { stats } = this;
    if (this.lines.length > BACKLOG_LIMIT) {
      stats.write_failed++;
      return;
    }
    stats.write_buffered++;
    stats.write_total_buffered += text.length;
    this.lines += text;
    if (this.lines.length >= FLUSH_BYTES) this.flush();
    else if (!this.timer.armed) this.dispatcher.timers.arm(this.timer, FLUSH_MS, this.dispatcher.now);
  }

  onTimer(): void {
    if (this.writing) return;
    this.stats.flushed_by_timer++;
    this.flush();
  }

  /** Starts writing what is there; a write under way goes on with it when it ends. */
  flush(): void {
    if (this.writing) return;
    if (this.buffer === null) {
      if (this.lines === '') return;
      this.buffer = Buffer.from(this.lines, 'latin1');
      this.offset = 0;
      this.lines = '';
    }
    this.writing = true;
    this.system.write(this.fd, this.buffer, this.offset, this.buffer.length - this.offset, this.onWritten);
  }

  private readonly onWritten: WriteDone = (error, written) => {
    this.writing = false;
    if (this.oldFd >= 0) {
      this.system.closeSync(this.oldFd);
      this.oldFd = -1;
    }
    this.dispatcher.enter();
    try {
      if (this.buffer === null) return;
      if (error !== null && (error.code === 'EAGAIN' || error.code === 'EINTR')) {
        // A pipe that is full: try again later, keep gathering meanwhile.
        this.dispatcher.timers.arm(this.timer, FLUSH_MS, this.dispatcher.now);
        return;
      }
      if (error !== null) this.finish(false);
      else {
        this.offset += written;
        if (this.offset >= this.buffer.length) this.finish(true);
      }
      if (this.buffer !== null || this.lines !== '') this.flush();
    } finally {
      this.dispatcher.leave();
    }
  };

  private finish(good: boolean): void {
    if (good) this.stats.write_completed++;
    else this.stats.write_failed++;
    this.stats.write_total_buffered -= this.buffer!.length;
    this.buffer = null;
  }

  /**
   * Writes everything at once, blocking; for exit and before a reopen. What an asynchronous write has in hand is left to
   * it. A pipe that takes nothing for `PATIENCE_MS` is given up.
   */
  flushSync(): void {
    this.dispatcher.timers.cancel(this.timer);
    if (this.buffer !== null && !this.writing) {
      this.finish(this.writeAll(this.buffer.subarray(this.offset)));
    }
    if (this.lines === '') return;
    const rest = Buffer.from(this.lines, 'latin1');
    this.lines = '';
    this.stats.write_total_buffered -= rest.length;
    if (this.writeAll(rest)) this.stats.write_completed++;
    else this.stats.write_failed++;
  }

  private writeAll(bytes: Buffer): boolean {
    let at = 0;
    let waited = 0;
    while (at < bytes.length) {
      try {
        at += this.system.writeSync(this.fd, bytes, at, bytes.length - at);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || waited >= PATIENCE_MS) return false;
        Atomics.wait(PAUSE, 0, 0, 2);
        waited += 2;
      }
    }
    return true;
  }

  /** Opens the path anew (a log rotation moved the file away). The old file stays when that fails. */
  reopen(): void {
    if (this.standard) return;
    try {
      const fd = this.system.openSync(this.path, 'a', 0o644);
      this.flushSync();
      if (this.writing) this.oldFd = this.fd;
      else this.system.closeSync(this.fd);
      this.fd = fd;
    } catch {
      this.stats.reopen_failed++;
    }
  }
}

/** The files of the process: two loggers of one path share a file. */
export class LogFiles {
  readonly stats = new FileStats();
  private readonly files = new Map<string, LogFile>();

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly system: FileSystem = nodeFs,
  ) {}

  /** Registers the `filesystem.` statistics. */
  registerStats(store: StatStore): () => void {
    return store.register('filesystem.', this.stats, new Set(['write_total_buffered']));
  }

  /** @throws Error `unable to open file '…': …` */
  open(path: string): LogFile {
    const known = this.files.get(path);
    if (known !== undefined) return known;
    const standard = STANDARD[path];
    let fd = standard;
    if (fd === undefined) {
      try {
        fd = this.system.openSync(path, 'a', 0o644);
      } catch (error) {
        throw new Error(`unable to open file '${path}': ${(error as Error).message}`);
      }
    }
    const file = new LogFile(path, fd, standard !== undefined, this.dispatcher, this.stats, this.system);
    this.files.set(path, file);
    return file;
  }

  /** `POST /reopen_logs` and SIGUSR1. */
  reopen(): void {
    for (const file of this.files.values()) file.reopen();
  }

  /** Before the process ends. */
  flushSync(): void {
    for (const file of this.files.values()) file.flushSync();
  }
}
