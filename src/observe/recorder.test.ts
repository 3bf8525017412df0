import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ExplainedStream, type ExplainedTimer, FailureRecorder, type TransportFacts } from './recorder.js';
import { requestHeaders, streamInfo, upstreamInfo } from './testing.js';
import { TimerKind } from './timer-ledger.js';

function timer(kind: number, over: Partial<ExplainedTimer> = {}): ExplainedTimer {
  return {
    kind,
    length: 1000,
    firstArmedAt: 1000,
    armedAt: 1000,
    rearmed: 0,
    disarmedAt: 2001,
    firedAt: -1,
    ref: { path: 'http_filters.x', position: null },
    ...over,
  };
}

const ROUTE = {
  path: 'virtual_hosts[0].routes[0].route.timeout',
  position: { file: 'vs.yaml', line: 14, col: 9 },
};

const DEAD: TransportFacts = {
  ...{ verdict: 'dead-peer', evidence: 'Send-Q not draining, 4 retransmits' },
  ...{ accepted: 600, written: 600, acknowledged: 0, sendQueue: 600, retransmits: 4 },
};

/** A request that a route timeout of one second ended on a dead connection. */
class Stream implements ExplainedStream {
  readonly info;
  readonly ledger;

  constructor(id: string, timers: ExplainedTimer[] = [], over: Parameters<typeof streamInfo>[0] = {}) {
    this.info = streamInfo({
      requestHeaders: requestHeaders({ 'x-request-id': id }),
      streamId: `s-${id}`,
      responseCode: 504,
      flags: ['UT'],
      details: 'response_timeout',
      end: 2001,
      firstDownstreamTx: 2000.5,
      upstream: upstreamInfo({ connectStart: 400, connectEnd: 401, firstRx: -1, lastRx: -1 }),
      ...over,
    });
    this.ledger = {
      entries: [
        timer(TimerKind.STREAM_IDLE, { length: 300000, armedAt: 1000.2, rearmed: 1 }),
        timer(TimerKind.ROUTE, { armedAt: 1000.2, firstArmedAt: 1000.2, disarmedAt: -1, firedAt: 2000.4, ref: ROUTE }),
        ...timers,
      ],
    };
  }

  transportFacts(): TransportFacts | null {
    return DEAD;
  }
}

test('the timeline names the timer that fired, its length and the line that set it', () => {
  const recorder = new FailureRecorder();
  recorder.onStreamEnd(new Stream('a'));
  const text = recorder.find('a')!.toText();
  assert.match(text, /^request a: GET oracle\.test\/a\?x=1 \(HTTP\/1\.1\)\n/);
  assert.match(text, / {2}answered 504 UT response_timeout after 1001 ms\n/);
  assert.match(
    text,
    /1000\.4 ms {2}route timeout timer FIRED after 1000 ms by virtual_hosts\[0\]\.routes\[0\]\.route\.timeout at vs\.yaml:14:9\n/,
  );
  assert.match(text, /stream open on connection 9 \(HTTP\/1\.1, made 599 ms before\)/);
  assert.match(text, /next: stream idle timer in 298999\.2 ms by http_filters\.x\n/);
  const times = [...text.matchAll(/^ +([\d.]+) ms {2}/gm)].map((match) => Number(match[1]));
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
});

test('the verdict and the unacknowledged bytes are told, with a cure', () => {
  const recorder = new FailureRecorder();
  recorder.onStreamEnd(new Stream('a'));
  const text = recorder.find('a')!.toText();
  assert.match(
    text,
    /connection: 600 bytes accepted, 600 taken by the kernel, 0 acknowledged; send queue 600, retransmits 4\n/,
  );
  assert.match(text, /verdict: dead-peer \(Send-Q not draining, 4 retransmits\)\n/);
  assert.match(text, /600 of 600 bytes accepted for the connection were never acknowledged by 127\.0\.0\.1:9000/);
  assert.match(text, /TCP_USER_TIMEOUT/);
});

test('a second timer of the same length is pointed out, since chance decides between the two', () => {
  const recorder = new FailureRecorder();
  recorder.onStreamEnd(new Stream('a', [timer(TimerKind.MAX_STREAM_DURATION)]));
  assert.match(recorder.find('a')!.toText(), /The max stream duration timer has the same length .* left to chance/);
  recorder.onStreamEnd(new Stream('b', [timer(TimerKind.MAX_STREAM_DURATION, { length: 2000 })]));
  assert.doesNotMatch(recorder.find('b')!.toText(), /left to chance/);
});

test('an incomplete request is said to be one, since that makes 408 of 504', () => {
  const recorder = new FailureRecorder();
  recorder.onStreamEnd(new Stream('a', [], { requestEnd: -1, bytesReceived: 70000, responseCode: 408 }));
  assert.match(recorder.find('a')!.toText(), /The request was not complete: 70000 body bytes had come/);
});

test('JSON has the same facts, ready for programs', () => {
  const recorder = new FailureRecorder();
  recorder.onStreamEnd(new Stream('a'));
  const json = JSON.parse(JSON.stringify(recorder.find('a')!.toJson()));
  assert.equal(json.timers[1].field, ROUTE.path);
  assert.equal(json.timers[1].position, 'vs.yaml:14:9');
  assert.ok(Math.abs(json.timers[1].firedAt - 1000.4) < 1e-6);
  assert.equal(json.would_have_fired_next[0].name, 'stream idle');
  assert.equal(json.transport.acknowledged, 0);
  assert.equal(json.upstream.firstRx, null);
  assert.ok(json.timeline.length > 6 && json.advice.length > 1);
});

test('requests are found by request id and by stream id until the ring comes round', () => {
  const recorder = new FailureRecorder(3);
  for (const id of ['a', 'b', 'c', 'd']) recorder.onStreamEnd(new Stream(id));
  assert.equal(recorder.find('a'), undefined);
  assert.equal(recorder.find('s-a'), undefined);
  assert.equal(recorder.find('s-b'), recorder.find('b'));
  assert.deepEqual(
    [...recorder.list()].map((entry) => entry.id),
    ['d', 'c', 'b'],
  );
});

test('the newest of several requests with one id is found, also when the older one is forgotten', () => {
  const recorder = new FailureRecorder(2);
  recorder.onStreamEnd(new Stream('a', [], { responseCode: 503 }));
  recorder.onStreamEnd(new Stream('a', [], { responseCode: 504 }));
  recorder.onStreamEnd(new Stream('b'));
  assert.equal(recorder.find('a')!.explanation.responseCode, 504);
});

test('a stream that ended before its headers came can be explained too', () => {
  const recorder = new FailureRecorder();
  const over = {
    requestHeaders: null,
    upstream: null,
    responseCode: 0,
    streamId: 'x',
    requestEnd: -1,
    upstreamCluster: '',
  };
  const stream = new Stream('', [], over);
  stream.transportFacts = () => null;
  recorder.onStreamEnd(stream);
  assert.match(recorder.find('x')!.toText(), /^request x: /);
  assert.equal([...recorder.list()][0].id, 'x');
});
