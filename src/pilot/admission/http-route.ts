import { STATUS_CODES } from 'node:http';
import { parseDuration } from '../duration.js';
import { GRPC_STATUS } from '../route/filters.js';
import { booleanAt, isTree, listAt, numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';
import { isLabel } from './names.js';
import { isClaim } from './virtual-service.js';

const RETRY_ON = new Set([
  '5xx',
  'gateway-error',
  'reset',
  'reset-before-request',
  'connect-failure',
  'retriable-4xx',
  'refused-stream',
  'retriable-status-codes',
  'retriable-headers',
  'envoy-ratelimited',
  'http3-post-connect-failure',
  'cancelled',
  'deadline-exceeded',
  'internal',
  'resource-exhausted',
  'unavailable',
]);

const CORS_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', '*'];
const HEADER_NAME = /^[-_A-Za-z0-9!#$%&'*+.^`|~]+$/;
const PSEUDO = new Set([':method', ':scheme', ':authority', ':path', ':status']);
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a header value must not hold
const HEADER_VALUE = /^[^\u0000-\u0008\u000A-\u001F\u007F]*$/;

/** Checks one entry of `spec.http`. */
export function checkHttpRoute(admission: Admission, route: Tree, delegated: boolean): void {
  checkActions(admission, route, delegated);
  for (const match of treesAt(route, 'match')) checkMatch(admission, match);
  checkHeaders(admission, treeAt(route, 'headers'));
  checkCors(admission, treeAt(route, 'corsPolicy'));
  checkFault(admission, treeAt(route, 'fault'));
  checkMirrors(admission, route);
  checkRedirect(admission, route);
  checkDirectResponse(admission, treeAt(route, 'directResponse'));
  checkRetries(admission, treeAt(route, 'retries'));
  checkRewrite(admission, route);
  const destinations = treesAt(route, 'route');
  for (const one of destinations) {
    checkHeaders(admission, treeAt(one, 'headers'));
    admission.destination(one, 'destination');
  }
  admission.weights(route, 'route', destinations);
  admission.duration(route, 'timeout');
}

function checkActions(admission: Admission, route: Tree, delegated: boolean): void {
  const has = (field: string) => treeAt(route, field) !== undefined;
  if (has('delegate')) {
    if (delegated) admission.refuse(route, 'delegate', 'delegate HTTP route cannot contain delegate');
    for (const field of ['redirect', 'route']) {
      const given = route[field] !== undefined && route[field] !== null;
      if (given) admission.refuse(route, field, `root HTTP route ${stringAt(route, 'name')} must not specify ${field}`);
    }
    return;
  }
  const action = has('redirect') ? 'redirect' : has('directResponse') ? 'directResponse' : '';
  if (action === '') {
    if (listAt(route, 'route').length === 0) {
      admission.refuse(route, '', 'HTTP route, redirect or direct_response is required');
    }
  } else {
    const word = action === 'redirect' ? 'redirect' : 'direct_response';
    if (listAt(route, 'route').length > 0) {
      admission.refuse(route, 'route', `HTTP route cannot contain both route and ${word}`);
    }
    if (has('fault')) admission.refuse(route, 'fault', `HTTP route cannot contain both fault and ${word}`);
    if (has('rewrite')) admission.refuse(route, 'rewrite', `HTTP route rule cannot contain both rewrite and ${word}`);
    if (action === 'redirect' && has('directResponse')) {
      admission.refuse(route, 'directResponse', 'HTTP route rule cannot contain both direct_response and redirect');
    }
  }
  if (has('mirror') && listAt(route, 'mirrors').length > 0) {
    admission.refuse(route, 'mirrors', 'HTTP route cannot contain both mirror and mirrors');
  }
}

function checkMatch(admission: Admission, match: Tree): void {
  for (const field of ['headers', 'withoutHeaders']) {
    const map = treeAt(match, field) ?? {};
    for (const name of Object.keys(map)) {
      if (map[name] === null && field === 'headers') admission.refuse(map, name, `header match ${name} cannot be null`);
      if (!isClaim(name) && !PSEUDO.has(name) && !HEADER_NAME.test(name)) {
        admission.refuse(map, name, `header name ${name} is not a valid header name`);
      }
      // Without the header, the word * stands for any value at all.
      const anyValue = field === 'withoutHeaders' && stringAt(treeAt(map, name), 'regex') === '*';
      if (!anyValue) admission.stringMatch(map, name, field);
    }
  }
  admission.stringMatch(match, 'uri', 'uri', true);
  for (const field of ['scheme', 'method', 'authority']) admission.stringMatch(match, field, field);
  const query = treeAt(match, 'queryParams') ?? {};
  for (const name of Object.keys(query)) admission.stringMatch(query, name, 'queryParams');
  const port = numberAt(match, 'port') ?? 0;
  if (port !== 0) admission.port(match, 'port', port);
  admission.workloadLabels(match, 'sourceLabels');
  admission.withoutWarnings(() => admission.gateways(match));
  const namespace = stringAt(match, 'sourceNamespace');
  if (namespace !== '' && !isLabel(namespace)) {
    admission.refuse(match, 'sourceNamespace', `sourceNamespace match ${namespace} is invalid`);
  }
}

function checkHeaders(admission: Admission, headers: Tree | undefined): void {
  for (const side of ['request', 'response']) {
    const changes = treeAt(headers, side);
    if (changes === undefined) continue;
    for (const kind of ['set', 'add']) {
      const map = treeAt(changes, kind) ?? {};
      for (const name of Object.keys(map)) {
        checkHeaderName(admission, map, name, name, side === 'request');
        checkHeaderValue(admission, map, name, stringAt(map, name));
      }
    }
    const remove = listAt(changes, 'remove');
    for (let i = 0; i < remove.length; i++) checkHeaderName(admission, remove, String(i), String(remove[i]), false);
  }
}

function checkHeaderName(admission: Admission, tree: object, field: string, name: string, authority: boolean): void {
  const lower = name.toLowerCase();
  if (name === '') admission.refuse(tree, field, 'header name cannot be empty');
  else if (authority && (lower === 'host' || lower === ':authority')) return;
  else if (lower === 'host') admission.refuse(tree, field, `invalid header "${name}": cannot set Host header`);
  else if (name.startsWith(':'))
    admission.refuse(tree, field, `invalid header "${name}": header cannot have ":" prefix`);
}

/** `%` begins a variable of Envoy and is written twice to stand for itself. */
function checkHeaderValue(admission: Admission, tree: Tree, field: string, value: string): void {
  const allowed = '%% for the sign itself, or a variable such as %PROTOCOL% or %REQ(x-user)%';
  if (!HEADER_VALUE.test(value)) admission.refuse(tree, field, `header value configuration ${value} is invalid`);
  else if (!endsItsVariables(value)) {
    admission.refuse(tree, field, `header value configuration: un-terminated variable expression '${value}'`, allowed);
  }
}

/** Whether every `%VARIABLE%` or `%VARIABLE(arguments)%` is ended; arguments in brackets are texts in quotes. */
function endsItsVariables(value: string): boolean {
  let state: 'text' | 'name' | 'arguments' | 'argument' | 'next' | 'string' | 'close' | 'end' = 'text';
  for (let at = 0; at < value.length; at++) {
    const c = value[at];
    switch (state) {
      case 'text':
        if (c !== '%') break;
        if (at + 1 === value.length) return false;
        if (value[at + 1] === '%') at++;
        else state = 'name';
        break;
      case 'name':
        if (c === '%') state = 'text';
        else if (c === '(') state = 'arguments';
        break;
      case 'arguments':
        if (c === '[') state = 'argument';
        else if (c !== ' ') state = 'string';
        break;
      case 'argument':
        if (c === '"') state = 'string';
        else if (c !== ' ') return false;
        break;
      case 'string':
        if (c === '\\') {
          if (++at === value.length) return false;
        } else if (c === ')') state = 'end';
        else if (c === '"') state = 'next';
        break;
      case 'next':
        if (c === ',') state = 'argument';
        else if (c === ']') state = 'close';
        else if (c !== ' ') return false;
        break;
      case 'close':
        if (c === ')') state = 'end';
        else if (c !== ' ') return false;
        break;
      case 'end':
        if (c === '%') state = 'text';
        else if (c !== ' ') return false;
        break;
    }
  }
  return state === 'text';
}

function checkCors(admission: Admission, cors: Tree | undefined): void {
  if (cors === undefined) return;
  const origins = listAt(cors, 'allowOrigins');
  for (let i = 0; i < origins.length; i++) {
    const origin = origins[i];
    const text = ['exact', 'prefix', 'regex'].map((k) => stringAt(origin, k)).find((t) => t !== '');
    if (text === undefined) admission.refuse(origins, String(i), "'' is not a valid match type for CORS allow origins");
    else if (isTree(origin) && stringAt(origin, 'regex') !== '') {
      admission.regex(origin, 'regex', stringAt(origin, 'regex'), 'corsPolicy.allowOrigins');
    }
  }
  const methods = listAt(cors, 'allowMethods');
  for (let i = 0; i < methods.length; i++) {
    if (!CORS_METHODS.includes(String(methods[i]))) {
      admission.refuse(methods, String(i), `"${methods[i]}" is not a supported HTTP method`, CORS_METHODS.join(', '));
    }
  }
  for (const field of ['allowHeaders', 'exposeHeaders']) {
    const names = listAt(cors, field);
    for (let i = 0; i < names.length; i++) {
      if (!HEADER_NAME.test(String(names[i]))) {
        admission.refuse(names, String(i), `header name ${names[i]} is not a valid header name`);
      }
    }
  }
  admission.duration(cors, 'maxAge');
  const maxAge = parseDuration(stringAt(cors, 'maxAge'));
  if (maxAge !== null && maxAge % 1000 !== 0) {
    admission.refuse(cors, 'maxAge', 'max_age duration is accurate only to seconds precision', 'whole seconds');
  }
}

function checkPercentage(admission: Admission, tree: Tree): void {
  const percentage = treeAt(tree, 'percentage');
  const value = numberAt(percentage, 'value') ?? 0;
  if (percentage === undefined || value === 0 || (value >= 0.0001 && value <= 100)) return;
  admission.refuse(percentage, 'value', `percentage ${value} is neither 0.0, nor in range [0.0001, 100.0]`);
}

function checkFault(admission: Admission, fault: Tree | undefined): void {
  if (fault === undefined) return;
  const abort = treeAt(fault, 'abort');
  const delay = treeAt(fault, 'delay');
  if (abort === undefined && delay === undefined) {
    admission.refuse(fault, '', 'HTTP fault injection must have an abort and/or a delay');
  }
  if (abort !== undefined) {
    checkPercentage(admission, abort);
    const status = numberAt(abort, 'httpStatus');
    const grpc = stringAt(abort, 'grpcStatus');
    if (status !== undefined) checkStatus(admission, abort, 'httpStatus', status);
    else if (abort['grpcStatus'] !== undefined) {
      if (GRPC_STATUS[grpc] === undefined) {
        admission.refuse(
          abort,
          'grpcStatus',
          `gRPC status "${grpc}" is not supported`,
          Object.keys(GRPC_STATUS).join(', '),
        );
      }
    } else if (abort['http2Error'] !== undefined) {
      admission.refuse(abort, 'http2Error', 'HTTP/2 abort fault injection not supported yet');
    }
  }
  if (delay !== undefined) {
    checkPercentage(admission, delay);
    admission.duration(delay, 'fixedDelay');
    if (delay['exponentialDelay'] !== undefined) {
      admission.refuse(delay, 'exponentialDelay', 'exponentialDelay not supported yet', 'fixedDelay');
    }
  }
}

function checkStatus(admission: Admission, tree: Tree, field: string, status: number): void {
  if (status < 200 || status > 600) {
    admission.refuse(tree, field, `HTTP status ${status} is not in range 200-599`, '200 to 599');
  }
}

function checkMirrors(admission: Admission, route: Tree): void {
  admission.destination(route, 'mirror');
  const written = numberAt(route, 'mirror_percent') === undefined ? 'mirrorPercent' : 'mirror_percent';
  const percent = numberAt(route, written);
  if (percent !== undefined) {
    if (percent > 100) {
      admission.refuse(route, written, `mirror_percent must have a max value of 100 (it has ${percent})`);
    }
    admission.warn(route, written, 'using deprecated setting "mirrorPercent", use "mirrorPercentage" instead');
  }
  const share = (tree: Tree, field: string) => {
    const value = numberAt(treeAt(tree, field), 'value') ?? 0;
    if (value > 100) admission.refuse(tree, field, `mirror percentage must have a max value of 100 (it has ${value})`);
    if (value < 0) admission.refuse(tree, field, `mirror percentage must have a min value of 0 (it has ${value})`);
  };
  share(route, 'mirrorPercentage');
  for (const mirror of treesAt(route, 'mirrors')) {
    if (treeAt(mirror, 'destination') === undefined) {
      admission.refuse(mirror, '', 'destination is required for mirrors');
      continue;
    }
    admission.destination(mirror, 'destination');
    share(mirror, 'percentage');
  }
}

function checkRedirect(admission: Admission, route: Tree): void {
  const redirect = treeAt(route, 'redirect');
  if (redirect === undefined) return;
  const uri = stringAt(redirect, 'uri');
  const prefix = stringAt(redirect, 'prefixRewrite');
  if (uri !== '' && prefix !== '') {
    admission.refuse(redirect, 'prefixRewrite', 'redirect may only specify one of uri or prefix_rewrite');
  }
  for (const match of prefix === '' ? [] : treesAt(route, 'match')) {
    const path = treeAt(match, 'uri');
    if (path === undefined || typeof path['prefix'] === 'string') continue;
    admission.refuse(match, 'uri', 'redirect prefix_rewrite requires all URI matches to use prefix match type');
  }
  const says = ['uri', 'prefixRewrite', 'authority', 'scheme'].some((f) => stringAt(redirect, f) !== '');
  if (!says && redirect['port'] === undefined && redirect['derivePort'] === undefined) {
    admission.refuse(route, 'redirect', 'redirect must specify URI, authority, scheme, or port');
  }
  const code = numberAt(redirect, 'redirectCode') ?? 0;
  if (code !== 0 && (code < 300 || code > 399)) {
    admission.refuse(
      redirect,
      'redirectCode',
      `${code} is not a valid redirect code, must be 3xx`,
      '301, 302, 303, 307, 308',
    );
  }
  if (!['', 'http', 'https'].includes(stringAt(redirect, 'scheme'))) {
    admission.refuse(redirect, 'scheme', 'invalid redirect scheme, must be "http" or "https"');
  }
  const port = numberAt(redirect, 'port') ?? 0;
  if (port > 0) admission.port(redirect, 'port', port);
}

const MEGABYTE = 1024 * 1024;

function checkDirectResponse(admission: Admission, direct: Tree | undefined): void {
  if (direct === undefined) return;
  const body = treeAt(direct, 'body');
  const size = Buffer.byteLength(stringAt(body, 'string')) || Buffer.from(stringAt(body, 'bytes'), 'base64').length;
  if (size > MEGABYTE) {
    admission.refuse(
      direct,
      'body',
      'large direct_responses may impact control plane performance, must be less than 1MB',
    );
  } else if (size > 100 * 1024) {
    admission.warn(direct, 'body', 'large direct_responses may impact control plane performance');
  }
  checkStatus(admission, direct, 'status', numberAt(direct, 'status') ?? 0);
}

function checkRetries(admission: Admission, retries: Tree | undefined): void {
  if (retries === undefined) return;
  const attempts = numberAt(retries, 'attempts') ?? 0;
  const retryOn = stringAt(retries, 'retryOn');
  if (attempts < 0) admission.refuse(retries, 'attempts', 'attempts cannot be negative', 'at least 0');
  const more =
    retries['perTryTimeout'] !== undefined ||
    retryOn !== '' ||
    booleanAt(retries, 'retryRemoteLocalities') !== undefined;
  if (attempts === 0 && more) {
    admission.refuse(retries, '', 'http retry policy configured when attempts are set to 0 (disabled)');
  }
  admission.duration(retries, 'perTryTimeout');
  admission.duration(retries, 'backoff');
  for (const word of retryOn === '' ? [] : retryOn.split(',')) {
    const code = /^[+-]?\d+$/.test(word) ? Number(word) : 0;
    if (STATUS_CODES[code] !== undefined || RETRY_ON.has(word)) continue;
    admission.refuse(
      retries,
      'retryOn',
      `"${word}" is not a valid retryOn policy`,
      `${[...RETRY_ON].join(', ')}, or HTTP status codes; separated by commas without spaces`,
    );
  }
}

function checkRewrite(admission: Admission, route: Tree): void {
  const rewrite = treeAt(route, 'rewrite');
  const authority = stringAt(rewrite, 'authority');
  if (rewrite !== undefined) {
    const uri = stringAt(rewrite, 'uri');
    const regex = treeAt(rewrite, 'uriRegexRewrite');
    if (uri !== '' && regex !== undefined) {
      admission.refuse(rewrite, 'uriRegexRewrite', 'rewrite may only contain one of URI or UriRegexRewrite');
    }
    if (uri === '' && regex === undefined && authority === '') {
      admission.refuse(route, 'rewrite', 'rewrite must specify at least one of URI, UriRegexRewrite, or authority');
    }
    if (regex !== undefined) {
      if (stringAt(regex, 'match') === '' || stringAt(regex, 'rewrite') === '') {
        admission.refuse(regex, '', 'UriRegexRewrite requires both Rewrite and Match fields to be specified');
      } else admission.regex(regex, 'match', stringAt(regex, 'match'), 'HTTPRewrite.UriRegexRewrite.Match');
    }
  }
  let current = authority;
  const changes = treeAt(treeAt(route, 'headers'), 'request');
  for (const kind of ['set', 'add']) {
    const map = treeAt(changes, kind) ?? {};
    for (const name of Object.keys(map)) {
      if (!['host', ':authority'].includes(name.toLowerCase())) continue;
      const value = stringAt(map, name);
      if (current !== '') {
        admission.refuse(
          map,
          name,
          `authority header cannot be set multiple times: have "${current}", attempting to set "${value}"`,
        );
        return;
      }
      current = value;
    }
  }
}
