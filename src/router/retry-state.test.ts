import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reset, type ResetReason } from '../codec/codec.js';
import type { Host, RetryBreaker } from '../upstream/types.js';
import { decode } from '../xds/decode.js';
import { compileRetryPolicy, parseRetryOn } from './retry-policy.js';
import { RetryState, type RetryStats } from './retry-state.js';
import { lines, request, response } from './testing.js';

type Lines = [string, string][];

/** A retry state with everything it talks to. */
class Bench {
  readonly stats: RetryStats = {
    upstream_rq_retry_success: 0,
    upstream_rq_retry_limit_exceeded: 0,
    upstream_rq_retry_overflow: 0,
    upstream_rq_retry_backoff_exponential: 0,
    upstream_rq_retry_backoff_ratelimited: 0,
  };
  held = 0;
  limit = 3;
  next = 0;
  now = 1_700_000_000_500;
  readonly headers;
  readonly state: RetryState | null;

  constructor(policy: object | null, asked: Lines = []) {
    const breaker: RetryBreaker = {
      tryAcquire: () => this.held < this.limit && ++this.held > 0,
      release: () => {
        this.held--;
      },
    };
    this.headers = request('/', asked);
    const compiled = policy === null ? null : compileRetryPolicy(decode('RetryPolicy', policy));
    const sources = { random: { u32: () => this.next }, clock: { wall: () => this.now } };
    this.state = RetryState.create(compiled, this.headers, this.stats, breaker, sources);
  }

  answer(status: number, more: Lines = []): string {
    return this.state!.shouldRetryHeaders(response(status, more), this.headers);
  }

  reset(reason: ResetReason, sent = true): string {
    return this.state!.shouldRetryReset(reason, sent);
  }
}

const on = (retry_on: string, more: object = {}) => new Bench({ retry_on, num_retries: 100, ...more });

test('which answers each condition retries', () => {
  const rl: Lines = [['x-envoy-ratelimited', 'true']];
  const cases: Record<string, [string, object, Record<string, boolean>]> = {
    '5xx': ['5xx', {}, { 500: true, 502: true, 599: true, 409: false, 404: false, 200: false }],
    'gateway-error': ['gateway-error', {}, { 500: false, 502: true, 503: true, 504: true, 505: false }],
    'retriable-4xx': ['retriable-4xx', {}, { 409: true, 404: false, 429: false, 500: false }],
    codes: ['retriable-status-codes', { retriable_status_codes: [404, 500] }, { 404: true, 500: true, 503: false }],
    'connect-failure': ['connect-failure', {}, { 503: false }],
    none: ['', {}, {}],
  };
  for (const [name, [words, more, rows]] of Object.entries(cases))
    for (const [status, wanted] of Object.entries(rows))
      assert.equal(on(words, more).answer(Number(status)) === 'retry', wanted, `${name} ${status}`);
  // x-envoy-ratelimited stands above every other condition.
  assert.equal(on('5xx').answer(503, rl), 'no');
  assert.equal(on('envoy-ratelimited').answer(503, rl), 'retry');
  assert.equal(on('envoy-ratelimited').answer(200, rl), 'retry');
  assert.equal(on('envoy-ratelimited').answer(503), 'no');
});

test('headers of an answer can ask for a retry', () => {
  const config = {
    retriable_headers: [
      { name: 'x-retry', string_match: { exact: 'yes' } },
      { name: ':status', string_match: { exact: '418' } },
    ],
  };
  assert.equal(on('retriable-headers', config).answer(200, [['x-retry', 'yes']]), 'retry');
  assert.equal(on('retriable-headers', config).answer(200, [['x-retry', 'no']]), 'no');
  assert.equal(on('retriable-headers', config).answer(418), 'retry');
});

test('grpc-status in the answer headers', () => {
  const names = {
    cancelled: '1',
    'deadline-exceeded': '4',
    'resource-exhausted': '8',
    internal: '13',
    unavailable: '14',
  };
  for (const [name, code] of Object.entries(names)) {
    assert.equal(on(name).answer(200, [['grpc-status', code]]), 'retry', name);
    assert.equal(on(name).answer(200, [['grpc-status', '2']]), 'no', name);
    assert.equal(on(name).answer(200), 'no', name);
  }
});

test('which resets each condition retries', () => {
  const reasons = Object.values(Reset).filter((reason) => reason !== Reset.OVERFLOW);
  const connect: ResetReason[] = [
    Reset.LOCAL_CONNECTION_FAILURE,
    Reset.REMOTE_CONNECTION_FAILURE,
    Reset.CONNECTION_TIMEOUT,
  ];
  for (const words of [
    '5xx',
    'gateway-error',
    'reset',
    'connect-failure',
    'refused-stream',
    'retriable-4xx',
    'reset-before-request',
  ]) {
    for (const reason of reasons) {
      const wanted =
        ['5xx', 'gateway-error', 'reset'].includes(words) ||
        (words === 'connect-failure' && connect.includes(reason)) ||
        (words === 'refused-stream' && reason === Reset.REMOTE_REFUSED);
      assert.equal(on(words).reset(reason) === 'retry', wanted, `${words} ${reason}`);
    }
    assert.equal(on(words).reset(Reset.OVERFLOW), 'no');
  }
  assert.equal(on('reset-before-request').reset(Reset.REMOTE, false), 'retry');
  assert.equal(on('reset-before-request').reset(Reset.REMOTE, true), 'no');
});

test('without a condition there is no state, but the headers about retries go', () => {
  const asked: Lines = [
    ['x-envoy-max-retries', '3'],
    ['x-envoy-retriable-status-codes', '404'],
    ['x-envoy-retriable-header-names', 'x-a'],
    ['x-envoy-hedge-on-per-try-timeout', 'true'],
    ['x-envoy-upstream-rq-per-try-timeout-ms', '5'],
    ['x-kept', '1'],
  ];
  const bench = new Bench({ retry_on: '' }, asked);
  assert.equal(bench.state, null);
  assert.deepEqual(lines(bench.headers), ['x-kept: 1']);
  assert.equal(new Bench(null).state, null);
});

test('a request may ask for retries itself', () => {
  const asked = new Bench(null, [
    ['x-envoy-retry-on', 'bogus, 5xx'],
    ['x-envoy-max-retries', '2'],
  ]);
  assert.deepEqual([asked.answer(500), asked.answer(500), asked.answer(500)], ['retry', 'retry', 'limit']);
  assert.deepEqual(lines(asked.headers), []);
  assert.equal(
    new Bench(null, [['x-envoy-retry-grpc-on', 'unavailable']]).answer(200, [['grpc-status', '14']]),
    'retry',
  );
  // Words are added to the policy's.
  assert.equal(new Bench({ retry_on: '5xx' }, [['x-envoy-retry-on', 'retriable-4xx']]).answer(409), 'retry');
  const codes = new Bench(null, [
    ['x-envoy-retry-on', 'retriable-status-codes'],
    ['x-envoy-retriable-status-codes', '418, 404,x'],
  ]);
  assert.equal(codes.answer(404), 'retry');
  const names = new Bench(null, [
    ['x-envoy-retry-on', 'retriable-headers'],
    ['x-envoy-retriable-header-names', 'X-Other, X-Retry'],
  ]);
  assert.equal(names.answer(200, [['x-retry', '']]), 'retry');
});

test('x-envoy-max-retries takes the place of num_retries when it is a number', () => {
  const policy = { retry_on: '5xx', num_retries: 2 };
  assert.equal(new Bench(policy, [['x-envoy-max-retries', '0']]).answer(500), 'limit');
  const bad = new Bench(policy, [['x-envoy-max-retries', '-1']]);
  assert.deepEqual([bad.answer(500), bad.answer(500), bad.answer(500)], ['retry', 'retry', 'limit']);
});

test('one retry is the default, and the limit is asked before the breaker', () => {
  const bench = new Bench({ retry_on: '5xx' });
  bench.limit = 0;
  assert.equal(bench.answer(500), 'overflow');
  // The refused retry has used up the one there was.
  assert.equal(bench.answer(500), 'limit');
  assert.equal(bench.stats.upstream_rq_retry_overflow, 1);
  assert.equal(bench.stats.upstream_rq_retry_limit_exceeded, 1);
  assert.equal(bench.held, 0);
});

test('a place in the breaker is held from the verdict to the outcome of the retry', () => {
  const bench = new Bench({ retry_on: '5xx', num_retries: 3 });
  assert.equal(bench.answer(500), 'retry');
  assert.equal(bench.held, 1);
  assert.equal(bench.answer(500), 'retry');
  assert.equal(bench.held, 1);
  assert.equal(bench.answer(200), 'no');
  assert.equal(bench.held, 0);
  assert.equal(bench.stats.upstream_rq_retry_success, 1);
  bench.state!.release();
  assert.equal(bench.held, 0);
});

test('an answer that needs no retry is a success of retries only when there was one', () => {
  const bench = new Bench({ retry_on: '5xx' });
  bench.answer(200);
  assert.equal(bench.stats.upstream_rq_retry_success, 0);
});

test('retriable_request_headers: only requests that one of them matches are retried', () => {
  const policy = {
    retry_on: '5xx',
    retriable_request_headers: [
      { name: ':method', string_match: { exact: 'GET' } },
      { name: 'x-ok', present_match: true },
    ],
  };
  assert.equal(new Bench(policy).answer(500), 'retry');
  const post = new Bench(policy, [[':method', 'POST']]);
  assert.equal(post.state?.enabled, false);
  assert.equal(post.answer(500), 'no');
  assert.equal(
    new Bench(policy, [
      [':method', 'POST'],
      ['x-ok', ''],
    ]).answer(500),
    'retry',
  );
});

test('the wait is drawn below an interval that doubles up to ten times the base', () => {
  const bench = new Bench({ retry_on: '5xx', num_retries: 9 });
  const intervals = [25, 50, 100, 200, 250, 250];
  for (const interval of intervals) {
    bench.next = interval - 1;
    assert.equal(bench.answer(503), 'retry');
    assert.equal(bench.state!.backoff(response(503)), interval - 1);
    bench.state!.onRetryStarted();
  }
  assert.equal(bench.stats.upstream_rq_retry_backoff_exponential, intervals.length);
});

test('the intervals of the policy', () => {
  const bench = new Bench({
    retry_on: 'reset',
    num_retries: 9,
    retry_back_off: { base_interval: '0.2s', max_interval: '0.4s' },
  });
  bench.next = 1_000_399;
  const waits = [1, 2, 3].map(() => {
    bench.reset(Reset.REMOTE);
    return bench.state!.backoff(null);
  });
  assert.deepEqual(waits, [1_000_399 % 200, 1_000_399 % 400, 1_000_399 % 400]);
});

test('an answer may set the wait: at least its own time and half as much again at most', () => {
  const policy = {
    retry_on: '5xx',
    num_retries: 9,
    rate_limited_retry_back_off: {
      reset_headers: [
        { name: 'Retry-After', format: 'SECONDS' },
        { name: 'x-reset', format: 'UNIX_TIMESTAMP' },
      ],
      max_interval: '3s',
    },
  };
  const wait = (next: number, header: [string, string]) => {
    const bench = new Bench(policy);
    bench.next = next;
    const answer = response(503, [header]);
    bench.state!.shouldRetryHeaders(answer, bench.headers);
    const ms = bench.state!.backoff(answer);
    bench.state!.onRetryStarted();
    return [ms, bench.stats.upstream_rq_retry_backoff_ratelimited];
  };
  assert.deepEqual(wait(0, ['retry-after', '1']), [1000, 1]);
  assert.deepEqual(wait(499, ['retry-after', '1']), [1499, 1]);
  assert.deepEqual(wait(500, ['retry-after', '1']), [1000, 1]);
  assert.deepEqual(wait(0, ['x-reset', '1700000002']), [2000, 1]);
  // Too far, in the past, no number, nothing at all: the usual wait.
  assert.deepEqual(wait(7, ['retry-after', '100']), [7, 0]);
  assert.deepEqual(wait(7, ['x-reset', '1699999999']), [7, 0]);
  assert.deepEqual(wait(7, ['retry-after', 'soon']), [7, 0]);
  assert.deepEqual(wait(7, ['retry-after', '0']), [7, 0]);
});

test('425 is retried at once, unless the request came as early data', () => {
  const policy = { retry_on: 'retriable-status-codes', retriable_status_codes: [425] };
  const bench = new Bench(policy);
  bench.next = 20;
  assert.equal(bench.answer(425), 'retry');
  assert.equal(bench.state!.backoff(response(425)), 0);
  bench.state!.onRetryStarted();
  assert.equal(bench.stats.upstream_rq_retry_backoff_exponential, 0);
  assert.equal(new Bench(policy, [['early-data', '1']]).answer(425), 'no');
});

test('a hedge needs no condition, only retries that are left', () => {
  const bench = new Bench({ retry_on: 'connect-failure' });
  assert.equal(bench.state!.shouldHedge(), 'retry');
  assert.equal(bench.state!.shouldHedge(), 'limit');
});

test('host predicates reject earlier hosts, canaries, and hosts with metadata', () => {
  const host = (address: string, more: object = {}) =>
    ({ address, canary: false, metadata: {}, ...more }) as unknown as Host;
  const type = 'type.googleapis.com/envoy.extensions.retry.host';
  const with_ = (name: string, config: object) =>
    on('5xx', {
      retry_host_predicate: [
        {
          name: `envoy.retry_host_predicates.${name}`,
          typed_config: {
            '@type': `${type}.${name}.v3.${config['kind' as never]}`,
            ...(config['more' as never] as object),
          },
        },
      ],
    }).state!;
  const previous = with_('previous_hosts', { kind: 'PreviousHostsPredicate' });
  previous.onHostAttempted(host('1:1'));
  assert.equal(previous.shouldSelectAnotherHost(host('1:1')), true);
  assert.equal(previous.shouldSelectAnotherHost(host('2:2')), false);
  const canary = with_('omit_canary_hosts', { kind: 'OmitCanaryHostsPredicate' });
  assert.equal(canary.shouldSelectAnotherHost(host('1:1', { canary: true })), true);
  assert.equal(canary.shouldSelectAnotherHost(host('1:1')), false);
  const metadata = with_('omit_host_metadata', {
    kind: 'OmitHostMetadataConfig',
    more: { metadata_match: { filter_metadata: { 'envoy.lb': { slow: true, zone: 'a' } } } },
  });
  assert.equal(
    metadata.shouldSelectAnotherHost(host('1:1', { metadata: { 'envoy.lb': { slow: true, zone: 'a', x: 1 } } })),
    true,
  );
  assert.equal(metadata.shouldSelectAnotherHost(host('1:1', { metadata: { 'envoy.lb': { slow: true } } })), false);
  assert.equal(metadata.shouldSelectAnotherHost(host('1:1')), false);
  assert.equal(on('5xx').state!.shouldSelectAnotherHost(host('1:1')), false);
});

test('a policy compiles with its defaults, its numbers and the origin of its limits', () => {
  const plain = compileRetryPolicy(decode('RetryPolicy', { retry_on: '5xx' }));
  assert.deepEqual(
    [
      plain.numRetries,
      plain.perTryTimeout,
      plain.perTryIdleTimeout,
      plain.hostSelectionMaxAttempts,
      plain.baseInterval,
      plain.maxInterval,
    ],
    [1, 0, 0, 1, 25, 250],
  );
  assert.equal(plain.perTryTimeoutRef.path, '(default)');
  const full = compileRetryPolicy(
    decode(
      'RetryPolicy',
      { per_try_timeout: '1.5s', per_try_idle_timeout: '2s', host_selection_retry_max_attempts: 5, num_retries: 0 },
      'route.retry_policy',
    ),
  );
  assert.deepEqual(
    [full.numRetries, full.perTryTimeout, full.perTryIdleTimeout, full.hostSelectionMaxAttempts],
    [0, 1500, 2000, 5],
  );
  assert.equal(full.perTryTimeoutRef.path, 'route.retry_policy.per_try_timeout');
});

test('the words of x-envoy-retry-on are known or not', () => {
  assert.deepEqual(parseRetryOn('5xx,http3-post-connect-failure').valid, true);
  assert.deepEqual(parseRetryOn('5xx,bogus').valid, false);
  assert.deepEqual(parseRetryOn('5xx,constructor').valid, false);
});
