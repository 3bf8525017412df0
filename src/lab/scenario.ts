/** What "unplugged" means. */
export const FAULTS = ['cable', 'stop', 'mute', 'kill', 'power-loss'] as const;
export type Fault = (typeof FAULTS)[number];

export const FAULT_TEXT: Record<Fault, string> = {
  cable: 'the server loses its network: no FIN, no RST, TCP stays ESTABLISHED',
  stop: 'the server is stopped (SIGSTOP): its kernel acknowledges, nobody reads',
  mute: 'the server reads everything and answers nothing',
  kill: 'the server is killed: its kernel says so at once',
  'power-loss': 'the server loses its power: its connections are forgotten, and nobody is told',
};

/** What is done against a dead connection, beside the timeout. */
export const CURES = ['none', 'keepalive', 'user-timeout', 'outlier'] as const;
export type Cure = (typeof CURES)[number];

/** Who stands between the caller and the server. */
export const CHAINS = [
  'caller > proxy > server',
  'caller > server',
  'caller > proxy > service > server',
  'caller > proxy > service > proxy > server',
] as const;
export type Chain = (typeof CHAINS)[number];

/**
 * The program that speaks HTTP/2 towards the server: the service where the chain has one, else the caller. `go-2021` is built with
 * golang.org/x/net of June 2021, which holds its locks while it writes; `go` with the current one; `node` is Node's own client.
 */
export const PROGRAMS = ['node', 'go', 'go-2021'] as const;
export type Program = (typeof PROGRAMS)[number];

/** Lengths in milliseconds. */
export interface Settings {
  /** `timeout` of the VirtualService. Starts when the request is complete; 504 UT when it fires. */
  timeout: number;
  /** The same of the proxy between service and server, in a chain that has two proxies. */
  innerTimeout: number;
  /** The service's own deadline for a call. Starts with the call; the service answers 500 when it fires. */
  serviceDeadline: number;
  /** `connectionPool.tcp.connectTimeout`. Starts with the connection attempt; 503 UF when it fires. */
  connectTimeout: number;
  /** `http2KeepAlive.interval`: a PING is sent this long (and up to 15 % longer) after the one before. */
  keepaliveInterval: number;
  /** `http2KeepAlive.timeout`: starts with the PING; without any frame until then the connection is closed, 503 UC. */
  keepaliveTimeout: number;
  /** TCP_USER_TIMEOUT of upstream connections: how long data may stay unacknowledged after the kernel sent it again. */
  userTimeout: number;
  /** `outlierDetection`: this many failures in a row eject the host */
  outlierErrors: number;
  /** … for this long … */
  ejection: number;
  /** … and ends at the first tick of this interval afterwards. */
  outlierInterval: number;
}

export interface Traffic {
  /** Requests a second. */
  gets: number;
  posts: number;
  /** Bytes of a small upload. */
  postBytes: number;
  /** One upload too large for the buffers on the way, `after` ms from the beginning of the outage. */
  upload: { bytes: number; after: number } | null;
  /** The caller's own deadline, ms. */
  deadline: number;
}

/** One way from caller to server, run beside the others. */
export interface Row {
  name: string;
  /** `--profile` of `halfopen run`. */
  profile: string;
  cure: Cure;
  /** Towards the server. */
  protocol: 'http1' | 'http2';
  /** Servers; the first one is hurt. */
  hosts: number;
  /** `max_stream_duration` of the connection manager, by EnvoyFilter; null: none. Starts with the stream. */
  maxStreamDuration: number | null;
  chain: Chain;
  program: Program;
  /** What the row shows, a sentence or two. */
  why: string;
}

/** What must have been answered, for `halfopen lab` to end with status 0. */
export interface Expectation {
  row: string;
  fault: Fault | null;
  phase: 'healthy' | 'unplugged' | 'replaced' | 'restored';
  /** Each of these answers was given to a small request. */
  some: string[];
  /** No other answers were given to small requests; null: anything. */
  only: string[] | null;
  /** The large upload got one of these; null: anything. */
  upload: string[] | null;
  /** Bounds of the longest call of the whole run, ms; null: any. */
  longest: { atLeast: number | null; atMost: number | null };
}

export interface Scenario {
  name: string;
  title: string;
  about: string;
  /** Lengths of the phases, ms. */
  healthy: number;
  unplugged: number;
  /** A new server takes over the address while the old connections stay dead, for so long; 0: not. User space only. */
  replaced: number;
  restored: number;
  /** One run each. */
  faults: Fault[];
  settings: Settings;
  traffic: Traffic;
  rows: Row[];
  expect: Expectation[];
}

export const DEFAULT_SETTINGS: Settings = {
  timeout: 1000,
  innerTimeout: 1000,
  serviceDeadline: 2000,
  connectTimeout: 500,
  keepaliveInterval: 1000,
  keepaliveTimeout: 500,
  userTimeout: 1500,
  outlierErrors: 5,
  ejection: 6000,
  outlierInterval: 500,
};

export const DEFAULT_TRAFFIC: Traffic = { gets: 20, posts: 0, postBytes: 65_536, upload: null, deadline: 3000 };
