import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OutBuffer, putLatin1, returnSlab, SLAB } from './out-buffer.js';
import { seededRandom } from './random.js';

/** Everything in the buffer, taken out as a connection does. */
function drain(out: OutBuffer): Buffer {
  const parts: Buffer[] = [];
  for (let slice = out.shift(); slice !== null; slice = out.shift()) {
    parts.push(Buffer.from(slice.buf.subarray(slice.start, slice.end)));
    returnSlab(slice.buf);
  }
  return Buffer.concat(parts);
}

describe('the output buffer', () => {
  it('gives back what was written, in order, and is empty then', () => {
    const out = new OutBuffer();
    out.writeLatin1('GET / HTTP/1.1\r\n');
    out.write(Buffer.from('host: a\r\n\r\n'));
    assert.equal(out.length, 27);
    assert.equal(drain(out).toString(), 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    assert.equal(out.length, 0);
    assert.equal(out.shift(), null);
  });

  it('writes a part of an array', () => {
    const out = new OutBuffer();
    out.write(Buffer.from('0123456789'), 2, 5);
    assert.equal(drain(out).toString(), '234');
  });

  it('keeps bytes above 0x7f as they are', () => {
    const out = new OutBuffer();
    out.writeLatin1('caf\xe9\xff');
    out.writeLatin1('\xe9'.repeat(50));
    assert.deepEqual(drain(out), Buffer.from(`caf\xe9\xff${'\xe9'.repeat(50)}`, 'latin1'));
  });

  it('splits what is larger than a slab and holds it whole', () => {
    const out = new OutBuffer();
    const bytes = Buffer.alloc(3 * SLAB + 17, 'x');
    out.writeLatin1('a');
    out.write(bytes);
    assert.equal(out.length, bytes.length + 1);
    assert.deepEqual(drain(out), Buffer.concat([Buffer.from('a'), bytes]));
  });

  it('writes a text that is longer than a slab', () => {
    const out = new OutBuffer();
    out.writeLatin1('y'.repeat(SLAB + 1));
    assert.equal(drain(out).toString(), 'y'.repeat(SLAB + 1));
  });

  it('offers reserved room in one piece, whatever is left of the slab', () => {
    const out = new OutBuffer();
    out.write(Buffer.alloc(SLAB - 10, 1));
    out.reserve(100);
    assert.ok(out.buf.length - out.pos >= 100);
    out.pos = putLatin1(out.buf, out.pos, 'z'.repeat(100));
    assert.equal(out.length, SLAB + 90);
    const all = drain(out);
    assert.equal(all.length, SLAB + 90);
    assert.equal(all.subarray(SLAB - 10).toString(), 'z'.repeat(100));
  });

  it('counts nothing for room that was reserved and not used', () => {
    const out = new OutBuffer();
    out.reserve(1000);
    assert.equal(out.length, 0);
    assert.equal(out.shift(), null);
  });

  it('can be written to between shifts', () => {
    const out = new OutBuffer();
    out.writeLatin1('first');
    const slice = out.shift()!;
    out.writeLatin1('second');
    assert.equal(slice.buf.toString('latin1', slice.start, slice.end), 'first');
    assert.equal(drain(out).toString(), 'second');
  });

  it('is empty after clear', () => {
    const out = new OutBuffer();
    out.write(Buffer.alloc(2 * SLAB + 5));
    out.clear();
    assert.equal(out.length, 0);
    out.writeLatin1('again');
    assert.equal(drain(out).toString(), 'again');
  });

  it('does not give one slab to two buffers', () => {
    const one = new OutBuffer();
    one.write(Buffer.alloc(2 * SLAB, 1));
    one.clear();
    const two = new OutBuffer();
    const three = new OutBuffer();
    two.write(Buffer.alloc(SLAB, 2));
    three.write(Buffer.alloc(SLAB, 3));
    assert.ok(drain(two).every((byte) => byte === 2));
    assert.ok(drain(three).every((byte) => byte === 3));
  });

  it('equals a plain concatenation over random writes, reserves and shifts', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const out = new OutBuffer();
      const expected: Buffer[] = [];
      const got: Buffer[] = [];
      for (let step = 0; step < 200; step++) {
        const n = random.u32() % [5, 50, 500, SLAB, 2 * SLAB][random.u32() % 5];
        const bytes = Buffer.alloc(n, random.u32() & 255);
        switch (random.u32() % 4) {
          case 0:
            out.write(bytes);
            expected.push(bytes);
            break;
          case 1:
            out.writeLatin1(bytes.toString('latin1'));
            expected.push(bytes);
            break;
          case 2: {
            const room = Math.min(n, SLAB);
            out.reserve(room);
            out.buf.fill(7, out.pos, out.pos + room);
            out.pos += room;
            expected.push(Buffer.alloc(room, 7));
            break;
          }
          default: {
            const slice = out.shift();
            if (slice === null) break;
            got.push(Buffer.from(slice.buf.subarray(slice.start, slice.end)));
            returnSlab(slice.buf);
          }
        }
      }
      got.push(drain(out));
      assert.ok(Buffer.concat(got).equals(Buffer.concat(expected)), `seed ${seed}`);
    }
  });
});
