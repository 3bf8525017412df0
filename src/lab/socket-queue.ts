import { readFileSync } from 'node:fs';

/** What the kernel says of a process's connections to one address. */
export interface QueueSample {
  connections: number;
  /** Local ports of those that are ESTABLISHED: what a connection is known by while it lives. */
  established: number[];
  /** Bytes written and not acknowledged (Send-Q), of all of them. */
  sendQueue: number;
  /** Retransmissions under way, the largest. */
  retransmits: number;
  /** Ms until the kernel sends something again, the soonest; null: no such timer runs. */
  retransmitIn: number | null;
}

const ESTABLISHED = 1;
const TIME_WAIT = 6;
/** Timers of a socket in /proc/net/tcp: 1 retransmission, 4 zero window probe. */
const RETRANSMIT = [1, 4];
/** Unit of its times: USER_HZ is 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/**
 * Reads /proc/PID/net/tcp, which shows the network namespace of that process. null where there is no such file.
 * @param remoteHost an IPv4 address
 */
export function sampleQueue(pid: number, remoteHost: string, remotePort: number): QueueSample | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/tcp`, 'latin1');
  } catch {
    return null;
  }
  return parseQueue(text, remoteHost, remotePort);
}

/** Lines of /proc/net/tcp with that remote address; TIME_WAIT and the like are not connections. */
export function parseQueue(text: string, remoteHost: string, remotePort: number): QueueSample {
  const sample: QueueSample = { connections: 0, established: [], sendQueue: 0, retransmits: 0, retransmitIn: null };
  const remote = hexAddress(remoteHost, remotePort);
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields.length < 7 || fields[2] !== remote) continue;
    const state = Number.parseInt(fields[3], 16);
    if (state === TIME_WAIT) continue;
    sample.connections++;
    if (state === ESTABLISHED) sample.established.push(Number.parseInt(fields[1].split(':')[1], 16));
    sample.sendQueue += Number.parseInt(fields[4].split(':')[0], 16);
    sample.retransmits = Math.max(sample.retransmits, Number.parseInt(fields[6], 16));
    const [timer, when] = fields[5].split(':').map((part) => Number.parseInt(part, 16));
    if (state === ESTABLISHED && RETRANSMIT.includes(timer))
      sample.retransmitIn = Math.min(sample.retransmitIn ?? Number.POSITIVE_INFINITY, when * TICK_MS);
  }
  return sample;
}

/** `127.0.0.1`, 80 is `0100007F:0050`: the bytes of the address in the order of a little-endian machine. */
function hexAddress(host: string, port: number): string {
  const hex = (n: number, width: number) => n.toString(16).toUpperCase().padStart(width, '0');
  const bytes = host.split('.').map(Number).reverse();
  return `${bytes.map((byte) => hex(byte, 2)).join('')}:${hex(port, 4)}`;
}
