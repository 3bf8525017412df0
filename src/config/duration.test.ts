import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../base/random.js';
import { durationFault, formatDuration, parseDuration } from './duration.js';

describe('durations', () => {
  it('are seconds with up to nine digits after the point', () => {
    assert.equal(parseDuration('0s'), 0);
    assert.equal(parseDuration('5s'), 5000);
    assert.equal(parseDuration('0.5s'), 500);
    assert.equal(parseDuration('0.25s'), 250);
    assert.equal(parseDuration('1.000340012s'), 1000.340012);
    assert.equal(parseDuration('0.000000001s'), 0.000001);
    assert.equal(parseDuration('-0.25s'), -250);
    assert.equal(parseDuration('-0s'), 0);
    assert.equal(parseDuration('315576000000s'), 315576000000000);
  });

  it('are nothing else', () => {
    for (const text of [
      '',
      's',
      '5',
      '5m',
      '5ms',
      '5 s',
      ' 5s',
      '5s ',
      '.5s',
      '5.s',
      '+5s',
      '1e3s',
      '0x5s',
      '--5s',
      '1.0000000001s',
      '5S',
      '5s\n',
    ]) {
      assert.equal(parseDuration(text), null, JSON.stringify(text));
    }
  });

  it('must not be negative, nor reach 2^63 nanoseconds', () => {
    assert.equal(durationFault(0), null);
    assert.equal(durationFault(-1), 'a duration must not be negative');
    assert.equal(durationFault(parseDuration('9223372035s')!), null);
    assert.equal(durationFault(parseDuration('9223372036s')!), 'the duration is too long');
  });

  it('are printed with digits in groups of three', () => {
    assert.equal(formatDuration(0), '0s');
    assert.equal(formatDuration(5000), '5s');
    assert.equal(formatDuration(250), '0.250s');
    assert.equal(formatDuration(0.5), '0.000500s');
    assert.equal(formatDuration(1000.340012), '1.000340012s');
    assert.equal(formatDuration(-1500), '-1.500s');
  });

  it('are read back as they were printed', () => {
    const random = seededRandom(1);
    for (let i = 0; i < 5000; i++) {
      // Up to a day; a double of milliseconds holds nanoseconds of some 100 days.
      const micros = Math.floor((random.u32() / 2 ** 32) * 10 ** (1 + (random.u32() % 11)));
      const ms = micros / 1000;
      const text = formatDuration(ms);
      assert.equal(formatDuration(parseDuration(text)!), text);
      assert.ok(Math.abs(parseDuration(text)! - ms) < 1e-3, text);
    }
  });

  it('are never read from random text without the form', () => {
    const random = seededRandom(2);
    const alphabet = '0123456789.-+esm \n';
    for (let i = 0; i < 20000; i++) {
      let text = '';
      for (let n = random.u32() % 8; n >= 0; n--) text += alphabet[random.u32() % alphabet.length];
      const form = /^-?[0-9]{1,12}(\.[0-9]{1,9})?s$/.test(text) && !text.endsWith('\n');
      assert.equal(parseDuration(text) !== null, form, JSON.stringify(text));
    }
  });
});
