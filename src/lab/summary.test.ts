import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FieldReport } from './field-report.js';
import { htmlReport } from './report.js';
import { FIELD_REPORT_ROWS } from './rows.js';
import type { RowRecord } from './run-row.js';
import { answerOf, recoveryTime, summarize, textSummary } from './summary.js';

const UT = { status: 504, body: 'upstream request timeout' };
const OK = { status: 200, body: 'ok' };

function result(at: number, took: number, answer: { status: number; body: string }, kind = 'GET') {
  return { kind, start: 0, end: 0, at, doneAt: at + took, ...answer } as RowRecord['results'][number];
}

function report(results: RowRecord['results'], queue: RowRecord['queue'] = []): FieldReport {
  return {
    kind: 'network namespaces',
    phases: [
      { at: 0, name: 'healthy', what: 'all is well' },
      { at: 1000, name: 'unplugged', what: 'nothing comes through' },
      { at: 5000, name: 'restored', what: 'the network is back' },
    ],
    length: 9000,
    rows: [{ row: FIELD_REPORT_ROWS[0], results, queue }],
  };
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
    [0, 'the caller gave up', 'no answer'],
    [404, '', '404'],
  ] as const)
    it(`is ${words}`, () => assert.equal(answerOf({ status, body }), words));
});

describe('the summary of a row', () => {
  it('counts answers by the phase in which their request began, most frequent first', () => {
    const { rows, ...rest } = report([
      result(10, 5, OK),
      result(999, 1000, UT),
      result(1000, 1000, UT),
      result(1500, 1000, { status: 0, body: '' }),
      result(1600, 1000, UT),
      result(6000, 5, OK),
    ]);
    const small = summarize({ rows, ...rest }, rows[0], 'SMALL');
    assert.deepEqual(
      small.map(({ phase, answers }) => [phase.name, answers]),
      [
        [
          'healthy',
          [
            ['200', 1],
            ['504 UT', 1],
          ],
        ],
        [
          'unplugged',
          [
            ['504 UT', 2],
            ['no answer', 1],
          ],
        ],
        ['restored', [['200', 1]]],
      ],
    );
  });

  it('keeps the large upload apart from the small requests', () => {
    const made = report([result(2000, 10, UT, 'UPLOAD'), result(2000, 10, OK, 'POST')]);
    assert.deepEqual(summarize(made, made.rows[0], 'UPLOAD')[1].answers, [['504 UT', 1]]);
    assert.deepEqual(summarize(made, made.rows[0], 'SMALL')[1].answers, [['200', 1]]);
  });
});

describe('the recovery of a row', () => {
  const recovery = (...results: RowRecord['results']) => {
    const made = report(results);
    return recoveryTime(made, made.rows[0], 'restored');
  };

  it('is the time to the first good answer after which nothing failed', () => {
    assert.equal(recovery(result(5100, 100, OK), result(5200, 1000, UT), result(6300, 50, OK)), 1350);
  });

  it('counts answers, whenever their requests began', () => {
    assert.equal(recovery(result(4500, 600, OK)), 100);
  });

  it('is none when nothing good came, or when the last answer was bad', () => {
    assert.equal(recovery(result(5100, 1000, UT)), null);
    assert.equal(recovery(result(5100, 100, OK), result(5300, 1000, UT)), null);
  });

  it('is not spoilt by the large upload', () => {
    assert.equal(recovery(result(5000, 100, OK), result(4000, 3000, UT, 'UPLOAD')), 100);
  });

  it('is none of a phase that was not played', () => {
    const made = report([result(5100, 1, OK)]);
    assert.equal(recoveryTime(made, made.rows[0], 'replaced'), null);
  });
});

describe('the report', () => {
  const queue = [
    { at: 500, connections: 1, established: 1, sendQueue: 0, retransmits: 0 },
    { at: 2000, connections: 1, established: 1, sendQueue: 65_536, retransmits: 2 },
    { at: 4000, connections: 2, established: 1, sendQueue: 1024, retransmits: 5 },
  ];

  it('as text says what was answered, what the send queue held, and when it was over', () => {
    const text = textSummary(report([result(10, 5, OK), result(2000, 10, UT), result(5500, 10, OK)], queue));
    assert.match(text, /What happened \(network namespaces\)/);
    assert.match(text, /healthy {4}1 x 200\n/);
    assert.match(text, /unplugged {2}1 x 504 UT\n/);
    assert.match(text, /Send-Q 0 KiB before, 64 KiB at most \(1\.0 s after\), 1 KiB at the end/);
    assert.match(text, /1 of 2 connections ESTABLISHED, retransmissions 5/);
    assert.match(text, /network restored: recovered after 0\.51 s/);
    assert.ok(text.split('\n').every((line) => line.length <= 130));
  });

  it('as text says so when the send queue cannot be read', () => {
    assert.match(textSummary(report([])), /not readable here/);
  });

  it('as HTML is one well-formed page without scripts, whatever the answers say', () => {
    const nasty = { status: 503, body: 'reset reason: <script>alert(1)</script>&' };
    const page = htmlReport(report([result(10, 5, OK), result(2000, 10, nasty), result(5500, 10, OK)], queue));
    assert.ok(!page.includes('<script'));
    assert.match(page, /503 &lt;script&gt;/);
    for (const tag of ['html', 'body', 'table', 'svg', 'tr', 'td', 'th', 'p', 'h2'])
      assert.equal(
        page.match(new RegExp(`<${tag}[ >]`, 'g'))?.length,
        page.match(new RegExp(`</${tag}>`, 'g'))?.length,
        tag,
      );
    assert.ok(!/NaN|undefined|Infinity/.test(page));
  });
});

describe('the rows of the field report', () => {
  const ports = { listener: 10001, admin: 10002, server: 9000, serverHost: '198.18.77.2', log: '' };
  for (const row of FIELD_REPORT_ROWS)
    it(`${row.name} has a configuration for its ports`, () => {
      const { name, text } = row.config(ports);
      assert.match(name, /\.(yaml|json)$/);
      for (const part of ['10001', '9000', '198.18.77.2']) assert.ok(text.includes(part), part);
    });

  it('have names of their own', () => {
    assert.equal(new Set(FIELD_REPORT_ROWS.map((row) => row.name)).size, FIELD_REPORT_ROWS.length);
  });
});
