import { readFileSync } from 'node:fs';

/** What the kernel says of a process's connections to a port. */
export interface QueueSample {
  connections: number;
  established: number;
  /** Bytes written and not acknowledged (Send-Q), of all of them. */
  sendQueue: number;
  /** Retransmissions under way, the largest. */
  retransmits: number;
}

const ESTABLISHED = 1;

/** Reads /proc/PID/net/tcp, which shows the network namespace of that process. null where there is no such file. */
export function sampleQueue(pid: number, remotePort: number): QueueSample | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/tcp`, 'latin1');
  } catch {
    return null;
  }
  return parseQueue(text, remotePort);
}

/** Lines of /proc/net/tcp whose remote port is `remotePort`; TIME_WAIT and the like are not connections. */
export function parseQueue(text: string, remotePort: number): QueueSample {
  const sample: QueueSample = { connections: 0, established: 0, sendQueue: 0, retransmits: 0 };
  const port = remotePort.toString(16).toUpperCase().padStart(4, '0');
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields.length < 7 || !fields[2].endsWith(`:${port}`)) continue;
    const state = Number.parseInt(fields[3], 16);
    if (state === 6) continue;
    sample.connections++;
    if (state === ESTABLISHED) sample.established++;
    sample.sendQueue += Number.parseInt(fields[4].split(':')[0], 16);
    sample.retransmits = Math.max(sample.retransmits, Number.parseInt(fields[6], 16));
  }
  return sample;
}
