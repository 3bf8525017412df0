import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Dispatcher } from '../base/dispatcher.js';
import { permanentName } from '../base/header-names.js';
import { seededRandom } from '../base/random.js';
import { type AccessLogConfig, createAccessLog } from './access-log.js';
import type { AccessLogFilterConfig } from './access-log-filter.js';
import { type FileSystem, FLUSH_BYTES, FLUSH_MS, LogFiles, type WriteDone } from './log-file.js';
import type { StreamInfo } from './stream-info.js';
import { requestHeaders, responseHeaders, streamInfo } from './testing.js';

/** A disk that a test drives by hand. */
class Disk implements FileSystem {
  readonly files = new Map<string, string>();
  readonly fds = new Map<number, string>([
    [1, 'stdout'],
    [2, 'stderr'],
  ]);
  readonly pending: { fd: number; text: string; done: WriteDone }[] = [];
  closed: number[] = [];
  failOpen = false;
  private next = 10;

  openSync(path: string): number {
    if (this.failOpen) throw new Error('EACCES');
    this.fds.set(this.next, path);
    return this.next++;
  }
  closeSync(fd: number): void {
    this.closed.push(fd);
  }
  write(fd: number, buffer: Buffer, offset: number, length: number, done: WriteDone): void {
    this.pending.push({ fd, text: buffer.toString('latin1', offset, offset + length), done });
  }
  writeSync(fd: number, buffer: Buffer, offset: number, length: number): number {
    this.append(fd, buffer.toString('latin1', offset, offset + length));
    return length;
  }
  append(fd: number, text: string): void {
    const path = this.fds.get(fd)!;
    this.files.set(path, (this.files.get(path) ?? '') + text);
  }
  /** Completes the write under way, all of it or `bytes`. */
  complete(bytes?: number): void {
    const { fd, text, done } = this.pending.shift()!;
    this.append(fd, text.slice(0, bytes));
    done(null, bytes ?? text.length);
  }
}

function setup() {
  const clock = { at: 1000, monotonic: () => clock.at, wall: () => 1_000_000 + clock.at };
  const dispatcher = new Dispatcher(clock, seededRandom(1), true);
  const disk = new Disk();
  const files = new LogFiles(dispatcher, disk);
  const runtime = new Map<string, number>();
  const deps = {
    files,
    clock,
    random: seededRandom(2),
    hostname: 'h',
    env: {},
    runtime: (key: string) => runtime.get(key),
    headerMatcher: (config: object) => {
      const name = permanentName((config as { name: string }).name);
      return { matches: (headers: { has(name: unknown): boolean }) => headers.has(name) };
    },
  };
  const advance = (ms: number) => {
    clock.at += ms;
    dispatcher.timers.run();
  };
  return { deps, disk, advance, runtime, dispatcher, files };
}

function file(format?: string, filter?: AccessLogFilterConfig, path = '/log'): AccessLogConfig {
  return {
    name: 'envoy.access_loggers.file',
    filter,
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
      path,
      log_format: format === undefined ? undefined : { text_format_source: { inline_string: format } },
    },
  };
}

test('lines gather in memory and are written together within ten milliseconds', () => {
  const { deps, disk, advance } = setup();
  const log = createAccessLog([file('%RESPONSE_CODE%\n')], deps)!;
  log.log(streamInfo());
  log.log(streamInfo({ responseCode: 504 }));
  assert.equal(disk.pending.length, 0);
  assert.ok(FLUSH_MS <= 10);
  advance(FLUSH_MS + 4);
  assert.equal(disk.pending.length, 1);
  disk.complete();
  assert.equal(disk.files.get('/log'), '200\n504\n');
  assert.equal(deps.files.stats.write_total_buffered, 0);
  assert.equal(deps.files.stats.write_completed, 1);
});

test('what comes while a write is under way follows it, and a short write is continued', () => {
  const { deps, disk, advance } = setup();
  const log = createAccessLog([file('%RESPONSE_CODE%\n')], deps)!;
  log.log(streamInfo());
  advance(20);
  log.log(streamInfo({ responseCode: 404 }));
  advance(20);
  assert.equal(disk.pending.length, 1);
  disk.complete(2);
  disk.complete();
  disk.complete();
  assert.equal(disk.files.get('/log'), '200\n404\n');
  assert.equal(disk.pending.length, 0);
});

test('64 KiB are written at once, without waiting for the timer', () => {
  const { deps, disk } = setup();
  const log = createAccessLog([file(`${'x'.repeat(999)}\n`)], deps)!;
  for (let i = 0; i * 1000 < FLUSH_BYTES; i++) log.log(streamInfo());
  assert.equal(disk.pending.length, 1);
});

test('a pipe that is full is tried again', () => {
  const { deps, disk, advance } = setup();
  const log = createAccessLog([file('a\n', undefined, '/dev/stdout')], deps)!;
  log.log(streamInfo());
  advance(20);
  const busy = disk.pending.shift()!;
  busy.done(Object.assign(new Error('busy'), { code: 'EAGAIN' }), 0);
  log.log(streamInfo());
  advance(20);
  disk.complete();
  disk.complete();
  assert.equal(disk.files.get('stdout'), 'a\na\n');
});

test('a failed write is counted and the log goes on', () => {
  const { deps, disk, advance } = setup();
  const log = createAccessLog([file('a\n')], deps)!;
  log.log(streamInfo());
  advance(20);
  disk.pending.shift()!.done(Object.assign(new Error('full'), { code: 'ENOSPC' }), 0);
  log.log(streamInfo());
  advance(20);
  disk.complete();
  assert.equal(disk.files.get('/log'), 'a\n');
  assert.equal(deps.files.stats.write_failed, 1);
});

test('a reopen writes what is there to the old file and goes on in a new one', () => {
  const { deps, disk, advance, files } = setup();
  const log = createAccessLog([file('a\n')], deps)!;
  log.log(streamInfo());
  disk.fds.set(10, '/log.1');
  files.reopen();
  assert.equal(disk.files.get('/log.1'), 'a\n');
  assert.deepEqual(disk.closed, [10]);
  log.log(streamInfo());
  advance(20);
  disk.complete();
  assert.equal(disk.files.get('/log'), 'a\n');
});

test('a reopen during a write closes the old file only when the write has ended; a failed reopen keeps the file', () => {
  const { deps, disk, advance, files } = setup();
  const log = createAccessLog([file('a\n')], deps)!;
  log.log(streamInfo());
  advance(20);
  files.reopen();
  assert.deepEqual(disk.closed, []);
  disk.complete();
  assert.deepEqual(disk.closed, [10]);
  disk.failOpen = true;
  files.reopen();
  assert.equal(files.stats.reopen_failed, 1);
  log.log(streamInfo());
  advance(20);
  disk.complete();
  assert.equal(disk.files.get('/log'), 'a\na\n');
});

test('at exit everything is written at once', () => {
  const { deps, disk, files } = setup();
  const log = createAccessLog([file('a\n')], deps)!;
  log.log(streamInfo());
  files.flushSync();
  assert.equal(disk.files.get('/log'), 'a\n');
});

test('two loggers of one path share the file, each with its own format and filter', () => {
  const { deps, disk, files } = setup();
  const errors: AccessLogFilterConfig = {
    status_code_filter: { comparison: { op: 'GE', value: { default_value: 400 } } },
  };
  const log = createAccessLog([file('all %RESPONSE_CODE%\n'), file('bad %RESPONSE_CODE%\n', errors)], deps)!;
  log.log(streamInfo());
  log.log(streamInfo({ responseCode: 404 }));
  files.flushSync();
  assert.equal(disk.files.get('/log'), 'all 200\nall 404\nbad 404\n');
  assert.equal(disk.fds.size, 3);
});

test('without a format a file gets the default line of Envoy, and no loggers are no log', () => {
  const { deps, disk, files } = setup();
  createAccessLog([file()], deps)!.log(streamInfo());
  files.flushSync();
  assert.match(disk.files.get('/log')!, /^\[2026-11-22T18:58:10\.650Z\] "GET \/a\?x=1 HTTP\/1\.1" 200 - 0 5 12 /);
  assert.equal(createAccessLog([], deps), null);
});

test('filters choose as Envoy does', () => {
  const { deps, runtime } = setup();
  const chosen = (filter: AccessLogFilterConfig, info: StreamInfo, type?: 'DownstreamStart') => {
    const { files, ...rest } = deps;
    const written: string[] = [];
    const log = createAccessLog([file('x', filter)], {
      ...rest,
      files: { open: () => ({ write: (text: string) => written.push(text) }) } as unknown as typeof files,
    })!;
    log.log(info, type);
    return written.length === 1;
  };
  const ok = streamInfo();
  const none = streamInfo({ responseCode: 404, flags: ['NR'], responseHeaders: responseHeaders(404) });
  const status = (op: string, value: number) => ({
    status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'k' } } },
  });
  assert.deepEqual([chosen(status('GE', 400), ok), chosen(status('GE', 400), none)], [false, true]);
  assert.deepEqual([chosen(status('EQ', 200), ok), chosen(status('LE', 200), none)], [true, false]);
  assert.equal(chosen(status('NE', 200), none), true);
  runtime.set('k', 500);
  assert.equal(chosen(status('GE', 400), none), false);
  assert.deepEqual(
    [chosen({ response_flag_filter: {} }, ok), chosen({ response_flag_filter: {} }, none)],
    [false, true],
  );
  assert.equal(chosen({ response_flag_filter: { flags: ['UT'] } }, none), false);
  const duration = { duration_filter: { comparison: { op: 'GE', value: { default_value: 13 } } } };
  assert.deepEqual([chosen(duration, ok), chosen(duration, streamInfo({ end: 1013 }))], [false, true]);
  const header = { header_filter: { header: { name: 'x-log' } } };
  const marked = streamInfo({ requestHeaders: requestHeaders({ 'x-log': '1' }) });
  assert.deepEqual([chosen(header, ok), chosen(header, marked)], [false, true]);
  assert.equal(chosen(header, streamInfo({ requestHeaders: null })), false);
  const flag = { response_flag_filter: { flags: ['NR'] } };
  assert.equal(chosen({ and_filter: { filters: [flag, header] } }, marked), false);
  assert.equal(chosen({ or_filter: { filters: [flag, header] } }, marked), true);
  assert.equal(chosen({ not_health_check_filter: {} }, streamInfo({ healthCheck: true })), false);
  assert.equal(chosen({ log_type_filter: { types: ['DownstreamEnd'] } }, ok, 'DownstreamStart'), false);
  assert.equal(chosen({ log_type_filter: { types: ['DownstreamEnd'], exclude: true } }, ok), false);
  const grpc = { grpc_status_filter: { statuses: ['UNIMPLEMENTED'] } };
  assert.deepEqual([chosen(grpc, none), chosen(grpc, ok)], [true, false]);
  assert.equal(chosen({ runtime_filter: { runtime_key: 'r', percent_sampled: { numerator: 0 } } }, ok), false);
  assert.equal(chosen({ runtime_filter: { runtime_key: 'r', percent_sampled: { numerator: 100 } } }, ok), true);
  runtime.set('r', 0);
  assert.equal(chosen({ runtime_filter: { runtime_key: 'r', percent_sampled: { numerator: 100 } } }, ok), false);
});

test('a runtime filter decides by the request id, so that every proxy on the way decides alike', () => {
  const { deps } = setup();
  const filter = { runtime_filter: { runtime_key: 'r', percent_sampled: { numerator: 30 } } };
  const { files, ...rest } = deps;
  let lines = 0;
  const log = createAccessLog([file('x', filter)], {
    ...rest,
    files: { open: () => ({ write: () => lines++ }) } as unknown as typeof files,
  })!;
  const random = seededRandom(3);
  for (let i = 0; i < 1000; i++) {
    const info = streamInfo({ streamId: random.uuid() });
    const before = lines;
    log.log(info);
    const first = lines - before;
    log.log(info);
    assert.equal(lines - before, first * 2);
  }
  assert.ok(lines > 480 && lines < 720, `${lines / 2} of 1000`);
});

test('what is not supported is refused by name, with its path', () => {
  const { deps } = setup();
  assert.throws(
    () => createAccessLog([file('x'), file('x', { traceable_filter: {} })], deps),
    /^Error: \[1\]\.filter: access log filter traceable_filter is not supported; allowed: status_code_filter/,
  );
  assert.throws(() => createAccessLog([file('%NOPE%')], deps), /^Error: \[0\]\.typed_config: Not supported field/);
  assert.throws(
    () => createAccessLog([{ name: 'x', typed_config: { '@type': 'type.googleapis.com/some.Grpc' } }], deps),
    /some\.Grpc is not supported; allowed: .*FileAccessLog/,
  );
  const flags = { response_flag_filter: { flags: ['XX'] } };
  assert.throws(() => createAccessLog([file('x', flags)], deps), /unknown flag XX; allowed: LH, /);
});
