import { Pace } from './pace.js';
import { FIELD_REPORT_ROWS } from './rows.js';
import { freePorts, type RowRecord, RowRun } from './run-row.js';
import { namespacesMissing, networkNamespaces, type Topology, userSpace } from './topology.js';

/** A change of the network, ms since the start of the run. */
export interface Phase {
  at: number;
  name: string;
  what: string;
}

export interface FieldReport {
  kind: Topology['kind'];
  phases: Phase[];
  /** Length of the run, ms. */
  length: number;
  rows: RowRecord[];
}

export interface FieldReportOptions {
  /** `auto`: namespaces when they can be had. */
  topology: 'auto' | 'namespaces' | 'user-space';
  say(line: string): void;
}

const HEALTHY_MS = 2000;
const UNPLUGGED_MS = 8000;
/** After the unplugging: late enough that the send queue is seen to grow by small requests first. */
const UPLOAD_MS = 4000;
const REPLACED_MS = 3000;
const RESTORED_MS = 3000;

/** Runs the field report: a server loses its network behind proxies of several kinds, at the same time. */
export async function runFieldReport(options: FieldReportOptions): Promise<FieldReport> {
  const topology = chooseTopology(options);
  const pace = new Pace();
  const ports = await freePorts(FIELD_REPORT_ROWS.length * 2);
  const runs = FIELD_REPORT_ROWS.map(
    (row, i) => new RowRun(row, topology, pace, { listener: ports[2 * i], admin: ports[2 * i + 1] }),
  );
  const phases: Phase[] = [];
  try {
    const started = pace.now();
    await Promise.all(runs.map((run) => run.start(started)));
    const begin = (name: string, what: string) => {
      const at = pace.now() - started;
      phases.push({ at, name, what });
      options.say(`${(at / 1000).toFixed(1).padStart(5)} s  ${what}`);
    };
    begin('healthy', `traffic through ${runs.length} proxies: 20 GET/s and 10 POST/s of 64 KiB each`);
    await pace.wait(HEALTHY_MS);
    begin('unplugged', 'the server loses its network: no FIN, no RST, TCP stays ESTABLISHED');
    unplug(topology, runs);
    await watch(pace, UPLOAD_MS, runs, options.say);
    options.say('         and one upload of 24 MiB each');
    for (const run of runs) run.upload();
    await watch(pace, UNPLUGGED_MS - UPLOAD_MS, runs, options.say);
    if (topology.kind === 'user space') {
      begin('replaced', 'a new server on the same address: new connections are served, the old ones stay dead');
      for (const run of runs) run.command('replace');
      await watch(pace, REPLACED_MS, runs, options.say);
    }
    begin('restored', 'the network is back');
    topology.setLink(true);
    if (topology.kind === 'user space') for (const run of runs) run.command('thaw');
    // A real dead connection comes back with TCP's next retransmission, which has backed off as long as the outage lasted.
    await pace.wait(topology.kind === 'user space' ? RESTORED_MS : 2 * RESTORED_MS);
    return { kind: topology.kind, phases, length: pace.now() - started, rows: runs.map((run) => run.record) };
  } finally {
    for (const run of runs) run.stop();
    await pace.wait(200);
    topology.close();
  }
}

function unplug(topology: Topology, runs: readonly RowRun[]): void {
  topology.setLink(false);
  if (topology.kind === 'user space') for (const run of runs) run.command('freeze');
}

/** Says once a second what each proxy has in its send queue. */
async function watch(pace: Pace, ms: number, runs: readonly RowRun[], say: (line: string) => void): Promise<void> {
  const until = pace.now() + ms;
  while (pace.now() < until) {
    await pace.wait(Math.min(1000, until - pace.now()));
    const queues = runs.map((run) => {
      const last = run.record.queue.at(-1);
      return `${run.record.row.name} ${last === undefined ? '-' : `${Math.round(last.sendQueue / 1024)} KiB`}`;
    });
    say(`         Send-Q: ${queues.join(', ')}`);
  }
}

function chooseTopology(options: FieldReportOptions): Topology {
  const missing = namespacesMissing();
  if (options.topology === 'namespaces') {
    if (missing !== null) throw new Error(`--topology namespaces: ${missing}`);
    return networkNamespaces();
  }
  if (options.topology === 'user-space') return userSpace();
  if (missing === null) {
    try {
      return networkNamespaces();
    } catch (error) {
      options.say(`network namespaces cannot be made (${(error as Error).message}); using peers in user space`);
      return userSpace();
    }
  }
  options.say(`${missing}; using peers in user space that stop reading`);
  return userSpace();
}
