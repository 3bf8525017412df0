import { ConfigError } from '../config/error.js';
import { DecodedParts, decode, type MessageName } from '../xds/decode.js';
import type { Messages } from '../xds/messages.js';
import { type Finding, findingAt } from './finding.js';
import { Memo } from './memo.js';
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
    const { message, mistakes, remarks } = decoded.get(tree, [], () => readMessage(name, tree), name);
    if (message !== null) out.push(message as Messages[K]);
    for (const one of mistakes) errors.push(findingOf(one, 'error'));
    // What Envoy calls deprecated is Istio's choice; it matters only where somebody wrote that field themselves.
    for (const one of remarks)
      if (one.position?.source?.startsWith('EnvoyFilter') === true) warnings.push(findingOf(one, 'warning'));
  }
  return out;
}

interface Decoded {
  /** null when there are mistakes. */
  message: object | null;
  mistakes: readonly ConfigError[];
  remarks: readonly ConfigError[];
}

const decoded = new Memo<Tree, Decoded>();
/** Virtual hosts are most of a listener, and most of them are the same after a change. */
const virtualHosts = new DecodedParts('VirtualHost');

function readMessage(name: MessageName, tree: Tree): Decoded {
  const remarks: ConfigError[] = [];
  try {
    const message = decode(name, tree, `${name} ${stringAt(tree, 'name')}`, remarks, virtualHosts);
    return { message, mistakes: [], remarks };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { message: null, mistakes: error.all, remarks };
  }
}

function findingOf(error: ConfigError, severity: 'error' | 'warning'): Finding {
  return findingAt(error.position, severity, 'envoy', `${error.path}: ${error.reason}`, error.allowed);
}
