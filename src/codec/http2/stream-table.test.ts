import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../base/random.js';
import type { Http2Stream } from './stream.js';
import { StreamTable } from './stream-table.js';

const streamOf = (streamId: number) => ({ streamId, chained: null }) as unknown as Http2Stream;
const idsOf = (table: StreamTable) => [...table.values()].map((stream) => stream.streamId);

test('a table finds what a map finds, through any order of additions and removals', () => {
  const random = seededRandom(7);
  const table = new StreamTable();
  const model = new Map<number, Http2Stream>();
  let next = 1;
  for (let i = 0; i < 20_000; i++) {
    const roll = random.u32() % 100;
    if (roll < (i % 4000 < 2000 ? 60 : 40)) {
      const stream = streamOf(next);
      next += 2;
      table.add(stream);
      model.set(stream.streamId, stream);
    } else {
      const id = 1 + 2 * (random.u32() % (next >> 1 || 1));
      table.delete(id);
      model.delete(id);
    }
    const probe = 1 + 2 * (random.u32() % (next >> 1 || 1));
    assert.equal(table.get(probe), model.get(probe));
    assert.equal(table.size, model.size);
    if (i % 1000 === 0) assert.deepEqual(idsOf(table), [...model.keys()]);
  }
});

test('a stream that left the table leads to no other stream', () => {
  const table = new StreamTable();
  const streams = [1, 33, 65].map(streamOf);
  for (const stream of streams) table.add(stream);
  table.delete(33);
  table.delete(65);
  assert.equal(streams[1].chained, null);
  assert.equal(streams[2].chained, null);
  assert.equal(table.get(1), streams[0]);
});

test('a walk leaves out what is deleted under way and ends with what is added', () => {
  const table = new StreamTable();
  for (const id of [1, 3, 5, 7]) table.add(streamOf(id));
  const seen: number[] = [];
  for (const stream of table.values()) {
    seen.push(stream.streamId);
    if (stream.streamId === 1) table.delete(5);
    if (stream.streamId === 3) table.delete(3);
    if (stream.streamId === 7) table.add(streamOf(9));
  }
  assert.deepEqual(seen, [1, 3, 7, 9]);
});
