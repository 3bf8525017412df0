import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judge, type StallSignals, type StallVerdict } from './stall-detector.js';

/** A request is out, all was acknowledged, and the answer is a moment late. */
const WAITING: StallSignals = {
  sendQueue: 0,
  acknowledged: 0,
  retransmits: 0,
  probes: 0,
  unacked: 0,
  sinceRead: 3000,
  queued: 0,
  peerWindow: null,
  pingOutstanding: -1,
  activeStreams: 1,
  loopLag: 2,
};
const BLIND = { sendQueue: -1, acknowledged: -1, retransmits: -1, probes: -1, unacked: -1 };

const TABLE: [string, Partial<StallSignals>, StallVerdict, boolean?][] = [
  ['bytes come in', { sinceRead: 10, sendQueue: 5000 }, 'healthy'],
  ['an idle connection is silent', { activeStreams: 0, sinceRead: 60_000 }, 'healthy'],
  ['a large upload is being acknowledged', { sendQueue: 200_000, acknowledged: 80_000, unacked: 40 }, 'healthy'],
  ['bytes were sent just now', { sendQueue: 300, unacked: 1 }, 'healthy'],
  [
    'the send queue stands and segments are retransmitted',
    { sendQueue: 49_000, unacked: 10, retransmits: 5 },
    'dead-peer',
  ],
  [
    'segments are retransmitted while the codec holds more',
    { sendQueue: 49_000, unacked: 10, retransmits: 5, queued: 100_000, peerWindow: 0 },
    'dead-peer',
  ],
  ['the window is probed', { sendQueue: 2_000_000, probes: 3, queued: 1_000_000 }, 'peer-not-reading'],
  ['the send queue stands and nothing is in flight', { sendQueue: 2_000_000, queued: 1 }, 'peer-not-reading'],
  ['a PING is acknowledged and not answered', { pingOutstanding: 2500 }, 'peer-not-reading'],
  ['frames wait for window and PINGs are answered', { queued: 65_000, peerWindow: 0 }, 'window-closed'],
  ['everything was delivered and no answer comes', {}, 'app-slow'],
  ['an answer is due on HTTP/2 with window to spare', { peerWindow: 60_000 }, 'app-slow'],
  ['the loop was late', { loopLag: 900, sendQueue: 49_000, retransmits: 5 }, 'self-late'],
  ['a PING is out for long and the kernel is not known', { ...BLIND, pingOutstanding: 2500 }, 'dead-peer', false],
  ['the kernel takes no more and is not known', { ...BLIND, queued: 100_000 }, 'peer-not-reading', false],
  ['there is silence and the kernel is not known', BLIND, 'app-slow', false],
];

describe('the verdict on a connection', () => {
  for (const [when, signals, verdict, certain = true] of TABLE)
    it(`is ${certain ? '' : 'perhaps '}${verdict} when ${when}`, () => {
      const finding = judge({ ...WAITING, ...signals });
      assert.deepEqual([finding.verdict, finding.certain], [verdict, certain], finding.because);
    });

  it('waits for the quiet time to pass', () => {
    assert.equal(judge({ ...WAITING, sinceRead: 999 }).verdict, 'healthy');
    assert.equal(judge({ ...WAITING, sinceRead: 999 }, { quiet: 500, lag: 100 }).verdict, 'app-slow');
  });
});
