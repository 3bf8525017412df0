import { formatPosition, type Position } from './position.js';

/**
 * A mistake in a configuration document, or several of them that were found together.
 *
 * The message of one mistake reads `file:line:col: path: reason; allowed: …`. An error that gathers several has one such line
 * for each, in the order in which they were found, and lists them in `all`.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  /** Every mistake; an error that stands for one mistake lists itself. */
  readonly all: readonly ConfigError[];

  /**
   * @param reason what is wrong, without a trailing period
   * @param path full path of the field, such as `static_resources.clusters[0].connect_timeout`; '' for the whole document
   * @param position where the field was written; null when it was not read from a document
   * @param allowed what could have been written instead, '' when the reason says it
   */
  constructor(
    readonly reason: string,
    readonly path: string,
    readonly position: Position | null,
    readonly allowed: string = '',
    all?: readonly ConfigError[],
  ) {
    // A mistake of a document says nothing about this program's calls, and ten thousand remarks would spend most of their time on them.
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(all === undefined ? describe(reason, path, position, allowed) : all.map((one) => one.message).join('\n'));
    Error.stackTraceLimit = limit;
    this.all = all ?? [this];
  }
}

/** A file that should be there cannot be read at this moment; the same reading may succeed later. */
export class Unreadable extends ConfigError {
  constructor(file: string, reason: string) {
    super(reason, '', { file, line: 1, col: 1 });
  }
}

function describe(reason: string, path: string, position: Position | null, allowed: string): string {
  // A flag of the command line has no place in a file.
  const flag = position === null && path.startsWith('--');
  const where = flag ? path : path === '' ? formatPosition(position) : `${formatPosition(position)}: ${path}`;
  return allowed === '' ? `${where}: ${reason}` : `${where}: ${reason}; allowed: ${allowed}`;
}

/** One error out of several, which must not be none. Mistakes of one file are put in its order. */
export function gather(errors: readonly ConfigError[]): ConfigError {
  const flat = errors.flatMap((error) => error.all);
  if (flat.length === 1) return flat[0];
  const file = flat[0].position?.file;
  if (file !== undefined && flat.every((error) => error.position?.file === file)) {
    flat.sort((a, b) => a.position!.line - b.position!.line || a.position!.col - b.position!.col);
  }
  const first = flat[0];
  return new ConfigError(first.reason, first.path, first.position, first.allowed, flat);
}

/** The names nearest to `name`, best first, at most three; for the suggestions of an error. */
export function nearest(name: string, known: Iterable<string>): string[] {
  const wanted = name.toLowerCase();
  const limit = Math.max(2, Math.floor(name.length / 3));
  const found: { text: string; distance: number }[] = [];
  for (const text of known) {
    if (Math.abs(text.length - name.length) > limit) continue;
    const distance = editDistance(wanted, text.toLowerCase());
    if (distance <= limit) found.push({ text, distance });
  }
  found.sort((a, b) => a.distance - b.distance);
  return found.slice(0, 3).map((entry) => entry.text);
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1;
      current.push(Math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + same));
    }
    previous = current;
  }
  return previous[b.length];
}
