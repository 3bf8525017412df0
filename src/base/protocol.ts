export type Protocol = 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';

/** Byte counts of one stream, for the access log: on the wire, and of header blocks on the wire. */
export interface StreamBytes {
  wireReceived: number;
  wireSent: number;
  headerReceived: number;
  headerSent: number;
}
