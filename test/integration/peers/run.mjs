#!/usr/bin/env node
/**
 * Programs that others wrote, through a running proxy: curl, nghttp, h2load, a Go client, grpc-js, Prometheus, fortio. What is not
 * installed is skipped with its name. Prints Node's test summary.
 *
 *   run.mjs [--proxy 'COMMAND {config}'] [--only curl,go,...] [--large BYTES]
 *
 * COMMAND starts any proxy that takes an Envoy bootstrap; the default is halfopen of this checkout. `--large` is the size of the
 * bodies that must pass at flat memory (1 GiB).
 */
import { parseArgs } from 'node:util';
import { HALFOPEN } from '../proxy.mjs';
import { curl } from './curl.mjs';
import { fortio } from './fortio.mjs';
import { go } from './go.mjs';
import { grpc } from './grpc.mjs';
import { nghttp } from './nghttp.mjs';
import { prometheus } from './prometheus.mjs';

const { values } = parseArgs({
  options: { proxy: { type: 'string' }, only: { type: 'string' }, large: { type: 'string' } },
});
const peers = { curl, nghttp, go, grpc, prometheus, fortio };
const wanted = values.only?.split(',') ?? Object.keys(peers);
for (const name of wanted) {
  if (!(name in peers)) throw new Error(`there is no peer ${name}; there are ${Object.keys(peers).join(', ')}`);
  peers[name]({ command: values.proxy ?? HALFOPEN, large: Number(values.large ?? 1024 ** 3) });
}
