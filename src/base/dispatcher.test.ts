import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Dispatcher } from './dispatcher.js';
import { seededRandom } from './random.js';

function bench() {
  const clock = { time: 10 };
  const dispatcher = new Dispatcher({ monotonic: () => clock.time, wall: () => 0 }, seededRandom(1), true);
  return { clock, dispatcher };
}

describe('the dispatcher', () => {
  it('reads the clock once per pass, also when passes nest', () => {
    const { clock, dispatcher } = bench();
    clock.time = 20;
    dispatcher.enter();
    clock.time = 30;
    dispatcher.enter();
    assert.equal(dispatcher.now, 20);
    dispatcher.leave();
    assert.equal(dispatcher.now, 20);
    dispatcher.leave();
    dispatcher.enter();
    assert.equal(dispatcher.now, 30);
    dispatcher.leave();
  });

  it('flushes when the outermost pass ends, each item once and in the order of marking', () => {
    const { dispatcher } = bench();
    const flushed: string[] = [];
    const item = (name: string) => ({ flush: () => void flushed.push(name) });
    dispatcher.enter();
    dispatcher.markDirty(item('a'));
    dispatcher.enter();
    dispatcher.markDirty(item('b'));
    dispatcher.leave();
    assert.deepEqual(flushed, []);
    dispatcher.leave();
    assert.deepEqual(flushed, ['a', 'b']);
    dispatcher.enter();
    dispatcher.leave();
    assert.deepEqual(flushed, ['a', 'b']);
  });

  it('runs deferred work before it flushes, and flushes what that work wrote', () => {
    const { dispatcher } = bench();
    const events: string[] = [];
    const connection = { flush: () => void events.push('flush') };
    dispatcher.enter();
    dispatcher.defer({
      onDeferred: () => {
        events.push('deferred');
        dispatcher.markDirty(connection);
      },
    });
    dispatcher.leave();
    assert.deepEqual(events, ['deferred', 'flush']);
  });

  it('goes on until neither deferred work nor dirty items are left', () => {
    const { dispatcher } = bench();
    const events: string[] = [];
    let rounds = 0;
    const deferred = {
      onDeferred: () => {
        events.push(`deferred ${rounds}`);
        dispatcher.markDirty(connection);
      },
    };
    const connection = {
      flush: () => {
        events.push(`flush ${rounds}`);
        if (rounds++ < 2) dispatcher.defer(deferred);
      },
    };
    dispatcher.enter();
    dispatcher.defer(deferred);
    dispatcher.leave();
    assert.deepEqual(events, ['deferred 0', 'flush 0', 'deferred 1', 'flush 1', 'deferred 2', 'flush 2']);
  });

  it('reports what deferred work and flushes throw, and goes on with the others', () => {
    const { clock, dispatcher } = bench();
    const errors: string[] = [];
    dispatcher.onError = (error) => errors.push((error as Error).message);
    const events: string[] = [];
    const fails = (what: string) => () => {
      throw new Error(what);
    };
    dispatcher.enter();
    dispatcher.defer({ onDeferred: fails('deferred') });
    dispatcher.defer({ onDeferred: () => void events.push('deferred') });
    dispatcher.markDirty({ flush: fails('flush') });
    dispatcher.markDirty({ flush: () => void events.push('flush') });
    dispatcher.leave();
    assert.deepEqual(errors, ['deferred', 'flush']);
    assert.deepEqual(events, ['deferred', 'flush']);
    clock.time = 50;
    dispatcher.enter();
    assert.equal(dispatcher.now, 50);
    dispatcher.leave();
  });

  it('has whole milliseconds, and a wall clock that is read once for each', () => {
    let reads = 0;
    const clock = { time: 10.75 };
    const dispatcher = new Dispatcher(
      { monotonic: () => clock.time, wall: () => 5000 + reads++ },
      seededRandom(1),
      true,
    );
    dispatcher.enter();
    assert.equal(dispatcher.now, 10);
    assert.deepEqual([dispatcher.wall, dispatcher.wall], [5000, 5000]);
    dispatcher.leave();
    clock.time = 10.99;
    dispatcher.enter();
    assert.equal(dispatcher.wall, 5000);
    dispatcher.leave();
    clock.time = 11;
    dispatcher.enter();
    assert.equal(dispatcher.wall, 5001);
    dispatcher.leave();
  });
});
