/** The field report without root: peers that stop reading stand for the cut cable. */
import { suite, test } from 'node:test';
import {
  keepaliveRecovers,
  oldIstioMixesNewOneDoesNot,
  runFieldReport,
  sendQueueGrowsAndFreezes,
} from './field-report.mjs';

suite('the lab in user space', () => {
  let report;
  test('the field report runs to its end', () => {
    report = runFieldReport('user-space');
  });
  test('the send queue of a dead connection grows and freezes, ESTABLISHED', (t) => {
    if (process.platform !== 'linux') return t.skip('Send-Q is read from /proc/net/tcp');
    sendQueueGrowsAndFreezes(report);
  });
  test('Istio 1.8 answers 408 and 504, Istio since 1.10 only 504', () => oldIstioMixesNewOneDoesNot(report));
  test('with keepalive requests succeed within 2 s after the network is back', () => keepaliveRecovers(report));
});
