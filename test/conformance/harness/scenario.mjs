import { readdirSync } from 'node:fs';

/**
 * The catalogue. A scenario file calls `scenario(name, spec)` with
 *
 * - `shows`: one sentence, what a reader learns from it; `group`: set by the file with `family(...)`;
 * - `down`, `up`: `h1` or `h2`, the protocols of the two sides;
 * - `upstream`: handler or handlers of the upstream `up`, or {proto, handler, kind, hosts, samePort, assign, peer, cluster, http2, http};
 *   `cluster` may be a function of the ports of all upstreams;
 *   `kind` is `names` (a name server), `refused` (nothing listens), `none` (no endpoint), `mute` (accepts, never reads), `tcp` (bytes without a protocol), `plug` (can be unplugged);
 *   `upstreams`: more of them by name;
 * - `hcm`, `route`, `entry`, `vhost`, `listener`, `cluster`, `http2`, `filters`: laid over the default bootstrap
 *   (RouteAction, Route, VirtualHost, Listener, Cluster, Http2ProtocolOptions of the cluster, filters before the router);
 * - `router`: laid over the router filter; `lines`, `upstreamLines`: formats of one more access log and of the router's
 *   upstream log, whose lines become facts;
 * - `client`: options of the client connections;
 * - `flags`: of the command line, for scenarios that run `alone`;
 * - `server`: laid over the bootstrap file itself, for scenarios that run `alone`;
 * - `alone`: runs in a proxy of its own, because it looks at what all listeners share, or moves much data;
 * - `unstable`: expressions over fact paths that are never compared, `coarse`: over counters that only have to be positive;
 * - `leavesActive`: how many streams are open when the script ends;
 * - `run(t)`: the script.
 */
const catalogue = new Map();
let current = '';

export function family(name) {
  current = name;
}

export function scenario(name, spec) {
  if (catalogue.has(name)) throw new Error(`two scenarios are called ${name}`);
  const { upstream, cluster, http2, upstreams = {} } = spec;
  const up = typeof upstream === 'function' || Array.isArray(upstream) ? { handler: upstream } : (upstream ?? {});
  catalogue.set(name, {
    down: 'h1',
    up: 'h1',
    unstable: [],
    coarse: /flow_control/,
    ...spec,
    cluster: undefined,
    name,
    group: current,
    upstreams: { up: { proto: spec.up ?? 'h1', cluster, http2, ...up }, ...upstreams },
  });
}

export const PAIRS = [
  ['h1', 'h1'],
  ['h1', 'h2'],
  ['h2', 'h1'],
  ['h2', 'h2'],
];

/** Defines one scenario for each pair of protocols, or for those given: `define(down, up, 'h1-h2')`. */
export function pairs(define, wanted = PAIRS) {
  for (const [down, up] of wanted) define(down, up, `${down}-${up}`);
}

export async function loadScenarios() {
  const folder = new URL('../scenarios/', import.meta.url);
  for (const name of readdirSync(folder).sort()) {
    if (name.endsWith('.mjs')) await import(new URL(name, folder));
  }
  return [...catalogue.values()];
}
