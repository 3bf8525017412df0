import type { Explanation, RecordedTimer } from './recorder.js';

/** An explanation as JSON and as a timeline for people. */
interface Event {
  at: number;
  text: string;
}

const ms = (value: number) => `${Number(value.toFixed(1))} ms`;

function events(it: Explanation): Event[] {
  const out: Event[] = [];
  const add = (at: number | null, text: string) => {
    if (at !== null) out.push({ at, text });
  };
  add(0, `stream begins: ${it.method || '(no method yet)'} ${it.authority}${it.path}`);
  add(it.requestEnd, `request complete: last byte received, body of ${it.bytesReceived} bytes`);
  const up = it.upstream;
  if (up !== null) {
    add(up.poolStart, `attempt ${it.attempts} asks for a connection to ${up.host || it.cluster}`);
    if (up.connectStart !== null && up.connectStart >= 0) add(up.connectStart, `connecting to ${up.host}`);
    if (up.connectEnd !== null && up.connectEnd >= 0) add(up.connectEnd, `connected to ${up.host}`);
    add(up.poolReady, readyText(it));
    add(up.firstTx, 'first byte of the request handed to the connection');
    if (up.lastTx !== up.firstTx) add(up.lastTx, 'last byte of the request handed to the connection so far');
    add(up.firstRx, 'response headers from the upstream');
    if (up.lastRx !== up.firstRx) add(up.lastRx, 'last byte of the response from the upstream so far');
  }
  for (const timer of it.timers) {
    const what = `${timer.name} timer`;
    add(timer.firstArmedAt, `${what} armed: ${ms(timer.length)}${source(timer)}`);
    if (timer.rearmed > 0) add(timer.armedAt, `${what} armed anew (${times(timer.rearmed)})`);
    add(timer.firedAt, `${what} FIRED after ${ms(timer.length)}${source(timer)}`);
  }
  add(it.firstDownstreamTx, `first byte of the answer (${it.responseCode}) sent downstream`);
  add(it.duration, `stream over: ${it.responseCode} ${it.flags} ${it.details}`);
  return out.map((event, order) => ({ ...event, order })).sort((a, b) => a.at - b.at || a.order - b.order);
}

function readyText({ upstream }: Explanation): string {
  const reused = upstream!.connectEnd !== null && upstream!.connectEnd < 0;
  const age = reused ? `, made ${ms(-upstream!.connectEnd!)} before` : '';
  return `stream open on connection ${upstream!.connectionId} (${upstream!.protocol}${age})`;
}

const times = (n: number) => (n === 1 ? 'once' : `${n} times`);

function source({ field, position }: RecordedTimer): string {
  return position === '' ? ` by ${field}` : ` by ${field} at ${position}`;
}

/** Timers that still ran when the stream ended, soonest first: what would have ended it next. */
export function pendingTimers(it: Explanation): { timer: RecordedTimer; remaining: number }[] {
  return it.timers
    .filter((timer) => timer.firedAt === null && (timer.disarmedAt === null || timer.disarmedAt >= it.duration))
    .map((timer) => ({ timer, remaining: timer.armedAt + timer.length - it.duration }))
    .sort((a, b) => a.remaining - b.remaining);
}

/** Why the answer was what it was, and what could be changed. One sentence each. */
export function advice(it: Explanation): string[] {
  const out: string[] = [];
  const fired = it.timers.find(
    (timer) => timer.firedAt !== null && timer.name !== 'retry back-off' && timer.name !== 'filter',
  );
  if (it.requestEnd === null) {
    out.push(
      `The request was not complete: ${it.bytesReceived} body bytes had come. A timer that ends an incomplete request answers 408, a complete one 504.`,
    );
  }
  if (fired !== undefined) {
    out.push(`The ${fired.name} timer of ${ms(fired.length)} decided${source(fired)}.`);
    for (const { timer, remaining } of pendingTimers(it)) {
      if (timer.length === fired.length && remaining <= 4) {
        out.push(
          `The ${timer.name} timer has the same length (${timer.field}): which of the two answers is left to chance. Set one of them to another value.`,
        );
      }
    }
  }
  const up = it.upstream;
  if (up !== null && it.transport !== null) out.push(...transportAdvice(it));
  if (up !== null && up.poolReady === null && up.failure === '') {
    out.push(
      'No connection was ready: the time went into connecting or waiting. Compare connect_timeout with the timer that fired.',
    );
  } else if (up !== null && up.failure !== '') out.push(`The connection failed: ${up.failure}.`);
  return out;
}

function transportAdvice({ transport, upstream }: Explanation): string[] {
  const { acknowledged, accepted, verdict } = transport!;
  const out: string[] = [];
  if (acknowledged >= 0 && accepted >= 0 && acknowledged < accepted) {
    out.push(
      `${accepted - acknowledged} of ${accepted} bytes accepted for the connection were never acknowledged by ${upstream!.host}.`,
    );
  } else if (acknowledged >= 0) {
    out.push(`Every byte was acknowledged by ${upstream!.host}: the request arrived there.`);
  }
  const cure = CURES[verdict];
  if (cure !== undefined) out.push(cure);
  return out;
}

const CURES: Record<string, string> = {
  'dead-peer':
    'The peer does not acknowledge: HTTP/2 keepalive (connection_keepalive) or TCP_USER_TIMEOUT on the cluster would end the connection; without them it is used until TCP gives up, about 15 minutes.',
  'peer-not-reading':
    'The peer acknowledges but its receive window is full: its process does not read. TCP_USER_TIMEOUT does not help while its kernel answers; HTTP/2 keepalive does.',
  'window-closed':
    'The HTTP/2 window of the peer is closed while it answers PING: its application does not consume. A route timeout bounds the wait; the connection is healthy.',
  'app-slow':
    'The request was delivered and the peer is alive: the application is slow, or the timer is too short for it.',
  'self-late': 'The event loop of this proxy was late: its own load, not the peer, made the request wait.',
};

export function renderJson(it: Explanation): object {
  return {
    ...it,
    timeline: events(it).map(({ at, text }) => ({ at: Number(at.toFixed(3)), text })),
    would_have_fired_next: pendingTimers(it).map(({ timer, remaining }) => ({
      name: timer.name,
      field: timer.field,
      position: timer.position,
      in_ms: Number(remaining.toFixed(3)),
    })),
    advice: advice(it),
  };
}

export function renderText(it: Explanation): string {
  const { transport, upstream } = it;
  let out = `request ${it.requestId || it.streamId || '(without id)'}: ${it.method} ${it.authority}${it.path} (${it.protocol})\n`;
  out += `  at ${new Date(it.at).toISOString()}, from ${it.downstream.remote} on connection ${it.downstream.connectionId} to ${it.downstream.local}\n`;
  out += `  answered ${it.responseCode} ${it.flags} ${it.details} after ${ms(it.duration)}\n`;
  out += `  virtual host ${it.virtualHost || '-'}, route ${it.route || '-'}, cluster ${it.cluster || '-'}, attempts ${it.attempts}\n`;
  out += '\n';
  for (const { at, text } of events(it)) out += `${at.toFixed(1).padStart(10)} ms  ${text}\n`;
  out += '\n';
  if (upstream !== null) {
    out += `upstream ${upstream.host || '-'}: ${upstream.wireSent} bytes of this request on the wire, ${upstream.wireReceived} of the response\n`;
  }
  if (transport !== null) {
    const count = (n: number) => (n < 0 ? 'unknown' : String(n));
    out += `connection: ${count(transport.accepted)} bytes accepted, ${count(transport.written)} taken by the kernel, ${count(transport.acknowledged)} acknowledged; send queue ${count(transport.sendQueue)}, retransmits ${count(transport.retransmits)}\n`;
    if (transport.verdict !== '')
      out += `verdict: ${transport.verdict}${transport.evidence === '' ? '' : ` (${transport.evidence})`}\n`;
  }
  for (const { timer, remaining } of pendingTimers(it)) {
    out += `next: ${timer.name} timer in ${ms(remaining)}${source(timer)}\n`;
  }
  for (const line of advice(it)) out += `- ${line}\n`;
  return out;
}
