import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Hop, istioDocuments } from './documents.js';
import { goProgram } from './go-program.js';
import type { Pace } from './pace.js';
import { Peer } from './peer.js';
import type { ClientCommand, ClientMessage, ClientOptions, ClientResult } from './peer-client.js';
import type { ServerCommand, ServerOptions } from './peer-server.js';
import type { ServiceOptions } from './peer-service.js';
import type { Row, Scenario } from './scenario.js';
import { type QueueSample, sampleQueue } from './socket-queue.js';
import { nodeProgram, type Side, type Topology } from './topology.js';

/** What one row saw. Times are milliseconds since the start of the run. */
export interface RowRecord {
  row: Row;
  results: (ClientResult & { at: number; doneAt: number })[];
  /** Of the connections to the first server. */
  queue: (QueueSample & { at: number })[];
  /** Calls of the caller that were out, and the age of the oldest, ms. */
  outstanding: { at: number; calls: number; oldest: number }[];
}

/** Ports that a row may use: listener and admin of two proxies, and the service's. */
export const PORTS_PER_ROW = 5;

const SAMPLE_MS = 50;

/** Where the next one in a chain finds what is behind it. */
interface Target {
  host: string;
  port: number;
  authority: string;
}

/** One row: its servers, what stands before them, and its caller. */
export class RowRun {
  readonly record: RowRecord;
  private readonly peers: Peer[] = [];
  /** The first server, the one that is hurt. */
  private server!: Peer;
  private serverPort = 0;
  private client!: Peer;
  /** The one whose connections go to the server. */
  private holder!: Peer;
  private startedAt = 0;
  private stopSampling: () => void = () => {};
  private readonly folder = mkdtempSync(join(tmpdir(), 'halfopen-lab-'));
  private failed: Error | null = null;
  private stopped = false;

  constructor(
    private readonly row: Row,
    private readonly scenario: Scenario,
    private readonly topology: Topology,
    private readonly pace: Pace,
    private readonly ports: readonly number[],
  ) {
    this.record = { row, results: [], queue: [], outstanding: [] };
  }

  /** Starts servers, what is between, and caller; times are counted from `startedAt`. */
  async start(startedAt: number): Promise<void> {
    this.startedAt = startedAt;
    const { row, topology, ports } = this;
    const { settings } = this.scenario;
    const endpoints: Hop['endpoints'] = [];
    for (let i = 0; i < row.hosts; i++) {
      const { peer, port } = await this.startServer(i, 0);
      if (i === 0) [this.server, this.serverPort] = [peer, port];
      endpoints.push({ address: topology.serverHost(i), port });
    }
    let target: Target = { host: endpoints[0].address, port: endpoints[0].port, authority: 'server.lab' };
    const { chain } = row;
    if (chain.endsWith('proxy > server')) {
      const timeout = chain.includes('service') ? settings.innerTimeout : settings.timeout;
      const hop = {
        host: 'server.lab',
        listenerPort: ports[0],
        protocol: row.protocol,
        endpoints,
        timeout,
        cured: true,
      };
      this.holder = await this.startProxy(hop, ports[1]);
      target = { host: '127.0.0.1', port: ports[0], authority: 'server.lab' };
    }
    if (chain.includes('service')) {
      const service = await this.startService(target, ports[4]);
      if (!chain.endsWith('proxy > server')) this.holder = service;
      const hop: Hop = {
        host: 'service.lab',
        listenerPort: ports[2],
        protocol: 'http1',
        endpoints: [{ address: '127.0.0.1', port: ports[4] }],
        timeout: settings.timeout,
        cured: false,
      };
      await this.startProxy(hop, ports[3]);
      target = { host: '127.0.0.1', port: ports[2], authority: 'service.lab' };
    }
    this.startClient(target);
    if (chain === 'caller > server') this.holder = this.client;
    this.stopSampling = this.pace.every(SAMPLE_MS, () => this.sample());
  }

  private spawn(name: string, side: Side, command: string[], ipc: boolean, onMessage: (m: unknown) => void): Peer {
    const peer = new Peer(`${name} of row ${this.row.name}`, this.topology.spawn(side, command, ipc), onMessage);
    this.peers.push(peer);
    return peer;
  }

  private async startServer(i: number, port: number): Promise<{ peer: Peer; port: number }> {
    const options: ServerOptions = { host: this.topology.serverHost(i), port, protocol: this.row.protocol };
    const command = nodeProgram('./peer-server.js', JSON.stringify(options));
    return new Promise((resolve, reject) => {
      const peer = this.spawn('the server', i, command, true, (message) => {
        resolve({ peer, port: (message as { port: number }).port });
      });
      peer.onEnd(reject);
    });
  }

  private async startProxy(hop: Hop, adminPort: number): Promise<Peer> {
    const path = join(this.folder, `${hop.host}.yaml`);
    writeFileSync(path, istioDocuments(hop, this.row, this.scenario.settings));
    const flags = ['--config', path, '--profile', this.row.profile, '--admin', `127.0.0.1:${adminPort}`];
    const peer = this.spawn('the proxy', 'proxy', nodeProgram('../cli/main.js', 'run', ...flags), true, () => {});
    await new Promise<void>((resolve, reject) => {
      peer.child.stderr!.on('data', () => {
        if (peer.said.includes('admin on')) resolve();
      });
      peer.onEnd(reject);
    });
    this.failWhenEnded(peer);
    return peer;
  }

  private async startService(target: Target, port: number): Promise<Peer> {
    const options: ServiceOptions = {
      host: '127.0.0.1',
      port,
      target,
      deadline: this.scenario.settings.serviceDeadline,
    };
    const peer = await new Promise<Peer>((resolve, reject) => {
      const ready = () => resolve(started);
      const started = this.program('service', options, ready);
      started.onEnd(reject);
    });
    this.failWhenEnded(peer);
    return peer;
  }

  private startClient(target: Target): void {
    const { traffic } = this.scenario;
    const { row } = this;
    const options: ClientOptions = {
      ...target,
      protocol: row.chain === 'caller > server' ? row.protocol : 'http1',
      getsPerSecond: traffic.gets,
      postsPerSecond: traffic.posts,
      postBytes: traffic.postBytes,
      deadline: traffic.deadline,
    };
    const take = (message: unknown) => this.onClient(message as ClientMessage);
    this.client = row.chain.includes('service')
      ? this.spawn('the caller', 'proxy', nodeProgram('./peer-client.js', JSON.stringify(options)), true, take)
      : this.program('caller', options, take);
    this.failWhenEnded(this.client);
  }

  /** The row's program in one of its two parts. */
  private program(part: 'caller' | 'service', options: object, onMessage: (message: unknown) => void): Peer {
    const { program } = this.row;
    const argument = JSON.stringify(options);
    const script = part === 'caller' ? './peer-client.js' : './peer-service.js';
    return program === 'node'
      ? this.spawn(`the ${part}`, 'proxy', nodeProgram(script, argument), true, onMessage)
      : this.spawn(`the ${part}`, 'proxy', [goProgram(program), part, argument], false, onMessage);
  }

  private failWhenEnded(peer: Peer): void {
    peer.onEnd((why) => {
      this.failed ??= why;
    });
  }

  /** @throws Error when a process ended that should not have */
  check(): void {
    if (this.failed !== null) throw this.failed;
  }

  private onClient(message: ClientMessage): void {
    // What ends because the lab ends says nothing of the row.
    if (this.stopped) return;
    const at = this.pace.now() - this.startedAt;
    if ('outstanding' in message) {
      this.record.outstanding.push({ at, calls: message.outstanding, oldest: message.oldest });
      return;
    }
    const wall = Date.now() - this.pace.now();
    const zero = wall + this.startedAt;
    this.record.results.push({ ...message, at: message.start - zero, doneAt: message.end - zero });
  }

  private sample(): void {
    const queue = sampleQueue(this.holder.child.pid!, this.topology.serverHost(0), this.serverPort);
    if (queue !== null) this.record.queue.push({ ...queue, at: this.pace.now() - this.startedAt });
  }

  tell(command: ServerCommand): void {
    this.server.send(command);
  }

  signal(name: NodeJS.Signals): void {
    this.server.signal(name);
  }

  /** A new server process at the address of the first. */
  async restart(): Promise<void> {
    this.server = (await this.startServer(0, this.serverPort)).peer;
  }

  upload(bytes: number): void {
    this.client.send({ upload: bytes } satisfies ClientCommand);
  }

  stop(): void {
    this.stopped = true;
    this.stopSampling();
    for (const peer of this.peers) peer.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
