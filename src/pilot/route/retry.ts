import { STATUS_CODES } from 'node:http';
import { formatDuration } from '../../config/duration.js';
import { parseDuration } from '../duration.js';
import type { Profile } from '../profile.js';
import { comesFrom, numberAt, stringAt, type Tree } from '../tree.js';

const DEFAULT_RETRY_ON = 'connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes';

export const PREVIOUS_HOSTS = {
  name: 'envoy.retry_host_predicates.previous_hosts',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate',
  },
};

const PREVIOUS_PRIORITIES = {
  name: 'envoy.retry_priorities.previous_priorities',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig',
    update_frequency: 2,
  },
};

/**
 * Envoy's RetryPolicy of `retries`; without `retries` the default one. Undefined when retries are off.
 *
 * `source[field]` is where `retries` stands. With a consistent hash (`hashed`) a retry may go to the same host.
 */
export function retryPolicy(
  profile: Profile,
  retries: Tree | undefined,
  source: Tree | null,
  field: string,
  hashed: boolean,
): Tree | undefined {
  const out: Tree = { num_retries: 2, retry_on: DEFAULT_RETRY_ON, host_selection_retry_max_attempts: '5' };
  if (!hashed) out['retry_host_predicate'] = [PREVIOUS_HOSTS];
  if (profile.defaultRetriableStatusCodes.length > 0) {
    out['retriable_status_codes'] = [...profile.defaultRetriableStatusCodes];
  }
  if (retries === undefined) return out;
  const attempts = numberAt(retries, 'attempts') ?? 0;
  if (attempts <= 0) return undefined;
  out['num_retries'] = attempts;
  comesFrom(out, 'num_retries', retries, 'attempts');
  const retryOn = stringAt(retries, 'retryOn');
  if (retryOn !== '') {
    const { words, codes } = splitRetryOn(retryOn);
    let text = words.join(',');
    if (codes.length > 0 && !text.includes('retriable-status-codes')) text += ',retriable-status-codes';
    out['retry_on'] = text;
    delete out['retriable_status_codes'];
    if (codes.length > 0) out['retriable_status_codes'] = codes;
    comesFrom(out, 'retry_on', retries, 'retryOn');
    comesFrom(out, 'retriable_status_codes', retries, 'retryOn');
  }
  const perTry = parseDuration(stringAt(retries, 'perTryTimeout'));
  if (perTry !== null) {
    out['per_try_timeout'] = formatDuration(perTry);
    comesFrom(out, 'per_try_timeout', retries, 'perTryTimeout');
  }
  if (retries['retryIgnorePreviousHosts'] === true) out['retry_host_predicate'] = [PREVIOUS_HOSTS];
  else if (retries['retryIgnorePreviousHosts'] === false) delete out['retry_host_predicate'];
  if (retries['retryRemoteLocalities'] === true) out['retry_priority'] = PREVIOUS_PRIORITIES;
  const backoff = parseDuration(stringAt(retries, 'backoff'));
  if (backoff !== null) {
    const back: Tree = { base_interval: formatDuration(backoff) };
    comesFrom(back, 'base_interval', retries, 'backoff');
    out['retry_back_off'] = back;
  }
  if (source !== null) comesFrom(out, '', source, field);
  return out;
}

/** The words of `retryOn`, and the status codes among them. */
export function splitRetryOn(retryOn: string): { words: string[]; codes: number[] } {
  const words: string[] = [];
  const codes: number[] = [];
  for (const part of retryOn.split(',')) {
    const word = part.trim();
    if (word === '') continue;
    if (/^[+-]?\d+$/.test(word) && STATUS_CODES[Number(word)] !== undefined) codes.push(Number(word));
    else words.push(word);
  }
  return { words, codes };
}
