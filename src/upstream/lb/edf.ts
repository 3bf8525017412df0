/**
 * Earliest deadline first: an item of weight w is due every 1/w units of virtual time, so each is picked in proportion to
 * its weight and as evenly spread as can be. Ties are broken by order of insertion, as in Envoy's EdfScheduler.
 */
export class EdfScheduler<T> {
  private readonly items: T[] = [];
  private readonly deadlines: number[] = [];
  private readonly orders: number[] = [];
  private now = 0;
  private order = 0;

  get size(): number {
    return this.items.length;
  }

  add(weight: number, item: T): void {
    this.push(this.now + 1 / weight, item);
  }

  /** Takes the item that is due and files it again by the weight it has now; null when there is none. */
  pickAndAdd(weightOf: (item: T) => number): T | null {
    if (this.items.length === 0) return null;
    const item = this.items[0];
    this.now = this.deadlines[0];
    this.deadlines[0] = this.now + 1 / weightOf(item);
    this.orders[0] = this.order++;
    this.sink(0);
    return item;
  }

  private push(deadline: number, item: T): void {
    let at = this.items.length;
    this.items.push(item);
    this.deadlines.push(deadline);
    this.orders.push(this.order++);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.before(at, parent)) break;
      this.swap(at, parent);
      at = parent;
    }
  }

  private sink(start: number): void {
    let at = start;
    const size = this.items.length;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const child = left + 1 < size && this.before(left + 1, left) ? left + 1 : left;
      if (!this.before(child, at)) return;
      this.swap(at, child);
      at = child;
    }
  }

  private before(a: number, b: number): boolean {
    const d = this.deadlines[a] - this.deadlines[b];
    return d < 0 || (d === 0 && this.orders[a] < this.orders[b]);
  }

  private swap(a: number, b: number): void {
    const item = this.items[a];
    this.items[a] = this.items[b];
    this.items[b] = item;
    const deadline = this.deadlines[a];
    this.deadlines[a] = this.deadlines[b];
    this.deadlines[b] = deadline;
    const order = this.orders[a];
    this.orders[a] = this.orders[b];
    this.orders[b] = order;
  }
}
