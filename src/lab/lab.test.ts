import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { answerOf, answersIn, firstFailure, givenUp, recoveryTime } from './measure.js';
import { agrees, type Circumstances, predict } from './predict.js';
import { htmlReport } from './report.js';
import type { RowRecord } from './row-run.js';
import type { FaultRun, LabReport } from './run.js';
import type { Fault, Row, Scenario } from './scenario.js';
import { readScenario } from './scenario-reader.js';
import { textSummary } from './summary.js';
import { disappointments } from './verdict.js';

const SCENARIOS = fileURLToPath(new URL('../../lab/scenarios', import.meta.url));
const UT = { status: 504, body: 'upstream request timeout' };
const OK = { status: 200, body: 'ok' };

const scenario = readScenario('s.yaml', 'name: s\ntitle: t\nrows: [{name: a}]\n');

function result(at: number, took: number, answer: { status: number; body: string }, kind = 'GET') {
  return { kind, start: 0, end: 0, at, doneAt: at + took, ...answer } as RowRecord['results'][number];
}

const sample = (
  at: number,
  sendQueue: number,
  established: number[],
  connections = established.length,
  retransmits = 0,
) => ({
  ...{ at, sendQueue, established, connections, retransmits },
  retransmitIn: null,
});

function play(results: RowRecord['results'], queue: RowRecord['queue'] = []): { run: FaultRun; record: RowRecord } {
  const record = { row: scenario.rows[0], results, queue, outstanding: [] };
  const run: FaultRun = {
    fault: 'cable',
    phases: [
      { at: 0, name: 'healthy', what: 'all is well' },
      { at: 1000, name: 'unplugged', what: 'nothing comes through' },
      { at: 5000, name: 'restored', what: 'the network is back' },
    ],
    length: 9000,
    rows: [record],
  };
  return { run, record };
}

function report(run: FaultRun, changes: Partial<Scenario> = {}): LabReport {
  return { scenario: { ...scenario, ...changes }, topology: 'network namespaces', runs: [run], skipped: [] };
}

describe('an answer in a few words', () => {
  const local = 'upstream connect error or disconnect/reset before headers.';
  for (const [status, body, words] of [
    [200, 'ok', '200'],
    [504, 'upstream request timeout', '504 UT'],
    [408, 'downstream duration timeout', '408 duration'],
    [504, 'downstream duration timeout', '504 duration'],
    [504, 'stream timeout', '504 SI'],
    [503, `${local} reset reason: connection termination`, '503 UC'],
    [503, `${local} retried and the latest reset reason: connection timeout`, '503 UF'],
    [503, `${local} reset reason: remote refused stream reset`, '503 remote refused stream reset'],
    [503, 'no healthy upstream', '503 UH'],
    [500, 'service: deadline exceeded', '500 by the service'],
    [0, 'the caller gave up', 'no answer'],
    [404, '', '404'],
  ] as const)
    it(`is ${words}`, () => assert.equal(answerOf({ status, body }), words));
});

describe('what is measured of a row', () => {
  it('is the answers by the phase in which their request began, most frequent first', () => {
    const { run, record } = play([
      result(10, 5, OK),
      result(999, 1000, UT),
      result(1000, 1000, UT),
      result(1500, 1000, { status: 0, body: '' }),
      result(1600, 1000, UT),
      result(6000, 5, OK),
      result(2000, 10, UT, 'UPLOAD'),
    ]);
    assert.deepEqual(answersIn(run, record, 'healthy', 'SMALL'), [
      ['200', 1],
      ['504 UT', 1],
    ]);
    assert.deepEqual(answersIn(run, record, 'unplugged', 'SMALL'), [
      ['504 UT', 2],
      ['no answer', 1],
    ]);
    assert.deepEqual(answersIn(run, record, 'unplugged', 'UPLOAD'), [['504 UT', 1]]);
    assert.deepEqual(answersIn(run, record, 'replaced', 'SMALL'), []);
  });

  const recovery = (...results: RowRecord['results']) => {
    const { run, record } = play(results);
    return recoveryTime(run, record, 'restored');
  };

  it('is its recovery: the first good answer after which no request began that failed', () => {
    assert.equal(recovery(result(5100, 100, OK), result(5200, 1000, UT), result(6300, 50, OK)), 1350);
    assert.equal(recovery(result(4500, 600, OK)), 100);
    assert.equal(recovery(result(4900, 1000, UT), result(5010, 10, OK)), 20);
    assert.equal(recovery(result(5000, 100, OK), result(4000, 3000, UT, 'UPLOAD')), 100);
    assert.equal(recovery(result(5100, 1000, UT)), null);
    assert.equal(recovery(result(5100, 100, OK), result(5300, 1000, UT)), null);
  });

  it('is the first failed answer after the fault', () => {
    const { run, record } = play([result(900, 50, UT), result(1010, 20, OK), result(1050, 1000, UT)]);
    assert.equal(firstFailure(run, record), 1050);
  });

  it('is when the connections that were there at the fault are gone', () => {
    const at = (...samples: RowRecord['queue']) => {
      const { run, record } = play([], samples);
      return givenUp(run, record);
    };
    assert.equal(at(sample(950, 0, [1, 2]), sample(1500, 9, [2]), sample(2600, 9, [3])), 1600);
    assert.equal(at(sample(950, 0, [1]), sample(8000, 9, [1, 4])), 'kept');
    assert.equal(at(sample(1950, 0, [1])), null);
  });
});

describe('what the timers predict', () => {
  const circumstances: Circumstances = {
    topology: 'network namespaces',
    outage: 5000,
    retransmitIn: { from: 1300, to: 1700 },
    connections: 1,
  };
  const of = (fault: Fault, row: Partial<Row>, more: Partial<Circumstances> = {}) =>
    predict(scenario, { ...scenario.rows[0], ...row }, fault, { ...circumstances, ...more });

  it('is that a cut connection is kept, its requests time out, and TCP brings it back', () => {
    assert.deepEqual(of('cable', {}), {
      givenUp: 'kept',
      firstFailure: { from: 1000, to: 1050 },
      recovered: { from: 1300, to: 1750 },
    });
  });

  it('is that keepalive finds silence within interval, jitter and timeout, and no muteness', () => {
    assert.deepEqual(of('stop', { cure: 'keepalive' }).givenUp, { from: 500, to: 1650 });
    assert.equal(of('mute', { cure: 'keepalive' }).givenUp, 'kept');
  });

  it('is that TCP_USER_TIMEOUT acts only where nothing is acknowledged', () => {
    assert.deepEqual(of('cable', { cure: 'user-timeout' }).givenUp, { from: 1700, to: 1750 });
    assert.equal(of('stop', { cure: 'user-timeout' }).givenUp, 'kept');
    assert.equal(of('cable', { cure: 'user-timeout' }, { topology: 'user space' }).givenUp, 'kept');
  });

  it('is that an ejected host comes back when its time is over', () => {
    const { givenUp: at, recovered } = of('mute', { cure: 'outlier' });
    assert.deepEqual(at, { from: 2150, to: 2250 });
    assert.deepEqual(recovered, { from: 2200, to: 2800 });
  });

  it('is that a killed server is known at once, and a machine without power when it is back', () => {
    assert.deepEqual(of('kill', {}).givenUp, { from: 0, to: 0 });
    assert.deepEqual(of('power-loss', {}).givenUp, { from: 6300, to: 6700 });
  });

  it('is that each HTTP/1 connection is closed by the timeout of its request, and the next request connects anew', () => {
    const http1 = { protocol: 'http1' as const };
    assert.deepEqual(of('mute', http1, { connections: 3 }).givenUp, { from: 1000, to: 1150 });
    assert.deepEqual(of('cable', http1, { connections: 2 }).firstFailure, { from: 600, to: 650 });
    assert.deepEqual(of('stop', http1).firstFailure, { from: 1000, to: 1050 });
  });

  it('is nothing for rows of several hosts or longer chains', () => {
    const nothing = { givenUp: null, firstFailure: null, recovered: null };
    assert.deepEqual(of('cable', { hosts: 2 }), nothing);
    assert.deepEqual(of('cable', { chain: 'caller > server' }), nothing);
  });

  it('agrees within a tenth, or within what sampling leaves open', () => {
    assert.equal(agrees(3299, { from: 3000, to: 3000 }), true);
    assert.equal(agrees(3301, { from: 3000, to: 3000 }), false);
    assert.equal(agrees(140, { from: 0, to: 0 }), true);
    assert.equal(agrees(160, { from: 0, to: 0 }), false);
    assert.equal(agrees('kept', { from: 0, to: 0 }), false);
    assert.equal(agrees('kept', 'kept'), true);
    assert.equal(agrees(5, null), null);
  });
});

describe('the report', () => {
  const queue = [sample(500, 0, [1]), sample(2000, 65_536, [1], 1, 2), sample(4000, 1024, [1], 2, 5)];

  it('as text says what was answered, what the send queue held, and when it was over', () => {
    const { run } = play([result(10, 5, OK), result(2000, 10, UT), result(5500, 10, OK)], queue);
    const text = textSummary(report(run));
    assert.match(text, /What happened \(network namespaces\)/);
    assert.match(text, /healthy {4}1 x 200\n/);
    assert.match(text, /unplugged {2}1 x 504 UT\n/);
    assert.match(text, /Send-Q 0 KiB before, 64 KiB at most \(1\.0 s after\), 1 KiB at the end/);
    assert.match(text, /1 of 2 connections ESTABLISHED, retransmissions 5/);
    assert.match(text, /network restored: recovered after 0\.51 s/);
    assert.ok(text.split('\n').every((line) => line.length <= 130));
  });

  it('as text says so when the send queue cannot be read', () => {
    assert.match(textSummary(report(play([]).run)), /not readable here/);
  });

  it('names what was not as the scenario expects', () => {
    const longest = { atLeast: null, atMost: null };
    const expectation = { row: 'a', fault: null, phase: 'unplugged' as const, upload: null, longest };
    const expect = [
      { ...expectation, some: ['408 duration'], only: ['408 duration'] },
      { ...expectation, some: ['504 UT'], only: null },
      { ...expectation, some: [], only: null, longest: { atLeast: 50, atMost: 6 } },
    ];
    const { run } = play([result(2000, 10, UT)]);
    const lines = disappointments(report(run, { expect }));
    assert.deepEqual(lines.slice(0, 4), [
      'cable, a, unplugged: no 408 duration among 504 UT',
      'cable, a, unplugged: 504 UT, expected only 408 duration',
      'cable, a, unplugged: the longest call took 0.01 s, expected at least 0.05 s',
      'cable, a, unplugged: the longest call took 0.01 s, expected at most 0.01 s',
    ]);
  });

  it('names a recovery that was predicted and did not come', () => {
    const { run } = play([result(10, 5, OK), result(2000, 1010, UT), result(5100, 1000, UT)], queue);
    const [line] = disappointments(report(run)).filter((text) => text.includes('recovered'));
    assert.match(line, /^cable, a: recovered, once the server was back, after -, predicted /);
  });

  it('as HTML is one well-formed page without scripts, whatever the answers say', () => {
    const nasty = { status: 503, body: 'reset reason: <script>alert(1)</script>&' };
    const { run } = play([result(10, 5, OK), result(2000, 10, nasty), result(5500, 10, OK)], queue);
    const page = htmlReport(report(run));
    assert.ok(!page.includes('<script'));
    assert.match(page, /503 &lt;script&gt;/);
    for (const tag of ['html', 'body', 'table', 'svg', 'tr', 'td', 'th', 'p', 'h2', 'div', 'ul'])
      assert.equal(
        page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length,
        page.match(new RegExp(`</${tag}>`, 'g'))?.length,
        tag,
      );
    assert.ok(!/NaN|undefined|Infinity/.test(page));
  });
});

describe('a scenario file', () => {
  for (const file of readdirSync(SCENARIOS))
    it(`${file} is read, and is named as its file`, () => {
      const read = readScenario(file, readFileSync(join(SCENARIOS, file), 'utf8'));
      assert.equal(`${read.name}.yaml`, file);
    });

  it('makes a row of every combination, each with a name of its own', () => {
    const text = 'name: s\ntitle: t\nrows: [{profile: [istio-1.8, istio-1.31], cure: [none, keepalive], name: x}]\n';
    assert.deepEqual(
      readScenario('s.yaml', text).rows.map((row) => row.name),
      ['x istio-1.8 none', 'x istio-1.8 keepalive', 'x istio-1.31 none', 'x istio-1.31 keepalive'],
    );
  });

  for (const [text, message] of [
    [
      'name: s\ntitle: t\nrows: [{cure: pill}]\n',
      's.yaml:3:9: rows[0].cure: is the string "pill"; allowed: one or more of none,',
    ],
    ['name: s\nrows: [{}]\n', 's.yaml:1:1: title: is missing; allowed: a string'],
    ['name: s\ntitle: t\nhealty: 1s\nrows: [{}]\n', 's.yaml:3:1: healty: unknown field; allowed: healthy'],
    ['name: s\ntitle: t\nhealthy: 1\nrows: [{}]\n', 's.yaml:3:1: healthy: is the number 1; allowed: a duration'],
    ['name: s\ntitle: t\nrows: [{}]\nexpect: [{row: b}]\n', "s.yaml:4:11: expect[0].row: no row is named 'b'"],
    ['name: s\ntitle: t\nrows: []\n', 's.yaml:3:1: rows: makes 0 rows; allowed: 1 to 24'],
    ['name: s\ntitle: t\nrows: [{}, {}]\n', 's.yaml:3:1: rows: two rows have the same name'],
    ['name: s\ntitle: t\nrows: [{chain: caller > server, cure: keepalive}]\n', 'there is no proxy in this chain'],
  ])
    it(`is refused: ${message}`, () => {
      assert.throws(
        () => readScenario('s.yaml', text),
        (error: Error) => error.message.includes(message) || assert.fail(error.message),
      );
    });
});
