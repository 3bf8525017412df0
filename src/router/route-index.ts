import { PathKind, type RouteCondition } from './route-match.js';

/** Anything that is chosen by a path condition. */
export interface Indexed {
  readonly condition: RouteCondition;
}

/** A node of a radix tree over the literal beginnings of routes. Positions of routes are ascending. */
class Node {
  /** Routes that any path through here may match. */
  readonly through: number[] = [];
  /** Routes that a path that ends here may match. */
  readonly ending: number[] = [];
  readonly children = new Map<number, Node>();
  constructor(public label: string) {}
}

/**
 * Finds the first matching route among many in time that depends on the path, not on their number. Routes are filed under
 * the literal text their path must begin with; the lists met on the way down are merged in the order of the routes, so
 * that the answer is that of trying them one by one.
 */
export class RouteIndex<T extends Indexed> {
  private readonly root = new Node('');
  /* The walk under way: the lists met, and how far each was read. */
  private count = 0;
  private readonly lists: number[][] = [];
  private readonly at: number[] = [];

  constructor(readonly routes: readonly T[]) {
    for (let i = 0; i < routes.length; i++) {
      const { kind, text, caseSensitive } = routes[i].condition;
      if (kind === PathKind.NEVER) continue;
      const literal =
        caseSensitive && (kind === PathKind.PREFIX || kind === PathKind.EXACT || kind === PathKind.SEPARATED);
      const node = literal ? this.node(text) : this.root;
      if (literal && kind === PathKind.EXACT) node.ending.push(i);
      else node.through.push(i);
    }
  }

  /** Gathers the candidates for `path`; `next` then hands them out. Not reentrant. */
  begin(path: string): void {
    this.count = 0;
    let node: Node | undefined = this.root;
    let pos = 0;
    while (node !== undefined) {
      if (!path.startsWith(node.label, pos)) return;
      pos += node.label.length;
      if (node.through.length > 0) this.take(node.through);
      if (node.ending.length > 0) this.take(node.ending);
      node = node.children.get(path.charCodeAt(pos));
    }
  }

  /** The next candidate in the order of the routes, or null. Its condition must still be asked. */
  next(): T | null {
    let best = -1;
    let lowest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.count; i++) {
      const list = this.lists[i];
      const at = this.at[i];
      if (at < list.length && list[at] < lowest) {
        lowest = list[at];
        best = i;
      }
    }
    if (best < 0) return null;
    this.at[best]++;
    return this.routes[lowest];
  }

  private take(list: number[]): void {
    this.lists[this.count] = list;
    this.at[this.count++] = 0;
  }

  /** The node of `text`, made when it is missing. */
  private node(text: string): Node {
    let node = this.root;
    let rest = text;
    for (;;) {
      if (rest === '') return node;
      const child = node.children.get(rest.charCodeAt(0));
      if (child === undefined) {
        const made = new Node(rest);
        node.children.set(rest.charCodeAt(0), made);
        return made;
      }
      const shared = commonLength(child.label, rest);
      if (shared < child.label.length) {
        const upper = new Node(child.label.slice(0, shared));
        child.label = child.label.slice(shared);
        upper.children.set(child.label.charCodeAt(0), child);
        node.children.set(rest.charCodeAt(0), upper);
        node = upper;
      } else node = child;
      rest = rest.slice(shared);
    }
  }
}

function commonLength(a: string, b: string): number {
  const end = Math.min(a.length, b.length);
  let at = 0;
  while (at < end && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  return at;
}
