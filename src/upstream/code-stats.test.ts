import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CodeStatsImpl } from './code-stats.js';
import { FakeHistogram } from './test-kit.js';

function read(codes: CodeStatsImpl): Record<string, number> {
  const out: Record<string, number> = {};
  codes.visit({
    counter(name, value) {
      out[name] = value;
    },
    gauge() {},
    histogram(name, h) {
      out[name] = h.sum;
    },
    text() {},
  });
  return out;
}

const make = () => new CodeStatsImpl('cluster.up.', () => new FakeHistogram());

describe('response code statistics', () => {
  it('have no names before the first response', () => {
    assert.deepEqual(read(make()), {});
  });

  it('count code, group and completion, for all and by origin', () => {
    const codes = make();
    codes.charge(504, false, false);
    codes.charge(200, true, true);
    assert.deepEqual(read(codes), {
      'cluster.up.upstream_rq_completed': 2,
      'cluster.up.upstream_rq_2xx': 1,
      'cluster.up.upstream_rq_5xx': 1,
      'cluster.up.upstream_rq_200': 1,
      'cluster.up.upstream_rq_504': 1,
      'cluster.up.external.upstream_rq_completed': 1,
      'cluster.up.external.upstream_rq_5xx': 1,
      'cluster.up.external.upstream_rq_504': 1,
      'cluster.up.internal.upstream_rq_completed': 1,
      'cluster.up.internal.upstream_rq_2xx': 1,
      'cluster.up.internal.upstream_rq_200': 1,
      'cluster.up.canary.upstream_rq_completed': 1,
      'cluster.up.canary.upstream_rq_2xx': 1,
      'cluster.up.canary.upstream_rq_200': 1,
    });
  });

  it('keep discarded answers apart', () => {
    const codes = make();
    codes.chargeRetry(503);
    assert.deepEqual(read(codes), {
      'cluster.up.retry.upstream_rq_completed': 1,
      'cluster.up.retry.upstream_rq_5xx': 1,
      'cluster.up.retry.upstream_rq_503': 1,
    });
  });

  it('call codes outside 1xx to 5xx unknown', () => {
    const codes = make();
    codes.chargeRetry(700);
    codes.chargeRetry(0);
    assert.deepEqual(read(codes), {
      'cluster.up.retry.upstream_rq_completed': 2,
      'cluster.up.retry.upstream_rq_unknown': 2,
    });
  });

  it('time requests by origin', () => {
    const codes = make();
    codes.recordTime(12, false, true);
    assert.deepEqual(read(codes), {
      'cluster.up.upstream_rq_time': 12,
      'cluster.up.external.upstream_rq_time': 12,
      'cluster.up.canary.upstream_rq_time': 12,
    });
  });
});
