import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where the lab's processes run and how the server loses its network. With root and `ip`: network namespaces with a bridge
 * between, and the server's link is taken down. Otherwise: all on loopback, and the server stops reading.
 */
export interface Topology {
  readonly kind: 'network namespaces' | 'user space';
  /** Address at which the proxy finds the server. */
  readonly serverHost: string;
  /** Starts a Node program of the lab, with an IPC channel. */
  fork(side: 'proxy' | 'server', script: string, args: readonly string[]): ChildProcess;
  /** Takes the link down or brings it up; user space does nothing here (the server is told instead). */
  setLink(up: boolean): void;
  close(): void;
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

class UserSpace implements Topology {
  readonly kind = 'user space';
  readonly serverHost = '127.0.0.1';

  fork(_side: 'proxy' | 'server', name: string, args: readonly string[]): ChildProcess {
    return spawn(process.execPath, [script(name), ...args], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  }

  setLink(): void {}
  close(): void {}
}

function ip(...args: string[]): void {
  const result = spawnSync('ip', args, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`ip ${args.join(' ')}: ${result.stderr?.trim() || result.error?.message}`);
}

/** proxy -- bridge -- server: the far end of the server's cable is in the bridge's namespace, so the proxy's link stays up. */
class Namespaces implements Topology {
  readonly kind = 'network namespaces';
  readonly serverHost = '198.18.77.2';
  private readonly names: { proxy: string; middle: string; server: string };

  constructor() {
    const id = `ho${process.pid.toString(36)}`;
    this.names = { proxy: `${id}p`, middle: `${id}m`, server: `${id}s` };
    const { proxy, middle, server } = this.names;
    try {
      for (const name of [proxy, middle, server]) ip('netns', 'add', name);
      ip('-n', middle, 'link', 'add', 'br0', 'type', 'bridge');
      ip('-n', middle, 'link', 'set', 'br0', 'up');
      this.cable(proxy, 'to-proxy', '198.18.77.1/24');
      this.cable(server, 'to-server', '198.18.77.2/24');
      for (const name of [proxy, server]) ip('-n', name, 'link', 'set', 'lo', 'up');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  private cable(name: string, far: string, address: string): void {
    const { middle } = this.names;
    ip('-n', middle, 'link', 'add', far, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('-n', middle, 'link', 'set', far, 'master', 'br0');
    ip('-n', middle, 'link', 'set', far, 'up');
    ip('-n', name, 'addr', 'add', address, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  }

  fork(side: 'proxy' | 'server', name: string, args: readonly string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.names[side], process.execPath, script(name), ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
  }

  setLink(up: boolean): void {
    ip('-n', this.names.middle, 'link', 'set', 'to-server', up ? 'up' : 'down');
  }

  close(): void {
    for (const name of Object.values(this.names)) spawnSync('ip', ['netns', 'del', name]);
  }
}

/** null when namespaces can be made here, else what is missing. */
export function namespacesMissing(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are Linux only';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const found = (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'ip')));
  return found ? null : 'the program ip (iproute2) is not installed';
}

export function userSpace(): Topology {
  return new UserSpace();
}

/** @throws Error of `ip` */
export function networkNamespaces(): Topology {
  return new Namespaces();
}
