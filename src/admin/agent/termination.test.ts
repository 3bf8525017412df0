import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestLoop } from '../../upstream/test-kit.js';
import type { AdminHost, DrainRequest, ServerState } from '../host.js';
import { Termination } from './termination.js';

const ISTIO = { terminationDrainMs: 5000, exitOnZeroConnections: false, minimumDrainMs: 5000 };

function bench(settings = ISTIO) {
  const loop = new TestLoop();
  const drains: DrainRequest[] = [];
  const seen = { quits: 0, connections: 0, drains, state: 'LIVE' as ServerState };
  const admin = {
    drainListeners: (request: DrainRequest) => drains.push(request),
    state: () => seen.state,
  } as unknown as AdminHost;
  const termination = new Termination(
    {
      dispatcher: loop.dispatcher,
      admin,
      activeConnections: () => seen.connections,
      quit: () => seen.quits++,
      log() {},
    },
    settings,
  );
  return { loop, termination, seen };
}

test('in the classic form SIGTERM drains, and the process ends when the drain duration is over', () => {
  const { loop, termination, seen } = bench();
  termination.terminate();
  assert.deepEqual(seen.drains, [{ inboundOnly: true, graceful: true, skipExit: false }]);
  loop.advance(4900);
  assert.equal(seen.quits, 0);
  loop.advance(200);
  assert.equal(seen.quits, 1);
});

test('a native sidecar that was drained before ends at SIGTERM', () => {
  const { loop, termination, seen } = bench();
  termination.drain();
  termination.drain();
  assert.deepEqual(seen.drains, [{ inboundOnly: true, graceful: true, skipExit: true }]);
  loop.advance(600_000);
  assert.equal(seen.quits, 0);
  termination.terminate();
  assert.equal(seen.quits, 1);
});

test('with EXIT_ON_ZERO_ACTIVE_CONNECTIONS it ends with the last connection, not before the minimum', () => {
  const { loop, termination, seen } = bench({ ...ISTIO, exitOnZeroConnections: true, minimumDrainMs: 3000 });
  seen.connections = 2;
  termination.terminate();
  loop.advance(3000);
  seen.connections = 1;
  loop.advance(60_000);
  assert.equal(seen.quits, 0);
  seen.connections = 0;
  loop.advance(1100);
  assert.equal(seen.quits, 1);
});

test('without connections EXIT_ON_ZERO_ACTIVE_CONNECTIONS still waits for the minimum', () => {
  const { loop, termination, seen } = bench({ ...ISTIO, exitOnZeroConnections: true });
  termination.terminate();
  loop.advance(4900);
  assert.equal(seen.quits, 0);
  loop.advance(1300);
  assert.equal(seen.quits, 1);
});

test('a second signal ends at once', () => {
  const { termination, seen } = bench();
  termination.terminate();
  termination.terminate();
  assert.equal(seen.quits, 1);
});

test('a proxy that never was ready ends at once', () => {
  const { termination, seen } = bench();
  seen.state = 'INITIALIZING';
  termination.terminate();
  assert.deepEqual([seen.quits, seen.drains.length], [1, 0]);
});
