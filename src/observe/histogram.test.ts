import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.js';
import { approximateSum, binLower, binWidth, bucketCounts, LogLinearHistogram, quantile } from './histogram.js';

function of(...values: number[]): LogLinearHistogram {
  const histogram = new LogLinearHistogram();
  for (const value of values) histogram.record(value);
  histogram.flush();
  return histogram;
}

test('samples of one bin are spread over it: six ones give the quantiles Envoy prints', () => {
  const view = of(1, 1, 1, 1, 1, 1).cumulative;
  assert.equal(quantile(view, 0), 1.0142857142857142);
  assert.equal(quantile(view, 0.25), 1.0285714285714285);
  assert.equal(quantile(view, 0.5), 1.042857142857143);
  assert.equal(quantile(view, 0.75), 1.0714285714285714);
  assert.equal(quantile(view, 1), 1.0857142857142856);
  assert.equal(approximateSum(view).toPrecision(32), '6.2857142857142864755815026001073');
});

test('zero has a bin without width', () => {
  const view = of(0, 0, 2, 2).cumulative;
  assert.deepEqual([quantile(view, 0), quantile(view, 0.5)], [0, 0]);
  assert.equal(quantile(view, 0.75), 2 + 0.1 / 3);
});

test('a bucket counts every bin that begins at or below its bound', () => {
  assert.deepEqual(bucketCounts(of(0, 1, 25, 254, 1001).cumulative, [0.5, 1, 25, 250, 1000]), [1, 2, 3, 4, 5]);
});

test('every whole number falls into a bin of two significant digits that holds it', () => {
  const random = seededRandom(7);
  const values = [1, 9, 10, 99, 100, 101, 999, 1000, 1009, 1010, 99999, 100000, 2 ** 31, 2 ** 53];
  for (let i = 0; i < 20000; i++) values.push(Math.floor(10 ** ((random.u32() / 2 ** 32) * 15)));
  for (const value of values) {
    const view = of(value).cumulative;
    const [bin] = view.bins;
    const lower = binLower(bin);
    assert.ok(lower <= value && value < lower + binWidth(bin), `${value} in [${lower}, ${lower + binWidth(bin)})`);
    assert.ok(value < 10 || binWidth(bin) / lower <= 0.1);
  }
});

test('quantiles lie within the bins of the samples and do not fall', () => {
  const random = seededRandom(11);
  for (let round = 0; round < 200; round++) {
    const values = Array.from({ length: 1 + (random.u32() % 50) }, () => random.u32() % 5000);
    const view = of(...values).cumulative;
    const sorted = [...values].sort((a, b) => a - b);
    let last = 0;
    for (const q of [0, 0.1, 0.25, 0.5, 0.9, 0.99, 1]) {
      const exact = sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1];
      const got = quantile(view, q);
      assert.ok(Math.abs(got - exact) <= Math.max(0.1, exact * 0.1), `P${q * 100} of ${sorted}: ${got} for ${exact}`);
      assert.ok(got >= last);
      last = got;
    }
  }
});

test('the interval is what came since the last flush, the cumulative view everything up to it, and live waits for none', () => {
  const histogram = of(5, 5000);
  histogram.record(7);
  assert.equal(histogram.cumulative.total, 2);
  assert.equal(histogram.live().total, 3);
  histogram.flush();
  assert.equal(histogram.interval.total, 1);
  assert.equal(histogram.cumulative.total, 3);
  histogram.flush();
  assert.equal(histogram.interval.total, 0);
  assert.deepEqual([histogram.count, histogram.sum], [3, 5012]);
});

test('fractions, negative numbers and NaN do no harm', () => {
  const view = of(0.7, -3, 999.9, Number.NaN).cumulative;
  assert.equal(view.total, 3);
  assert.deepEqual(view.bins.map(binLower), [0, 990]);
});
