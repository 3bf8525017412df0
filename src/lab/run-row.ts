import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pace } from './pace.js';
import type { ClientCommand, ClientOptions, ClientResult } from './peer-client.js';
import type { ServerCommand } from './peer-server.js';
import type { Row } from './rows.js';
import { type QueueSample, sampleQueue } from './socket-queue.js';
import type { Topology } from './topology.js';

/** What one row saw. Times are milliseconds since the start of the run. */
export interface RowRecord {
  row: Row;
  results: (ClientResult & { at: number; doneAt: number })[];
  queue: (QueueSample & { at: number })[];
}

const UPLOAD_BYTES = 24 * 1024 * 1024;
const SAMPLE_MS = 200;

/** One proxy with its server and its caller. */
export class RowRun {
  readonly record: RowRecord;
  private server!: ChildProcess;
  private proxy!: ChildProcess;
  private client!: ChildProcess;
  private serverPort = 0;
  private startedAt = 0;
  private stopSampling: () => void = () => {};
  private readonly folder = mkdtempSync(join(tmpdir(), 'halfopen-lab-'));

  constructor(
    private readonly row: Row,
    private readonly topology: Topology,
    private readonly pace: Pace,
    private readonly ports: { listener: number; admin: number },
  ) {
    this.record = { row, results: [], queue: [] };
  }

  /** Starts server, proxy and caller. */
  async start(startedAt: number): Promise<void> {
    this.startedAt = startedAt;
    const { topology, row, ports } = this;
    this.server = topology.fork('server', './peer-server.js', [topology.serverHost]);
    this.serverPort = await new Promise<number>((resolve, reject) => {
      this.server.once('message', (message) => resolve((message as { port: number }).port));
      this.server.once('exit', (code) => reject(new Error(`the server of row ${row.name} ended with ${code}`)));
    });
    const place = { ...ports, server: this.serverPort, serverHost: topology.serverHost, log: '' };
    const config = row.config(place);
    const path = join(this.folder, config.name);
    writeFileSync(path, config.text);
    this.proxy = topology.fork('proxy', '../cli/main.js', [
      'run',
      '--config',
      path,
      '--profile',
      row.profile,
      '--admin',
      `127.0.0.1:${ports.admin}`,
    ]);
    await this.proxyReady();
    this.client = topology.fork('proxy', './peer-client.js', [JSON.stringify(this.clientOptions())]);
    this.client.on('message', (message) => this.onResult(message as ClientResult));
    this.stopSampling = this.pace.every(SAMPLE_MS, () => this.sample());
  }

  private clientOptions(): ClientOptions {
    return {
      host: '127.0.0.1',
      port: this.ports.listener,
      authority: this.row.authority(this.ports),
      getsPerSecond: 20,
      postsPerSecond: 10,
      postBytes: 64 * 1024,
      deadline: 3000,
    };
  }

  private proxyReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = '';
      this.proxy.stderr!.setEncoding('utf8');
      this.proxy.stderr!.on('data', (text: string) => {
        said += text;
        if (said.includes('admin on')) resolve();
      });
      this.proxy.once('exit', (code) =>
        reject(new Error(`the proxy of row ${this.row.name} ended with ${code}: ${said}`)),
      );
    });
  }

  private onResult(result: ClientResult): void {
    const wall = Date.now() - this.pace.now();
    this.record.results.push({
      ...result,
      at: result.start - wall - this.startedAt,
      doneAt: result.end - wall - this.startedAt,
    });
  }

  private sample(): void {
    const queue = sampleQueue(this.proxy.pid!, this.serverPort);
    if (queue !== null) this.record.queue.push({ ...queue, at: this.pace.now() - this.startedAt });
  }

  command(command: ServerCommand): void {
    this.server.send(command);
  }

  upload(): void {
    this.client.send({ upload: UPLOAD_BYTES } satisfies ClientCommand);
  }

  stop(): void {
    this.stopSampling();
    for (const child of [this.client, this.proxy, this.server]) {
      child?.removeAllListeners('exit');
      child?.kill('SIGTERM');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;

/**
 * Ports that are free on loopback now. Below the range that the kernel gives to outgoing connections (32768 and up): one of the
 * lab's own connections would take a port from there before its listener does.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  const span = LAST_PORT - FIRST_PORT;
  let next = (process.pid * 97) % span;
  for (let tried = 0; ports.length < count && tried < span; tried++) {
    const port = FIRST_PORT + next;
    next = (next + 1) % span;
    if (await isFree(port)) ports.push(port);
  }
  if (ports.length < count) throw new Error(`no ${count} free ports between ${FIRST_PORT} and ${LAST_PORT}`);
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
