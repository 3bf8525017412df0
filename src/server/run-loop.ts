import type { Agent } from '../admin/agent/server.js';
import type { AgentSettings } from '../admin/agent/settings.js';
import { ConfigError } from '../config/error.js';
import { watchFiles } from '../config/watch.js';
import { type LoadOptions, loadConfiguration } from './load.js';
import type { Server } from './server.js';

/**
 * Runs a server until SIGTERM, SIGINT or `/quitquitquit`; follows its files. With an agent the signals begin the agent's orderly
 * end. Resolves to the exit status.
 */
export async function runUntilQuit(
  server: Server,
  load: LoadOptions,
  agentSettings: AgentSettings | null,
  say: (text: string) => void,
): Promise<number> {
  let quit: () => void = () => {};
  const over = new Promise<void>((resolve) => {
    quit = resolve;
  });
  let agent: Agent | null = null;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => (agent === null ? quit() : agent.termination.terminate()));
  process.on('SIGHUP', () => {});
  process.on('SIGUSR1', () => server.files.reopen());
  const { startAdmin } = await import('./admin.js');
  const admin = await startAdmin(server, quit);
  try {
    if (agentSettings !== null) agent = await (await import('./agent.js')).startAgent(server, agentSettings, quit, say);
    await server.start();
  } catch (error) {
    await agent?.close();
    await admin?.close();
    server.shutdown();
    throw error;
  }
  for (const listener of server.listeners) say(`listening on ${listener.addressText}`);
  if (admin !== null) say(`admin on ${admin.address}`);
  if (agent !== null) say(`agent on ports ${Object.values(agent.ports).join(', ')}`);
  const watched = load.bootstrapPath === null ? load.paths : [load.bootstrapPath, ...load.paths];
  const watcher = watchFiles(server.dispatcher, watched, () => void reload(server, load, say));
  await over;
  watcher.close();
  server.shutdown();
  await agent?.close();
  await admin?.close();
  // Sockets that are still being closed must not keep the process.
  process.exit(0);
}

async function reload(server: Server, load: LoadOptions, say: (text: string) => void): Promise<void> {
  try {
    const loaded = loadConfiguration(load);
    for (const warning of loaded.warnings) say(`warning: ${warning}`);
    await server.update(loaded.bootstrap);
    say('configuration updated');
  } catch (error) {
    const text = error instanceof ConfigError ? error.message : (error as Error).message;
    say(`the new configuration is refused, the old one stays\n${text}`);
  }
}
