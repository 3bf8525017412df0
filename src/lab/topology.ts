import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where a process runs: with the proxies and callers, or on one of the servers' machines. */
export type Side = 'proxy' | number;

/**
 * Where the lab's processes run. With root and `ip`: a network namespace for each machine and a bridge between, so that a cable can
 * be cut for real. Otherwise: all on loopback, and a server that stops reading stands for the cut cable.
 */
export interface Topology {
  readonly kind: 'network namespaces' | 'user space';
  /** Address of server `i`. */
  serverHost(i: number): string;
  /** Starts a program; `ipc` gives Node programs a channel. Standard output and error are pipes. */
  spawn(side: Side, command: readonly string[], ipc: boolean): ChildProcess;
  /** Cuts the cable of server `i` or mends it; user space cannot (the server is told instead). */
  setLink(i: number, up: boolean): void;
  close(): void;
}

/** The command that runs a Node program of the lab. */
export function nodeProgram(name: string, ...args: string[]): string[] {
  return [process.execPath, fileURLToPath(new URL(name, import.meta.url)), ...args];
}

function start(command: readonly string[], ipc: boolean): ChildProcess {
  const [program, ...args] = command;
  return spawn(program, args, { stdio: ipc ? ['ignore', 'ignore', 'pipe', 'ipc'] : ['pipe', 'pipe', 'pipe'] });
}

class UserSpace implements Topology {
  readonly kind = 'user space';

  serverHost(): string {
    return '127.0.0.1';
  }

  spawn(_side: Side, command: readonly string[], ipc: boolean): ChildProcess {
    return start(command, ipc);
  }

  setLink(): void {}
  close(): void {}
}

function ip(...args: string[]): void {
  const result = spawnSync('ip', args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`ip ${args.join(' ')}: ${result.stderr?.trim() || result.error?.message}`);
}

let made = 0;

/** proxy -- bridge -- servers: the far end of a server's cable is in the bridge's namespace, so the proxy's link stays up. */
class Namespaces implements Topology {
  readonly kind = 'network namespaces';
  private readonly proxy: string;
  private readonly middle: string;
  private readonly servers: string[];

  constructor(hosts: number) {
    const id = `ho${process.pid.toString(36)}${(made++).toString(36)}`;
    this.proxy = `${id}p`;
    this.middle = `${id}m`;
    this.servers = Array.from({ length: hosts }, (_, i) => `${id}s${i}`);
    try {
      for (const name of this.names()) ip('netns', 'add', name);
      ip('-n', this.middle, 'link', 'add', 'br0', 'type', 'bridge');
      ip('-n', this.middle, 'link', 'set', 'br0', 'up');
      this.cable(this.proxy, 'to-proxy', '198.18.77.1/24');
      for (const [i, name] of this.servers.entries()) this.cable(name, `to-server${i}`, `${this.serverHost(i)}/24`);
      for (const name of [this.proxy, ...this.servers]) ip('-n', name, 'link', 'set', 'lo', 'up');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private names(): string[] {
    return [this.proxy, this.middle, ...this.servers];
  }

  serverHost(i: number): string {
    return `198.18.77.${2 + i}`;
  }

  private cable(name: string, far: string, address: string): void {
    const { middle } = this;
    ip('-n', middle, 'link', 'add', far, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', middle, 'link', 'set', far, 'master', 'br0');
    ip('-n', middle, 'link', 'set', far, 'up');
    ip('-n', name, 'addr', 'add', address, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  }

  spawn(side: Side, command: readonly string[], ipc: boolean): ChildProcess {
    const name = side === 'proxy' ? this.proxy : this.servers[side];
    return start(['ip', 'netns', 'exec', name, ...command], ipc);
  }

  setLink(i: number, up: boolean): void {
    ip('-n', this.middle, 'link', 'set', `to-server${i}`, up ? 'up' : 'down');
  }

  close(): void {
    for (const name of this.names()) spawnSync('ip', ['netns', 'del', name]);
  }
}

/** null when namespaces can be made here, else what is missing. */
export function namespacesMissing(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are Linux only';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const found = (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'ip')));
  return found ? null : 'the program ip (iproute2) is not installed';
}

export type TopologyChoice = 'auto' | 'namespaces' | 'user-space';

/**
 * The topology for `hosts` servers. `auto`: namespaces when they can be had, and says why when not.
 * @throws Error when namespaces were asked for and cannot be had
 */
export function chooseTopology(choice: TopologyChoice, hosts: number, say: (line: string) => void): Topology {
  if (choice === 'user-space') return new UserSpace();
  const missing = namespacesMissing();
  if (choice === 'namespaces') {
    if (missing !== null) throw new Error(`--topology namespaces: ${missing}`);
    return new Namespaces(hosts);
  }
  if (missing !== null) {
    say(`${missing}; using peers in user space that stop reading`);
    return new UserSpace();
  }
  try {
    return new Namespaces(hosts);
  } catch (error) {
    say(`network namespaces cannot be made (${(error as Error).message}); using peers in user space`);
    return new UserSpace();
  }
}
