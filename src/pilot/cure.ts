import type { Finding } from './finding.js';

/** What to do about advice and about what has no effect, by rule. */
const CURES: Readonly<Record<string, string>> = {
  'timeout-tie': 'translate for istio-1.10 or later, or give the stream duration some seconds more with an EnvoyFilter',
  'per-try-ignored': 'make perTryTimeout smaller than timeout, or remove it',
  'per-try-not-retried': 'add reset (or 5xx, gateway-error) to retryOn, or set attempts: 0',
  'retries-do-not-fit': 'raise timeout, or lower perTryTimeout or attempts, until all tries fit',
  'retry-repeats':
    'retry POST and PATCH only on connect-failure, refused-stream or reset-before-request, or match the safe methods',
  'caller-first': 'make timeout smaller than what the callers wait',
  'delay-outside-timeout': 'make fixedDelay smaller than the timeout of the caller, which is the one it tests',
  'no-timeout': 'set timeout, or retries.perTryTimeout',
  'unbounded-upload': 'set connectionSettings.httpStreamIdleTimeout in the default ProxyConfig of the mesh',
  'keepalive-slower': 'make interval + timeout smaller than the timeout of the requests',
  'tcp-keepalive-blind':
    'use http2KeepAlive on an HTTP/2 port, or an outlierDetection that ejects hosts which time out',
  'connect-too-long': 'set connectTimeout well below the timeout of the requests',
  'idle-too-long': 'set idleTimeout below the idle timeout of the servers',
  'timeout-off': 'leave max_stream_duration out, or give both and know that only it acts',
  'no-effect': 'remove the field, or name the port for a protocol to which it applies',
};

/** What to change so that a finding goes away; empty when the message says it. */
export function cureOf(finding: Finding): string {
  const known = CURES[finding.rule];
  if (known !== undefined) return known;
  if (finding.allowed !== undefined && finding.allowed !== '') {
    return finding.allowed.startsWith('did you mean') ? `${finding.allowed}?` : `write: ${finding.allowed}`;
  }
  const whole = finding.path === '' || finding.path === 'kind';
  const field = whole ? 'the document' : finding.path.slice(finding.path.lastIndexOf('.') + 1);
  switch (finding.rule) {
    case 'schema':
      return `correct ${field}; the resource definition says what it may be`;
    case 'admission':
      return finding.severity === 'error' ? `correct or remove ${field}` : `remove ${field} if it is not meant`;
    case 'unsupported':
    case 'envoy':
      return `remove ${field}, or leave ${whole ? 'it' : 'this document'} to a proxy that carries it out`;
    case 'yaml':
      return 'correct the YAML; nothing of this document was read';
    default:
      return '';
  }
}
