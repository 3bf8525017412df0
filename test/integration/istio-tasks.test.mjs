/** Tasks of Istio's documentation with the YAML they are documented with, and the outcomes they promise. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BOOKINFO, productPage, startMesh } from './bookinfo.mjs';
import { CIRCUIT_BREAKER } from './istio-documents.mjs';

const SUBSETS = `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews}
spec:
  host: reviews
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
  - {name: v3, labels: {version: v3}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ratings}
spec:
  host: ratings
  subsets:
  - {name: v1, labels: {version: v1}}
---
`;
const REVIEWS_V2 = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - route: [{destination: {host: reviews, subset: v2}}]
`;

/** Runs `body` with a mesh, and always ends it. */
async function within(apps, yaml, body) {
  const mesh = await startMesh(apps, yaml);
  try {
    await body(mesh);
  } finally {
    await mesh.stop();
  }
}

const about = (ms, expected, what) =>
  assert.ok(
    ms > expected * 1000 - 150 && ms < expected * 1000 + 900,
    `${what}: ${Math.round(ms)} ms, not about ${expected} s`,
  );

const ok = (text) => (_request, response) => response.end(text);

suite("Istio's documented tasks", { concurrency: 4 }, () => {
  const ratingsDelayed = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings}
spec:
  hosts: [ratings]
  http:
  - fault: {delay: {percentage: {value: 100}, fixedDelay: 2s}}
    route: [{destination: {host: ratings, subset: v1}}]
---
`;

  test('request timeouts: with reviews at 0.5 s the page says after 1 s that there are no reviews', () =>
    within(
      BOOKINFO,
      () => `${SUBSETS}${ratingsDelayed}${REVIEWS_V2.trimEnd()}\n    timeout: 0.5s\n`,
      async (mesh) => {
        const page = await productPage(mesh);
        assert.match(page.text, /Sorry, product reviews are currently unavailable/);
        about(page.ms, 1, 'the page');
        const { status, body } = await mesh.get('reviews');
        assert.deepEqual([status, body], [504, 'upstream request timeout']);
      },
    ));

  test('request timeouts: without one the page has its reviews after 2 s', () =>
    within(
      BOOKINFO,
      () => `${SUBSETS}${ratingsDelayed}${REVIEWS_V2}`,
      async (mesh) => {
        const page = await productPage(mesh);
        assert.match(page.text, /black stars/);
        about(page.ms, 2, 'the page');
      },
    ));

  const forJason = (fault) => `${SUBSETS}${REVIEWS_V2}---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ratings}
spec:
  hosts: [ratings]
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    fault: ${fault}
    route: [{destination: {host: ratings, subset: v1}}]
  - route: [{destination: {host: ratings, subset: v1}}]
`;

  test('fault injection: a delay of 7 s ends the page of jason after 6 s, and nobody else has it', () =>
    within(
      BOOKINFO,
      () => forJason('{delay: {percentage: {value: 100}, fixedDelay: 7s}}'),
      async (mesh) => {
        const [jason, other] = await Promise.all([productPage(mesh, 'jason'), productPage(mesh, 'other')]);
        assert.match(jason.text, /Sorry, product reviews/);
        about(jason.ms, 6, 'the page of jason');
        assert.match(other.text, /black stars/);
        assert.ok(other.ms < 1000, `${other.ms} ms`);
      },
    ));

  test('fault injection: an abort shows jason that there are no ratings', () =>
    within(
      BOOKINFO,
      () => forJason('{abort: {percentage: {value: 100}, httpStatus: 500}}'),
      async (mesh) => {
        assert.equal((await productPage(mesh, 'jason')).text, 'Ratings service is currently unavailable');
        assert.match((await productPage(mesh)).text, /black stars/);
        assert.equal((await mesh.get('ratings', { headers: { 'end-user': 'jason' } })).body, 'fault filter abort');
      },
    ));

  const slow = { httpbin: { v1: (_request, response) => setTimeout(() => response.end('late'), 5000) } };
  const httpbinTimeout = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: httpbin-ext}
spec:
  hosts: [httpbin]
  http:
  - timeout: 3s
    route: [{destination: {host: httpbin}, weight: 100}]
`;

  test('egress: /delay/5 is 504 after 3 s with a timeout, and 200 after 5 s without', async () => {
    const [cut, whole] = await Promise.all([startMesh(slow, () => httpbinTimeout), startMesh(slow, () => '')]);
    try {
      const path = '/delay/5';
      const [a, b] = await Promise.all([cut.get('httpbin', { path }), whole.get('httpbin', { path })]);
      assert.equal(a.status, 504);
      about(a.ms, 3, 'the answer with a timeout');
      assert.equal(b.status, 200);
      about(b.ms, 5, 'the answer without');
    } finally {
      await cut.stop();
      await whole.stop();
    }
  });

  test('request routing: jason has version 2, everyone else version 1', () =>
    within(
      BOOKINFO,
      () => `${SUBSETS}apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - match: [{headers: {end-user: {exact: jason}}}]
    route: [{destination: {host: reviews, subset: v2}}]
  - route: [{destination: {host: reviews, subset: v1}}]
`,
      async (mesh) => {
        for (let i = 0; i < 10; i += 1) {
          assert.match((await productPage(mesh, 'jason')).text, /black stars/);
          assert.equal((await productPage(mesh)).text, 'reviews without stars');
        }
      },
    ));

  for (const [share, other] of [
    [50, 50],
    [90, 10],
    [80, 20],
  ])
    test(`traffic shifting: ${share} to ${other} within four standard deviations`, () =>
      within(
        { reviews: { v1: ok('v1'), v2: ok('v2'), v3: ok('v3') } },
        () => `${SUBSETS}apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - route:
    - {destination: {host: reviews, subset: v1}, weight: ${share}}
    - {destination: {host: reviews, subset: v3}, weight: ${other}}
`,
        async (mesh) => {
          const count = 800;
          const lane = async () => {
            for (let i = 0; i < count / 8; i += 1) assert.equal((await mesh.get('reviews')).status, 200);
          };
          await Promise.all(Array.from({ length: 8 }, lane));
          const p = share / 100;
          const first = mesh.requests['reviews-v1'];
          const off = Math.abs(first - count * p) / Math.sqrt(count * p * (1 - p));
          assert.ok(off < 4, `${first} of ${count} went to v1`);
          assert.equal(first + mesh.requests['reviews-v3'], count);
          assert.equal(mesh.requests['reviews-v2'], undefined);
        },
      ));

  test('mirroring: both versions see the request, the caller has the answer of version 1', () =>
    within(
      { httpbin: { v1: ok('v1'), v2: ok('v2') } },
      () => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: httpbin}
spec:
  hosts: [httpbin]
  http:
  - route: [{destination: {host: httpbin, subset: v1}, weight: 100}]
    mirror: {host: httpbin, subset: v2}
    mirrorPercentage: {value: 100.0}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: httpbin}
spec:
  host: httpbin
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
`,
      async (mesh) => {
        for (let i = 0; i < 5; i += 1) assert.equal((await mesh.get('httpbin', { path: '/get' })).body, 'v1');
        for (let i = 0; i < 50 && (mesh.requests['httpbin-v2'] ?? 0) < 5; i += 1)
          await new Promise((resolve) => setTimeout(resolve, 20));
        assert.deepEqual(mesh.requests, { 'httpbin-v1': 5, 'httpbin-v2': 5 });
      },
    ));

  test('circuit breaking: 200 and 503 both come, and the share of 503 rises with the number of callers', () =>
    within(
      { httpbin: { v1: ok('ok') } },
      () => CIRCUIT_BREAKER,
      async (mesh) => {
        const shareOf503 = async (callers, requests) => {
          const seen = { 200: 0, 503: 0 };
          const lane = async () => {
            for (let i = 0; i < requests / callers; i += 1)
              seen[(await mesh.get('httpbin', { path: '/get' })).status] += 1;
          };
          await Promise.all(Array.from({ length: callers }, lane));
          return seen[503] / (seen[200] + seen[503]);
        };
        assert.equal(await shareOf503(1, 20), 0);
        const three = await shareOf503(3, 120);
        const eight = await shareOf503(8, 160);
        assert.ok(three > 0 && three < 1 && eight > three && eight < 1, `${three} of 3 callers, ${eight} of 8`);
        const stats = await (await fetch(`http://127.0.0.1:${mesh.admin}/stats?filter=httpbin.*pending`)).text();
        assert.match(stats, /upstream_rq_pending_overflow: [1-9]/);
        assert.match(stats, /upstream_rq_pending_active: 0/);
      },
    ));
});
