import { ConfigError } from '../config/error.js';
import { decode, type MessageName } from '../xds/decode.js';
import type { Messages } from '../xds/messages.js';
import { type Finding, findingAt } from './finding.js';
import { stringAt, type Tree } from './tree.js';

/**
 * Reads generated configuration as Envoy would read it. What Envoy (or this proxy) refuses becomes an error that points at
 * the Istio field behind it, and that resource is left out.
 */
export function readMessages<K extends MessageName>(
  name: K,
  trees: readonly Tree[],
  errors: Finding[],
  warnings: Finding[],
): Messages[K][] {
  const out: Messages[K][] = [];
  for (const tree of trees) {
    const title = `${name} ${stringAt(tree, 'name')}`;
    const remarks: ConfigError[] = [];
    try {
      out.push(decode(name, tree, title, remarks));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const one of error.all) errors.push(findingOf(one, 'error'));
    }
    // What Envoy calls deprecated is Istio's choice; it matters only where somebody wrote that field themselves.
    for (const one of remarks)
      if (one.position?.source?.startsWith('EnvoyFilter') === true) warnings.push(findingOf(one, 'warning'));
  }
  return out;
}

function findingOf(error: ConfigError, severity: 'error' | 'warning'): Finding {
  return findingAt(error.position, severity, 'envoy', `${error.path}: ${error.reason}`, error.allowed);
}
