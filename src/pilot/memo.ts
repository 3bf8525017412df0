import type { Finding, Findings } from './finding.js';

/**
 * Remembers what was made of an object for as long as whatever else it was made of is the same too. Documents never change once they
 * are read, so identity tells; what is remembered must not be changed either. A change of one document among ten thousand then costs
 * what that one is worth and a look at the others.
 */
export class Memo<K extends object, V> {
  private readonly known = new WeakMap<K, Remembered<V>>();

  /**
   * @param of everything that `make` reads beside `key`: objects by identity, or texts and numbers
   * @param name tells apart what is made of one `key`; there are few
   */
  get(key: K, of: readonly unknown[], make: () => V, name = ''): V {
    const first = this.known.get(key);
    for (let one: Remembered<V> | null = first ?? null; one !== null; one = one.next) {
      if (one.name !== name) continue;
      if (!sameItems(one.of, of)) {
        one.value = make();
        one.of = of;
      }
      return one.value;
    }
    const made: Remembered<V> = { name, of, value: make(), next: null };
    if (first === undefined) this.known.set(key, made);
    else {
      made.next = first.next;
      first.next = made;
    }
    return made.value;
  }
}

interface Remembered<V> {
  readonly name: string;
  of: readonly unknown[];
  value: V;
  next: Remembered<V> | null;
}

/** As `Memo`, for what is also found while making: that is found again each time. */
export class FindingMemo<K extends object, V> {
  private readonly made = new Memo<K, { value: V; found: readonly Finding[] }>();

  get(key: K, of: readonly unknown[], findings: Findings, make: () => V): V {
    const { list } = findings;
    const before = list.length;
    const made = this.made.get(key, of, () => {
      const value = make();
      return { value, found: list.splice(before) };
    });
    for (const finding of made.found) list.push(finding);
    return made.value;
  }
}

/** Whether two lists have the same items in the same order. */
export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Gives the list it saw last again when the next one has the same items, so that its identity tells whether anything changed. */
export class StableList<T> {
  private last: readonly T[] = [];

  of(list: readonly T[]): readonly T[] {
    if (!sameItems(this.last, list)) this.last = list;
    return this.last;
  }
}
