import { Close } from '../../codec/codec.js';
import type { ConnectionEvents } from '../../network/connection.js';
import type { HostImpl } from '../host.js';
import type { UpstreamConnection } from '../pool/transport.js';
import { CheckSession } from './check-session.js';
import { matchesPayload, type TcpProbe } from './health-check-config.js';
import type { HealthChecker } from './health-checker.js';

/** A connect, or some bytes and what must come back (tcp_health_check). */
export class TcpSession extends CheckSession {
  private connection: UpstreamConnection | null = null;
  private received: Buffer[] = [];

  constructor(
    checker: HealthChecker,
    host: HostImpl,
    private readonly probe: TcpProbe,
  ) {
    super(checker, host);
  }

  protected override begin(): void {
    if (this.connection === null) {
      this.received = [];
      this.connection = this.checker.transport.connect(this.dial);
      this.connection.setEvents(this.listen(this.connection));
    } else this.send();
  }

  private send(): void {
    const { connection } = this;
    const bytes = this.probe.send;
    if (connection === null || bytes === null || bytes.length === 0) return;
    connection.out.write(bytes);
    connection.markDirty();
  }

  protected override closeConnection(): void {
    const { connection } = this;
    this.connection = null;
    connection?.close(Close.NO_FLUSH, '');
  }

  /** Events of one connection; they count while it is the session's. */
  private listen(connection: UpstreamConnection): ConnectionEvents {
    const mine = () => this.connection === connection;
    return {
      onConnected: () => {
        if (!mine()) return;
        if (this.probe.receive.length > 0) this.send();
        else {
          this.closeConnection();
          this.succeed(false);
        }
      },
      onData: (data) => {
        if (!mine()) return;
        this.received.push(Buffer.from(data));
        if (!matchesPayload(this.probe.receive, Buffer.concat(this.received))) return;
        this.received = [];
        if (!this.checker.settings.reuseConnection) this.closeConnection();
        this.succeed(false);
      },
      onRemoteEnd: () => connection.close(Close.NO_FLUSH, ''),
      onClosed: () => {
        if (!mine()) return;
        this.connection = null;
        this.fail('network', false);
      },
      onAboveHighWatermark() {},
      onBelowLowWatermark() {},
    };
  }
}
