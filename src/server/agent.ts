import type { Agent } from '../admin/agent/server.js';
import type { AgentSettings } from '../admin/agent/settings.js';
import { ServerAdminHost } from './admin-host.js';
import type { Server } from './server.js';

/** Starts the agent beside the server; it is loaded only when it is asked for. */
export async function startAgent(
  server: Server,
  settings: AgentSettings,
  quit: () => void,
  log: (text: string) => void,
): Promise<Agent> {
  const { startAgent: listen } = await import('../admin/agent/server.js');
  return listen(settings, {
    dispatcher: server.dispatcher,
    admin: new ServerAdminHost(server, quit),
    activeConnections: () => server.listeners.reduce((sum, listener) => sum + listener.connectionCount, 0),
    quit,
    log,
  });
}
