import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../base/random.js';
import { HealthFlag, type HostImpl, NO_OUTLIER_DETECTION } from '../host.js';
import { makeHost, TestLoop } from '../test-kit.js';
import { type OutlierSettings, readOutlierDetection } from './outlier-config.js';
import { OutlierDetector } from './outlier-detector.js';
import { OutlierStats } from './outlier-stats.js';

type Given = Partial<OutlierSettings>;

const DEFAULTS = readOutlierDetection({ outlier_detection: {} } as Parameters<typeof readOutlierDetection>[0])!;

function bed(given: Given = {}, hosts = 1, seed = 1) {
  const loop = new TestLoop(seed);
  const stats = new OutlierStats();
  const changes: [HostImpl, boolean][] = [];
  const settings = { ...DEFAULTS, maxEjectionPercent: 100, ...given };
  const detector = new OutlierDetector(settings, stats, loop.dispatcher, (host, failed) =>
    changes.push([host, failed]),
  );
  detector.start();
  const list = Array.from({ length: hosts }, (_, i) => makeHost(`10.0.0.${i + 1}:80`));
  for (const host of list) detector.add(host);
  const answers = (host: HostImpl, code: number, times = 1) => {
    for (let i = 0; i < times; i++) loop.pass(() => host.outlier.putHttpResponseCode(code));
  };
  return { loop, stats, changes, detector, list, host: list[0], answers, settings };
}

const ejected = (host: HostImpl) => (host.healthFlags & HealthFlag.FAILED_OUTLIER_CHECK) !== 0;

describe('an outlier', () => {
  it('is ejected by the fifth 5xx in a row, and not by four and a success', () => {
    const b = bed();
    b.answers(b.host, 500, 4);
    b.answers(b.host, 200);
    b.answers(b.host, 500, 4);
    assert.equal(ejected(b.host), false);
    b.answers(b.host, 500);
    assert.equal(ejected(b.host), true);
    assert.deepEqual(b.changes, [[b.host, true]]);
    assert.equal(b.stats.ejections_enforced_consecutive_5xx, 1);
    assert.equal(b.stats.ejections_active, 1);
  });

  it('is only noted when a detection is not enforced', () => {
    const b = bed({ consecutiveGatewayFailure: 2 });
    b.answers(b.host, 503, 2);
    assert.equal(b.stats.ejections_detected_consecutive_gateway_failure, 1);
    assert.equal(ejected(b.host), false);
  });

  it('stays when more hosts than max_ejection_percent would be out', () => {
    const b = bed({ maxEjectionPercent: 10 }, 9);
    b.answers(b.host, 500, 5);
    assert.deepEqual([ejected(b.host), b.stats.ejections_overflow], [false, 1]);
  });

  it('goes in spite of the percentage when one host may always be ejected', () => {
    const b = bed({ maxEjectionPercent: 10, alwaysEjectOneHost: true }, 2);
    b.answers(b.list[0], 500, 5);
    b.answers(b.list[1], 500, 5);
    assert.deepEqual(b.list.map(ejected), [true, false]);
  });

  it('comes back with the first interval after its time, and stays away longer the second time', () => {
    const b = bed({ interval: 1000, baseEjectionTime: 3000 });
    b.answers(b.host, 500, 5);
    b.loop.advance(2900);
    assert.equal(ejected(b.host), true);
    b.loop.advance(200);
    assert.equal(ejected(b.host), false);
    assert.equal(b.stats.ejections_active, 0);
    const again = bed({ interval: 1000, baseEjectionTime: 3000 });
    again.answers(again.host, 500, 5);
    again.loop.advance(3050);
    // The interval in which it came back has taken one off already.
    again.answers(again.host, 500, 5);
    assert.equal(again.detector.monitorOf(again.host)!.backoff, 1);
    again.answers(again.host, 500, 5);
    again.loop.advance(2050);
    assert.equal(ejected(again.host), true);
  });

  it('stays away no longer than max_ejection_time', () => {
    const b = bed({ interval: 1000, baseEjectionTime: 3000, maxEjectionTime: 4000 });
    b.detector.monitorOf(b.host)!.backoff = 9;
    b.answers(b.host, 500, 5);
    b.loop.advance(4100);
    assert.equal(ejected(b.host), false);
  });

  it('is let in by a health check that succeeds, unless told otherwise', () => {
    for (const uneject of [true, false]) {
      const b = bed({ uneject });
      b.answers(b.host, 500, 5);
      b.detector.onHealthCheckSuccess(b.host);
      assert.equal(ejected(b.host), !uneject);
    }
  });

  it('counts timeouts and failures as codes when origins are not split', () => {
    const b = bed({ consecutive5xx: 2 });
    b.loop.pass(() => b.host.outlier.putResult('timeout', 504));
    b.loop.pass(() => b.host.outlier.putResult('connect-success', null));
    b.loop.pass(() => b.host.outlier.putResult('connect-failed', 503));
    assert.equal(ejected(b.host), true);
  });

  it('has a streak of its own for what happens here when origins are split, which a connect ends', () => {
    const b = bed({ split: true, consecutiveLocalOriginFailure: 2 });
    const put = (result: 'timeout' | 'connect-success' | 'request-failed') =>
      b.loop.pass(() => b.host.outlier.putResult(result, 503));
    put('timeout');
    put('connect-success');
    put('timeout');
    assert.equal(ejected(b.host), false);
    put('request-failed');
    assert.equal(b.stats.ejections_enforced_consecutive_local_origin_failure, 1);
    assert.equal(b.stats.ejections_detected_consecutive_5xx, 0);
  });

  it('is found by a success rate far below the others', () => {
    const b = bed({ interval: 1000, consecutive5xx: 1000, successRateRequestVolume: 10 }, 6);
    for (const host of b.list) b.answers(host, 200, 10);
    b.answers(b.host, 500, 10);
    b.loop.advance(1004);
    assert.deepEqual(b.list.map(ejected), [true, false, false, false, false, false]);
    assert.equal(b.stats.ejections_enforced_success_rate, 1);
    assert.ok(Math.abs(b.detector.external.average - 91.6667) < 0.001);
    assert.equal(b.detector.monitorOf(b.host)!.external.shown, 50);
  });

  it('is found by its failure percentage when that is enforced', () => {
    const enforcing = { ...DEFAULTS.enforcing, failure_percentage: 100 };
    const given = { interval: 1000, consecutive5xx: 1000, failurePercentageMinimumHosts: 1, enforcing };
    const b = bed({ ...given, failurePercentageRequestVolume: 10 });
    b.answers(b.host, 200, 2);
    b.answers(b.host, 500, 8);
    b.loop.advance(1004);
    assert.equal(ejected(b.host), false);
    b.answers(b.host, 200, 1);
    b.answers(b.host, 500, 9);
    b.loop.advance(1004);
    assert.equal(b.stats.ejections_enforced_failure_percentage, 1);
  });

  it('is nobody any more when detection ends', () => {
    const b = bed();
    b.answers(b.host, 500, 5);
    b.detector.stop();
    assert.equal(b.stats.ejections_active, 0);
    assert.equal(b.host.outlier, NO_OUTLIER_DETECTION);
    assert.equal(b.loop.dispatcher.timers.size, 0);
  });
});

describe('ejections, whatever happens', () => {
  it('stay within the limit, agree with the gauge, and are all undone in the end', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed);
      const percent = [0, 10, 34, 50, 100][random.u32() % 5];
      const alwaysEjectOneHost = random.u32() % 2 === 0;
      const enforcing = {
        ...DEFAULTS.enforcing,
        consecutive_5xx: 70,
        failure_percentage: 100,
        consecutive_gateway_failure: 50,
      };
      const size = 1 + (random.u32() % 6);
      const b = bed(
        {
          maxEjectionPercent: percent,
          alwaysEjectOneHost,
          enforcing,
          split: random.u32() % 2 === 0,
          interval: 500,
          baseEjectionTime: 900,
          maxEjectionTimeJitter: 300,
          consecutive5xx: 2,
          successRateMinimumHosts: 2,
          successRateRequestVolume: 5,
          failurePercentageMinimumHosts: 1,
          failurePercentageRequestVolume: 5,
        },
        size,
        seed,
      );
      const limit = Math.max(Math.floor((percent * size) / 100), alwaysEjectOneHost ? 1 : 0);
      for (let step = 0; step < 150; step++) {
        const host = b.list[random.u32() % size];
        const kind = random.u32() % 4;
        if (kind === 0) b.answers(host, 200);
        else if (kind === 1) b.answers(host, 500 + (random.u32() % 5));
        else if (kind === 2) b.loop.pass(() => host.outlier.putResult('connect-failed', 503));
        else b.loop.advance(random.u32() % 200);
        const out = b.list.filter(ejected).length;
        assert.equal(out, b.stats.ejections_active, `seed ${seed}`);
        assert.ok(out <= limit, `seed ${seed}: ${out} of ${size} with ${percent} %`);
      }
      b.loop.advance(400_000);
      assert.deepEqual([b.list.filter(ejected).length, b.stats.ejections_active], [0, 0], `seed ${seed}`);
    }
  });
});
