#!/usr/bin/env node
/** The field report with real packet loss. Needs root, `ip` and `tc`; run by continuous integration, not by `npm test`. */
import { suite, test } from 'node:test';
import {
  keepaliveRecovers,
  oldIstioMixesNewOneDoesNot,
  runFieldReport,
  sendQueueGrowsAndFreezes,
} from '../field-report.mjs';

suite('the lab in network namespaces', () => {
  let report;
  test('the field report runs to its end', () => {
    report = runFieldReport('namespaces');
    process.stdout.write(report.text);
  });
  test('the send queue of a dead connection grows and freezes, ESTABLISHED', () => sendQueueGrowsAndFreezes(report));
  test('Istio 1.8 answers 408 and 504, Istio since 1.10 only 504', () => oldIstioMixesNewOneDoesNot(report));
  test('with keepalive requests succeed within 2 s after the network is back', () => keepaliveRecovers(report));
});
