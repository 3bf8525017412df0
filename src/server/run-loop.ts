import type { Agent } from '../admin/agent/server.js';
import type { AgentSettings } from '../admin/agent/settings.js';
import { ConfigError, Unreadable } from '../config/error.js';
import type { Bootstrap } from '../xds/types.js';
import type { Loaded } from './load.js';
import type { Server } from './server.js';
import type { ConfigSource } from './source.js';
import { releaseStartupMemory } from './startup-memory.js';

/**
 * Runs a server until SIGTERM, SIGINT or `/quitquitquit`; follows its configuration. With an agent the signals begin the agent's
 * orderly end. Resolves to the exit status.
 * @param loaded what `source` gave for a first reading; null when it has not been read yet
 */
export async function runUntilQuit(
  server: Server,
  source: ConfigSource,
  loaded: Loaded | null,
  agentSettings: AgentSettings | null,
  say: (text: string) => void,
): Promise<number> {
  let quit: () => void = () => {};
  const over = new Promise<null>((resolve) => {
    quit = () => resolve(null);
  });
  let agent: Agent | null = null;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => (agent === null ? quit() : agent.termination.terminate()));
  process.on('SIGHUP', () => {});
  process.on('SIGUSR1', () => server.files.reopen());
  // What has to come over the network is on its way while the other ports are opened.
  const arrived = Promise.race([source.ready().then(() => true), over]);
  arrived.catch(() => {});
  const { startAdmin } = await import('./admin.js');
  const admin = await startAdmin(server, quit);
  const reloader = new Reloader(server, source, say);
  try {
    if (agentSettings !== null) agent = await (await import('./agent.js')).startAgent(server, agentSettings, quit, say);
    if ((await arrived) !== null) {
      await reloader.first(loaded);
      if (agent !== null) releaseStartupMemory();
      for (const listener of server.listeners) if (listener.bindsPort) say(`listening on ${listener.addressText}`);
      if (admin !== null) say(`admin on ${admin.address}`);
      if (agent !== null) say(`agent on ports ${Object.values(agent.ports).join(', ')}`);
      say(`ready after ${Math.round(process.uptime() * 1000)} ms`);
      source.follow(() => reloader.run());
    }
  } catch (error) {
    source.close();
    await agent?.close();
    await admin?.close();
    server.shutdown();
    throw error;
  }
  await over;
  source.close();
  server.shutdown();
  await agent?.close();
  await admin?.close();
  // Sockets that are still being closed must not keep the process.
  process.exit(0);
}

/** Puts what a source has read in force, one configuration after the other; of those that wait only the last. */
class Reloader {
  private updating = false;
  private waiting = false;
  /** The last refusal that was told: the same one, tried again, is not told again. */
  private told = '';

  constructor(
    private readonly server: Server,
    private readonly source: ConfigSource,
    private readonly say: (text: string) => void,
  ) {}

  /**
   * @param loaded null when nothing was read yet; then what cannot be run is left out where the source can
   * @throws ConfigError, or the error of bind
   */
  async first(loaded: Loaded | null): Promise<void> {
    if (loaded !== null) {
      for (const warning of loaded.warnings) this.say(`warning: ${warning}`);
      await this.server.start(loaded.bootstrap);
      return;
    }
    await this.server.start(undefined, false);
    await this.update(this.read());
    await this.server.becomeLive();
  }

  private read(): Bootstrap {
    const { bootstrap, warnings } = this.source.read();
    for (const warning of warnings) this.say(`warning: ${warning}`);
    return bootstrap;
  }

  /** @throws ConfigError, or the error of bind */
  private async update(bootstrap: Bootstrap): Promise<void> {
    for (let next = bootstrap; ; next = this.read()) {
      try {
        await this.server.update(next);
        return;
      } catch (error) {
        if (this.source.leaveOut?.(error) !== true) throw error;
      }
    }
  }

  /** False when the configuration could not be read and may be readable later. */
  run(): boolean {
    if (this.updating) {
      this.waiting = true;
      return true;
    }
    try {
      const bootstrap = this.read();
      this.updating = true;
      this.update(bootstrap).then(
        () => this.updated(null),
        (error: unknown) => this.updated(error),
      );
    } catch (error) {
      this.refused(error);
      return !(error instanceof Unreadable);
    }
    return true;
  }

  private updated(error: unknown): void {
    this.updating = false;
    if (error === null) {
      this.told = '';
      this.say('configuration updated');
    } else this.refused(error);
    if (!this.waiting) return;
    this.waiting = false;
    this.run();
  }

  private refused(error: unknown): void {
    const text = error instanceof ConfigError ? error.message : (error as Error).message;
    if (text === this.told) return;
    this.told = text;
    this.say(`the new configuration is refused, the old one stays\n${text}`);
  }
}
