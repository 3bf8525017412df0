import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestLoop } from '../upstream/test-kit.js';
import { DrainManager, type DrainOptions } from './drain-manager.js';

function bench(options: DrainOptions) {
  const loop = new TestLoop();
  const drain = new DrainManager(loop.dispatcher, options);
  const listener = drain.forListener(false, 'DEFAULT');
  /** Share of responses that end their connection now, in per cent. */
  const share = (one = listener) => {
    let closed = 0;
    for (let i = 0; i < 2000; i++) if (loop.pass(() => one.drainClose())) closed++;
    return closed / 20;
  };
  const start = (done: (() => void) | null = null, inbound = false) => loop.pass(() => drain.start(inbound, done));
  return { loop, drain, listener, share, start };
}

const GRADUAL: DrainOptions = { drainTimeMs: 600_000, strategy: 'gradual' };

describe('draining the server', () => {
  it('ends no connection before it begins', () => {
    assert.equal(bench(GRADUAL).share(), 0);
  });

  it('gradually ends more and more connections, and all when the time is over', () => {
    const { loop, share, start } = bench(GRADUAL);
    start();
    assert.equal(share(), 0);
    loop.advance(150_000);
    assert.ok(Math.abs(share() - 25) < 4);
    loop.advance(300_000);
    assert.ok(Math.abs(share() - 75) < 4);
    loop.advance(150_000);
    assert.equal(share(), 100);
  });

  it('at once ends every connection at its next response', () => {
    const { share, start } = bench({ drainTimeMs: 600_000, strategy: 'immediate' });
    start();
    assert.equal(share(), 100);
  });

  it('over no time ends every connection at once', () => {
    const { share, start } = bench({ drainTimeMs: 0, strategy: 'gradual' });
    start();
    assert.equal(share(), 100);
  });

  it('tells once when the time is over, however often it is asked for', () => {
    const { loop, drain, start } = bench({ drainTimeMs: 1000, strategy: 'gradual' });
    let done = 0;
    start(() => done++);
    loop.advance(500);
    start(() => assert.fail('a second drain begins nothing'));
    loop.advance(496);
    assert.equal(done, 0);
    loop.advance(8);
    assert.equal(done, 1);
    assert.equal(drain.draining(false), true);
  });

  it('is what a failed health check does to connections, until it is mended', () => {
    const { drain, share } = bench(GRADUAL);
    drain.healthcheckFailed = true;
    assert.equal(share(), 100);
    drain.healthcheckFailed = false;
    assert.equal(share(), 0);
  });

  it('leaves connections of a listener of drain_type MODIFY_ONLY when health fails', () => {
    const { drain, share } = bench(GRADUAL);
    drain.healthcheckFailed = true;
    assert.equal(share(drain.forListener(false, 'MODIFY_ONLY')), 0);
  });

  it('for inbound listeners leaves the others, until all are drained', () => {
    const { drain, share, start } = bench({ drainTimeMs: 1000, strategy: 'immediate' });
    const inbound = drain.forListener(true, 'DEFAULT');
    start(null, true);
    assert.deepEqual([share(inbound), share()], [100, 0]);
    start(null);
    assert.equal(share(), 100);
  });

  it('ends the connections of a listener that is removed, and of no other', () => {
    const { loop, drain, listener, share } = bench({ drainTimeMs: 10_000, strategy: 'gradual' });
    let done = 0;
    loop.pass(() => listener.start(() => done++));
    loop.advance(5100);
    const now = share();
    assert.ok(now > 35 && now < 65, String(now));
    assert.equal(share(drain.forListener(false, 'DEFAULT')), 0);
    loop.advance(5000);
    assert.deepEqual([share(), done], [100, 1]);
  });
});
