import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestLoop } from '../upstream/test-kit.js';
import { DrainManager, type DrainOptions } from './drain-manager.js';

function bench(options: DrainOptions) {
  const loop = new TestLoop();
  const drain = new DrainManager(loop.dispatcher, options);
  /** Share of responses that end their connection now, in per cent. */
  const share = () => {
    let closed = 0;
    for (let i = 0; i < 2000; i++) if (loop.pass(() => drain.drainClose())) closed++;
    return closed / 20;
  };
  return { loop, drain, share, start: (done: (() => void) | null = null) => loop.pass(() => drain.start(done)) };
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
    assert.equal(drain.draining, true);
  });

  it('is what a failed health check does to connections, until it is mended', () => {
    const { drain, share } = bench(GRADUAL);
    drain.healthcheckFailed = true;
    assert.equal(share(), 100);
    drain.healthcheckFailed = false;
    assert.equal(share(), 0);
  });
});
