import { FIRST_RTO } from './measure.js';
import type { Fault, Row, Scenario } from './scenario.js';

/** Milliseconds, both ends included. */
export interface Range {
  from: number;
  to: number;
}

export interface Prediction {
  /** From the fault until the dead connection is given up; `kept`: it is not; null: nothing is predicted. */
  givenUp: Range | 'kept' | null;
  /** From the fault to the first failed answer. */
  firstFailure: Range | null;
  /** From the server's return to the first success. */
  recovered: Range | null;
}

/** What the prediction takes from the run. */
export interface Circumstances {
  topology: 'network namespaces' | 'user space';
  /** Length of the outage, ms. */
  outage: number;
  /** When the kernel sends again on the dead connection, ms after the server is back; null: no such timer runs. */
  retransmitIn: Range | null;
  /** Connections to the server when it was lost. */
  connections: number;
}

/** Share by which Envoy lengthens each keepalive interval at most (`interval_jitter`, 15 % by default). */
const JITTER = 0.15;

/** Clocks agree within a tenth, or within what sampling, request spacing and scheduling leave open. */
const TOLERANCE = 0.1;
const RESOLUTION = 150;

export function agrees(measured: number | 'kept' | null, predicted: Range | 'kept' | null): boolean | null {
  if (predicted === null || measured === null) return null;
  if (measured === 'kept' || predicted === 'kept') return measured === predicted;
  const low = Math.min(predicted.from * (1 - TOLERANCE), predicted.from - RESOLUTION);
  const high = Math.max(predicted.to * (1 + TOLERANCE), predicted.to + RESOLUTION);
  return measured >= low && measured <= high;
}

const range = (from: number, to = from): Range => ({ from, to });
const plus = (r: Range, from: number, to = from): Range => ({ from: r.from + from, to: r.to + to });
const earlier = (a: Range, b: Range): Range => ({ from: Math.min(a.from, b.from), to: Math.min(a.to, b.to) });
const NOTHING: Prediction = { givenUp: null, firstFailure: null, recovered: null };

/** What the timers say of GETs to one server behind one proxy; other rows are shown without prediction. */
export function predict(scenario: Scenario, row: Row, fault: Fault, circumstances: Circumstances): Prediction {
  if (row.chain !== 'caller > proxy > server' || row.hosts > 1 || row.maxStreamDuration !== null) return NOTHING;
  if (scenario.traffic.posts > 0 || scenario.traffic.gets === 0) return NOTHING;
  const known = new Rules(scenario, row, fault, circumstances);
  return row.protocol === 'http2' ? known.http2() : known.http1();
}

class Rules {
  /** Time between two requests. */
  private readonly gap: number;
  /** Whether nothing comes back from the server's machine, not even TCP's acknowledgements. */
  private readonly dark: boolean;

  constructor(
    private readonly scenario: Scenario,
    private readonly row: Row,
    private readonly fault: Fault,
    private readonly circumstances: Circumstances,
  ) {
    this.gap = 1000 / scenario.traffic.gets;
    const cut = fault === 'cable' || fault === 'power-loss';
    this.dark = cut && circumstances.topology === 'network namespaces';
  }

  http2(): Prediction {
    const givenUp = this.http2GivenUp();
    const timeout = this.timeout();
    const firstFailure = givenUp === 'kept' ? timeout : earlier(timeout, givenUp);
    return { givenUp, firstFailure, recovered: this.recovered(givenUp) };
  }

  /** The first request after the fault runs into the route timeout. */
  private timeout(): Range {
    return plus(range(this.scenario.settings.timeout), 0, this.gap);
  }

  private http2GivenUp(): Range | 'kept' {
    const { settings } = this.scenario;
    if (this.fault === 'kill') return range(0);
    if (this.row.cure === 'keepalive' && this.fault !== 'mute')
      return range(settings.keepaliveTimeout, settings.keepaliveInterval * (1 + JITTER) + settings.keepaliveTimeout);
    if (this.row.cure === 'user-timeout' && this.dark)
      return plus(range(FIRST_RTO + settings.userTimeout), 0, this.gap);
    // An ejected host's connection is drained: it closes when the last request on it has timed out.
    if (this.row.cure === 'outlier') return plus(this.ejected(), settings.timeout - this.gap, settings.timeout);
    if (this.fault !== 'power-loss') return 'kept';
    // Back again, the server's machine resets what it does not know.
    const { outage, retransmitIn } = this.circumstances;
    return this.dark && retransmitIn !== null ? plus(retransmitIn, outage) : range(outage);
  }

  /** The instant of the last of the failures in a row that eject the host. */
  private ejected(): Range {
    const { settings } = this.scenario;
    const first = this.fault === 'kill' ? range(0, this.gap) : this.timeout();
    return plus(first, (settings.outlierErrors - 1) * this.gap);
  }

  private recovered(givenUp: Range | 'kept'): Range | null {
    const { settings } = this.scenario;
    const { outage, retransmitIn } = this.circumstances;
    const soon = range(0, this.gap);
    if (this.row.cure === 'outlier') {
      // In an outage that outlasts the ejection the host comes back dead, and is ejected for twice as long.
      if (this.ejected().from + settings.ejection < outage) return null;
      const end = plus(
        this.ejected(),
        settings.ejection - outage,
        settings.ejection + settings.outlierInterval - outage,
      );
      return { from: Math.max(0, end.from), to: Math.max(0, end.to) + this.gap };
    }
    // In user space the cable is a server that stops reading: first it reads what has piled up.
    if (!this.dark) return this.fault === 'cable' || this.fault === 'power-loss' ? null : soon;
    // A connection that was kept, or that nobody has reset yet, comes back with the kernel's next retransmission.
    if (givenUp === 'kept' || givenUp.from >= outage)
      return retransmitIn === null ? soon : plus(retransmitIn, 0, this.gap);
    // Else a new one is being opened, and its SYN may have been lost: the next attempt follows its timeout.
    return range(0, settings.connectTimeout + this.gap);
  }

  /** A timeout closes an HTTP/1 connection, so that the next request opens one. */
  http1(): Prediction {
    if (this.row.cure === 'outlier') return NOTHING;
    const { settings } = this.scenario;
    if (this.fault === 'kill')
      return { givenUp: range(0), firstFailure: range(0, this.gap), recovered: range(0, this.gap) };
    const timeout = this.timeout();
    // Each of them is taken by a request of its own, one after the other.
    const last = plus(timeout, 0, Math.max(0, this.circumstances.connections - 1) * this.gap);
    const user = plus(range(FIRST_RTO + settings.userTimeout), 0, this.gap);
    const givenUp = this.row.cure === 'user-timeout' && this.dark ? earlier(last, user) : last;
    if (!this.dark) return { givenUp, firstFailure: timeout, recovered: range(0, this.gap) };
    // The first request that finds no free connection.
    const free = Math.max(1, this.circumstances.connections) * this.gap;
    const connect = range(settings.connectTimeout + free, settings.connectTimeout + free + this.gap);
    return {
      givenUp,
      firstFailure: earlier(timeout, connect),
      recovered: range(0, settings.connectTimeout + this.gap),
    };
  }
}
