import { restore, unplug } from './faults.js';
import { goProgram } from './go-program.js';
import { Pace } from './pace.js';
import { freePorts } from './ports.js';
import { PORTS_PER_ROW, type RowRecord, RowRun } from './row-run.js';
import { FAULT_TEXT, type Fault, type Scenario } from './scenario.js';
import { chooseTopology, type Topology, type TopologyChoice } from './topology.js';

export type PhaseName = 'healthy' | 'unplugged' | 'replaced' | 'restored';

/** A change of the network, ms since the start of the run. */
export interface Phase {
  at: number;
  name: PhaseName;
  what: string;
}

/** One fault brought over all rows at the same time. */
export interface FaultRun {
  fault: Fault;
  phases: Phase[];
  /** Length of the run, ms. */
  length: number;
  rows: RowRecord[];
}

/** What a scenario recorded; `--json` writes this. */
export interface LabReport {
  scenario: Scenario;
  topology: Topology['kind'];
  runs: FaultRun[];
  /** Rows that could not be run here, and why. */
  skipped: { row: string; why: string }[];
}

export interface LabOptions {
  topology: TopologyChoice;
  say(line: string): void;
}

/** Runs a scenario: each fault one after the other, all rows at the same time. */
export async function runScenario(scenario: Scenario, options: LabOptions): Promise<LabReport> {
  const { rows, skipped } = runnable(scenario, options);
  const hosts = Math.max(...rows.map((row) => row.hosts));
  const report: LabReport = { scenario, topology: 'user space', runs: [], skipped };
  let choice = options.topology;
  for (const fault of scenario.faults) {
    const topology = chooseTopology(choice, hosts, options.say);
    report.topology = topology.kind;
    choice = topology.kind === 'user space' ? 'user-space' : 'namespaces';
    if (scenario.faults.length > 1) options.say(`${fault}:`);
    report.runs.push(await runFault(fault, { ...scenario, rows }, topology, options.say));
  }
  return report;
}

/** The rows whose programs can be had here. */
function runnable(scenario: Scenario, options: LabOptions) {
  const skipped: LabReport['skipped'] = [];
  const reasons = new Map<string, string>();
  const rows = scenario.rows.filter((row) => {
    if (row.program === 'node') return true;
    if (!reasons.has(row.program)) {
      try {
        goProgram(row.program);
        reasons.set(row.program, '');
      } catch (error) {
        reasons.set(row.program, (error as Error).message);
      }
    }
    const why = reasons.get(row.program)!;
    if (why === '') return true;
    skipped.push({ row: row.name, why });
    options.say(`the row "${row.name}" is skipped: ${why}`);
    return false;
  });
  if (rows.length === 0) throw new Error(`no row of ${scenario.name} can be run here: ${skipped[0].why}`);
  return { rows, skipped };
}

async function runFault(
  fault: Fault,
  scenario: Scenario,
  topology: Topology,
  say: (line: string) => void,
): Promise<FaultRun> {
  const pace = new Pace();
  const ports = await freePorts(scenario.rows.length * PORTS_PER_ROW);
  const runs = scenario.rows.map((row, i) => {
    const own = ports.slice(i * PORTS_PER_ROW, (i + 1) * PORTS_PER_ROW);
    return new RowRun(row, scenario, topology, pace, own);
  });
  const phases: Phase[] = [];
  try {
    const started = pace.now();
    await Promise.all(runs.map((run) => run.start(started)));
    const begin = (name: PhaseName, what: string) => {
      const at = pace.now() - started;
      phases.push({ at, name, what });
      say(`${(at / 1000).toFixed(1).padStart(5)} s  ${what}`);
    };
    begin('healthy', `traffic through ${runs.length} rows: ${trafficText(scenario)} each`);
    await pace.wait(scenario.healthy);
    begin('unplugged', FAULT_TEXT[fault]);
    unplug(fault, topology, runs);
    await outage(scenario, runs, pace, say);
    if (scenario.replaced > 0 && topology.kind === 'user space') {
      begin('replaced', 'a new server on the same address: new connections are served, the old ones stay dead');
      for (const run of runs) run.tell('replace');
      await watch(pace, scenario.replaced, runs, say);
    }
    for (const run of runs) run.check();
    await restore(fault, topology, runs);
    begin('restored', 'the server is back');
    await pace.wait(scenario.restored);
    for (const run of runs) run.check();
    return { fault, phases, length: pace.now() - started, rows: runs.map((run) => run.record) };
  } finally {
    for (const run of runs) run.stop();
    await pace.wait(200);
    topology.close();
  }
}

function trafficText({ traffic }: Scenario): string {
  const posts = traffic.posts > 0 ? ` and ${traffic.posts} POST/s of ${Math.round(traffic.postBytes / 1024)} KiB` : '';
  return `${traffic.gets} GET/s${posts}`;
}

async function outage(scenario: Scenario, runs: readonly RowRun[], pace: Pace, say: (l: string) => void) {
  const { upload } = scenario.traffic;
  if (upload === null || upload.after >= scenario.unplugged) return watch(pace, scenario.unplugged, runs, say);
  await watch(pace, upload.after, runs, say);
  say(`         and one upload of ${Math.round(upload.bytes / 1048576)} MiB each`);
  for (const run of runs) run.upload(upload.bytes);
  return watch(pace, scenario.unplugged - upload.after, runs, say);
}

/** Says once a second what each row has in its send queue. */
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
