import { Timer, type TimerOwner } from '../../base/timer-wheel.js';
import type { AgentHost } from './host.js';
import type { AgentSettings } from './settings.js';

const CHECK_MS = 1000;
const END = 0;
const CHECK = 1;

/**
 * How the sidecar ends with its pod, as pilot-agent does it:
 *
 * - Classic form: SIGTERM comes when the application's does. Connections are asked to end, and after `terminationDrainMs` the
 *   process does; or, with `exitOnZeroConnections`, when `minimumDrainMs` have passed and no connection is left.
 * - Native sidecar: the preStop hook posts `/drain` when the pod begins to end, and connections are asked to end for as long as
 *   the application runs. SIGTERM comes when it has ended, and there is nothing left to wait for.
 * - `/quitquitquit`, and a second SIGTERM: at once.
 */
export class Termination implements TimerOwner {
  private drained = false;
  private ending = false;
  private readonly timer = new Timer(this, END);
  private readonly check = new Timer(this, CHECK);

  constructor(
    private readonly host: AgentHost,
    private readonly settings: Pick<AgentSettings, 'terminationDrainMs' | 'exitOnZeroConnections' | 'minimumDrainMs'>,
  ) {}

  /** `/drain`. */
  drain(): void {
    if (this.drained) return;
    this.drained = true;
    this.host.log('draining; the process ends at SIGTERM');
    const { dispatcher, admin } = this.host;
    dispatcher.enter();
    admin.drainListeners({ inboundOnly: true, graceful: true, skipExit: true });
    dispatcher.leave();
  }

  /** SIGTERM or SIGINT. */
  terminate(): void {
    const { dispatcher, admin, log } = this.host;
    // One that never was ready has no connection to drain.
    const unready = admin.state() === 'INITIALIZING' || admin.state() === 'PRE_INITIALIZING';
    if (this.drained || this.ending || unready) {
      this.host.quit();
      return;
    }
    this.ending = true;
    const { exitOnZeroConnections, minimumDrainMs, terminationDrainMs } = this.settings;
    dispatcher.enter();
    try {
      admin.drainListeners({ inboundOnly: true, graceful: true, skipExit: false });
      if (exitOnZeroConnections) {
        log(`draining for at least ${minimumDrainMs / 1000}s and until no connection is left`);
        dispatcher.timers.arm(this.check, minimumDrainMs + CHECK_MS, dispatcher.now);
      } else {
        log(`draining for ${terminationDrainMs / 1000}s`);
        dispatcher.timers.arm(this.timer, terminationDrainMs, dispatcher.now);
      }
    } finally {
      dispatcher.leave();
    }
  }

  /** `/quitquitquit`. */
  quit(): void {
    this.host.quit();
  }

  onTimer(kind: number): void {
    const { dispatcher } = this.host;
    if (kind === CHECK && this.host.activeConnections() > 0)
      dispatcher.timers.arm(this.check, CHECK_MS, dispatcher.now);
    else this.host.quit();
  }
}
