import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MergeWindow } from './merge-window.js';
import { TestLoop } from './test-kit.js';

function bed(length: number) {
  const loop = new TestLoop();
  const applied: number[] = [];
  const stats = {
    cluster_updated: 0,
    cluster_updated_via_merge: 0,
    update_merge_cancelled: 0,
    update_out_of_merge_window: 0,
  };
  const merging = new MergeWindow(loop.dispatcher, length, stats, (priority) => applied.push(priority));
  const window = {
    onHealth: (priority: number) => loop.pass(() => merging.onHealth(priority)),
    onMembership: (priority: number) => loop.pass(() => merging.onMembership(priority)),
  };
  return { loop, applied, stats, window };
}

describe('the merge window', () => {
  it('lets the first change through and holds back what comes within it, each priority by itself', () => {
    const { loop, applied, stats, window } = bed(1000);
    window.onHealth(0);
    window.onHealth(1);
    assert.deepEqual(applied, [0, 1]);
    loop.advance(900);
    window.onHealth(0);
    window.onHealth(0);
    loop.advance(900);
    assert.deepEqual(applied, [0, 1]);
    loop.advance(200);
    assert.deepEqual(applied, [0, 1, 0]);
    assert.deepEqual([stats.update_out_of_merge_window, stats.cluster_updated_via_merge], [2, 1]);
  });

  it('begins with a change of membership, which takes along what waits', () => {
    const { loop, applied, stats, window } = bed(1000);
    window.onMembership(0);
    window.onHealth(0);
    assert.deepEqual(applied, []);
    window.onMembership(0);
    loop.advance(2000);
    assert.deepEqual(applied, []);
    assert.equal(stats.update_merge_cancelled, 1);
  });

  it('holds nothing back when it has no length', () => {
    const { applied, window } = bed(0);
    window.onMembership(0);
    window.onHealth(0);
    window.onHealth(0);
    assert.deepEqual(applied, [0, 0]);
  });
});
