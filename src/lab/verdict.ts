import {
  answersIn,
  connectionsAtFault,
  firstFailure,
  givenUp,
  oldestCall,
  recoveryTime,
  retransmitAtRestore,
  span,
} from './measure.js';
import { agrees, type Prediction, predict } from './predict.js';
import type { RowRecord } from './row-run.js';
import type { FaultRun, LabReport } from './run.js';

export const TIMES = ['givenUp', 'firstFailure', 'recovered'] as const;
export type TimeName = (typeof TIMES)[number];

export const TIME_TEXT: Record<TimeName, string> = {
  givenUp: 'dead connection given up after',
  firstFailure: 'first failed answer after',
  recovered: 'recovered, once the server was back, after',
};

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;

/** Measured beside predicted, for one row under one fault. */
export interface Comparison {
  measured: { [name in TimeName]: number | 'kept' | null };
  predicted: Prediction;
  /** null: nothing to compare. */
  agrees: { [name in TimeName]: boolean | null };
}

export function compare(report: LabReport, run: FaultRun, record: RowRecord): Comparison {
  const unplugged = span(run, 'unplugged')!;
  const restored = span(run, 'restored')!;
  const measured = {
    givenUp: givenUp(run, record),
    firstFailure: firstFailure(run, record),
    recovered: recoveryTime(run, record, 'restored'),
  };
  const predicted = predict(report.scenario, record.row, run.fault, {
    topology: report.topology,
    outage: restored.from - unplugged.from,
    retransmitIn: retransmitAtRestore(run, record),
    connections: connectionsAtFault(run, record),
  });
  const all = TIMES.map((name) => {
    // Where an answer was predicted and none came, that is no gap in the measurement.
    const missing = name !== 'givenUp' && measured[name] === null && predicted[name] !== null;
    return [name, missing ? false : agrees(measured[name], predicted[name])];
  });
  return { measured, predicted, agrees: Object.fromEntries(all) };
}

/** What the scenario expected and was not so, and predictions that failed; a line each. */
export function disappointments(report: LabReport): string[] {
  const lines: string[] = [];
  for (const run of report.runs) {
    for (const record of run.rows) {
      lines.push(...unexpected(report, run, record));
      const { agrees: by, measured, predicted } = compare(report, run, record);
      for (const name of TIMES) {
        if (by[name] !== false) continue;
        const was = timeText(measured[name]);
        lines.push(
          `${run.fault}, ${record.row.name}: ${TIME_TEXT[name]} ${was}, predicted ${rangeText(predicted[name])}`,
        );
      }
    }
  }
  return lines;
}

function unexpected(report: LabReport, run: FaultRun, record: RowRecord): string[] {
  const lines: string[] = [];
  for (const expectation of report.scenario.expect) {
    const { row, fault, phase, some, only, upload, longest } = expectation;
    if (row !== record.row.name || (fault !== null && fault !== run.fault) || span(run, phase) === null) continue;
    const small = answersIn(run, record, phase, 'SMALL').map(([answer]) => answer);
    const where = `${run.fault}, ${row}, ${phase}`;
    for (const answer of some)
      if (!small.includes(answer)) lines.push(`${where}: no ${answer} among ${small.join(', ')}`);
    for (const answer of small)
      if (only !== null && !only.includes(answer)) lines.push(`${where}: ${answer}, expected only ${only.join(', ')}`);
    const large = answersIn(run, record, phase, 'UPLOAD').map(([answer]) => answer);
    if (upload !== null && !large.some((answer) => upload.includes(answer)))
      lines.push(`${where}: the upload got ${large.join(', ') || 'nothing'}, expected ${upload.join(', ')}`);
    const age = oldestCall(record);
    if (longest.atLeast !== null && age < longest.atLeast)
      lines.push(`${where}: the longest call took ${seconds(age)}, expected at least ${seconds(longest.atLeast)}`);
    if (longest.atMost !== null && age > longest.atMost)
      lines.push(`${where}: the longest call took ${seconds(age)}, expected at most ${seconds(longest.atMost)}`);
  }
  return lines;
}

export function timeText(time: number | 'kept' | null): string {
  if (time === null) return '-';
  return time === 'kept' ? 'kept' : seconds(time);
}

export function rangeText(range: Prediction['givenUp']): string {
  if (range === null) return '-';
  if (range === 'kept') return 'kept';
  const [from, to] = [seconds(range.from), seconds(range.to)];
  return from === to ? from : `${from.slice(0, -2)} to ${to}`;
}
