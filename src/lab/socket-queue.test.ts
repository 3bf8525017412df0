import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseQueue, sampleQueue } from './socket-queue.js';

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     ';

const hex = (n: number, width: number) => n.toString(16).toUpperCase().padStart(width, '0');

/** A line of /proc/net/tcp. */
function line(remotePort: number, state: string, queue: number, retransmits = 0, remote = '0100007F'): string {
  const timer = retransmits > 0 ? '01:00000033' : '00:00000000';
  return `   3: 0100007F:9C40 ${remote}:${hex(remotePort, 4)} ${state} ${hex(queue, 8)}:00000000 ${timer} ${hex(retransmits, 8)}     0        0 123456 1 0000000000000000 20 4 0 10 -1`;
}

const table = (...lines: string[]) => [HEAD, ...lines, ''].join('\n');
const parse = (text: string, port: number) => parseQueue(text, '127.0.0.1', port);

describe('what /proc/net/tcp says of an address', () => {
  it('is nothing when no connection goes there', () => {
    const nothing = { connections: 0, established: [], sendQueue: 0, retransmits: 0, retransmitIn: null };
    assert.deepEqual(parse(table(line(9001, '01', 5)), 9000), nothing);
    assert.deepEqual(parse(table(line(9000, '01', 5, 0, '0200007F')), 9000), nothing);
    assert.deepEqual(parse('', 9000), nothing);
  });

  it('adds up the send queues and keeps the most retransmissions', () => {
    const text = table(line(9000, '01', 65_536, 5), line(9000, '01', 100, 2), line(80, '01', 7, 9));
    assert.deepEqual(parse(text, 9000), {
      connections: 2,
      established: [40_000, 40_000],
      sendQueue: 65_636,
      retransmits: 5,
      retransmitIn: 510,
    });
  });

  it('tells connections that are being made or closed from established ones, and leaves TIME_WAIT out', () => {
    const text = table(line(9000, '02', 1), line(9000, '04', 10, 3), line(9000, '06', 0), line(9000, '01', 0));
    assert.deepEqual(parse(text, 9000), {
      connections: 3,
      established: [40_000],
      sendQueue: 11,
      retransmits: 3,
      retransmitIn: null,
    });
  });

  it('does not take a local port for the remote one', () => {
    assert.equal(parse(table(line(80, '01', 5)), 0x9c40).connections, 0);
  });

  it('finds ports of every length, and addresses by their bytes backwards', () => {
    for (const port of [1, 80, 8080, 65_535]) assert.equal(parse(table(line(port, '01', 1)), port).connections, 1);
    assert.equal(parseQueue(table(line(80, '01', 1, 0, '024D12C6')), '198.18.77.2', 80).connections, 1);
  });

  it('cannot be had for a process that is not there', () => {
    assert.equal(sampleQueue(0x7fff_fff0, '127.0.0.1', 80), null);
  });
});
