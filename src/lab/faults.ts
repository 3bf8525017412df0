import type { RowRun } from './row-run.js';
import type { Fault } from './scenario.js';
import type { Topology } from './topology.js';

/** Brings the fault over the first server of every row. */
export function unplug(fault: Fault, topology: Topology, runs: readonly RowRun[]): void {
  const real = topology.kind === 'network namespaces';
  switch (fault) {
    case 'cable':
      topology.setLink(0, false);
      if (!real) for (const run of runs) run.tell('freeze');
      break;
    case 'stop':
      for (const run of runs) run.signal('SIGSTOP');
      break;
    case 'mute':
      for (const run of runs) run.tell('mute');
      break;
    case 'kill':
      for (const run of runs) run.signal('SIGKILL');
      break;
    case 'power-loss':
      topology.setLink(0, false);
      // What a crashing kernel would forget, this one must be told to: its resets are lost, the cable is cut.
      for (const run of runs) run.tell(real ? 'crash' : 'freeze');
  }
}

/** Ends the fault; resolves when the servers can be reached again, at the instant that counts as restored. */
export async function restore(fault: Fault, topology: Topology, runs: readonly RowRun[]): Promise<void> {
  const real = topology.kind === 'network namespaces';
  switch (fault) {
    case 'cable':
      topology.setLink(0, true);
      if (!real) for (const run of runs) run.tell('thaw');
      break;
    case 'stop':
      for (const run of runs) run.signal('SIGCONT');
      break;
    case 'mute':
      for (const run of runs) run.tell('unmute');
      break;
    case 'kill':
      await Promise.all(runs.map((run) => run.restart()));
      break;
    case 'power-loss':
      if (!real) for (const run of runs) run.tell('forget');
      else {
        await Promise.all(runs.map((run) => run.restart()));
        topology.setLink(0, true);
      }
  }
}
