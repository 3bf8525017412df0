/** Most and fewest places that a host has in a table, and all of them. */
export interface TableShape {
  readonly least: number;
  readonly most: number;
  readonly size: number;
}

/** `cluster.<name>.ring_hash_lb.` */
export class RingHashStats {
  readonly policy = 'RING_HASH';
  max_hashes_per_host = 0;
  min_hashes_per_host = 0;
  size = 0;

  note({ least, most, size }: TableShape): void {
    this.max_hashes_per_host = most;
    this.min_hashes_per_host = least;
    this.size = size;
  }
}

/** `cluster.<name>.maglev_lb.` */
export class MaglevStats {
  readonly policy = 'MAGLEV';
  max_entries_per_host = 0;
  min_entries_per_host = 0;

  note({ least, most }: TableShape): void {
    this.max_entries_per_host = most;
    this.min_entries_per_host = least;
  }
}

export const HASH_GAUGES: ReadonlySet<string> = new Set([
  'max_hashes_per_host',
  'min_hashes_per_host',
  'size',
  'max_entries_per_host',
  'min_entries_per_host',
]);

/** @param counts places of each host */
export function tableShape(counts: readonly number[]): TableShape {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  let size = 0;
  for (const count of counts) {
    least = Math.min(least, count);
    most = Math.max(most, count);
    size += count;
  }
  return { least: Number.isFinite(least) ? least : 0, most, size };
}
