import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HealthFlag, NO_LOCALITY } from '../host.js';
import { PrioritySet } from '../priority-set.js';
import { makeHost } from '../test-kit.js';
import { PreviousPriorities } from './previous-priorities.js';
import { priorityLoad } from './priority-load.js';

function bed(flags: number[], updateFrequency = 1) {
  const set = new PrioritySet(140);
  const hosts = flags.map((flag, priority) => {
    const host = makeHost(`10.0.${priority}.1:80`, 1, flag);
    host.priority = priority;
    set.update(priority, [{ locality: NO_LOCALITY, weight: 0, hosts: [host] }]);
    return host;
  });
  const retry = new PreviousPriorities(updateFrequency);
  const load = () => retry.load(priorityLoad(set.sets, 50), set.sets).healthy;
  return { hosts, retry, load };
}

describe('previous priorities', () => {
  it('are left out, one more with each attempt, until none is left', () => {
    const b = bed([0, 0, 0]);
    assert.deepEqual(b.load(), [100, 0, 0]);
    b.retry.onHostAttempted(b.hosts[0]);
    assert.deepEqual(b.load(), [0, 100, 0]);
    b.retry.onHostAttempted(b.hosts[1]);
    assert.deepEqual(b.load(), [0, 0, 100]);
    b.retry.onHostAttempted(b.hosts[2]);
    assert.deepEqual(b.load(), [100, 0, 0]);
  });

  it('pass a priority that is not healthy', () => {
    const b = bed([0, HealthFlag.FAILED_EDS_HEALTH, 0]);
    b.retry.onHostAttempted(b.hosts[0]);
    assert.deepEqual(b.load(), [0, 0, 100]);
  });

  it('are left out only with every so many attempts', () => {
    const b = bed([0, 0], 2);
    b.retry.onHostAttempted(b.hosts[0]);
    assert.deepEqual(b.load(), [100, 0]);
    b.retry.onHostAttempted(b.hosts[0]);
    assert.deepEqual(b.load(), [0, 100]);
  });

  it('change nothing when no priority is healthy', () => {
    const b = bed([HealthFlag.FAILED_EDS_HEALTH, HealthFlag.FAILED_EDS_HEALTH]);
    b.retry.onHostAttempted(b.hosts[0]);
    assert.deepEqual(b.load(), [50, 50]);
  });
});
