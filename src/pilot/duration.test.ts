import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../base/random.js';
import { parseDuration } from './duration.js';

test('durations are sequences of numbers with units', () => {
  assert.equal(parseDuration('7s'), 7000);
  assert.equal(parseDuration('1h30m'), 5_400_000);
  assert.equal(parseDuration('1.5s'), 1500);
  assert.equal(parseDuration('.5s'), 500);
  assert.equal(parseDuration('300ms'), 300);
  assert.equal(parseDuration('0.0005s'), 0.5);
  assert.equal(parseDuration('-1s'), -1000);
  assert.equal(parseDuration('0'), 0);
});

test('a number without unit, an unknown unit and the empty text are no durations', () => {
  for (const text of ['', '5', '5 s', 's', '5d', '1s2', '--1s', '1..5s', '5S'])
    assert.equal(parseDuration(text), null, text);
});

test('every whole number of milliseconds is read exactly', () => {
  const random = seededRandom(11);
  for (let i = 0; i < 500; i++) {
    const ms = random.u32() % 100_000_000;
    assert.equal(parseDuration(`${ms}ms`), ms);
    assert.equal(parseDuration(`${Math.floor(ms / 1000)}s${ms % 1000}ms`), ms);
    assert.equal(parseDuration(`${(ms / 1000).toFixed(3)}s`), ms);
  }
});
