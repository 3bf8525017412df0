import type { Dispatcher } from '../../base/dispatcher.js';
import type { AdminHost } from '../host.js';

/** What the agent reads of the proxy beside which it runs, and does to it. */
export interface AgentHost {
  readonly dispatcher: Dispatcher;
  readonly admin: AdminHost;
  /** Downstream connections of the traffic listeners, those of the agent's own ports left out. */
  activeConnections(): number;
  /** Ends the process now; open streams are cut. */
  quit(): void;
  log(text: string): void;
}
