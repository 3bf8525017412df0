import { compileTime, DEFAULT_TIME } from './format-time.js';
import { type Definition, type Operator, some } from './format-types.js';
import type { StreamInfo, TlsInfo } from './stream-info.js';

/** Operators on the TLS sessions of the two sides; missing without TLS. */
type Side = (info: StreamInfo) => TlsInfo | null | undefined;
const downstream: Side = (info) => info.connection.tlsInfo;
const upstream: Side = (info) => info.upstream?.tlsInfo;

function text(side: Side, read: (tls: TlsInfo) => string): Definition {
  const operator: Operator = (info) => {
    const tls = side(info);
    return tls === null || tls === undefined ? null : some(read(tls));
  };
  return { param: 'none', length: false, make: () => operator };
}

const list = (side: Side, read: (tls: TlsInfo) => readonly string[]) => text(side, (tls) => read(tls).join(','));

function validity(side: Side, read: (tls: TlsInfo) => number): Definition {
  return {
    param: 'optional',
    length: false,
    make(param) {
      const format = compileTime(param === '' ? DEFAULT_TIME : param, false);
      return (info) => {
        const tls = side(info);
        return tls === null || tls === undefined || read(tls) < 0 ? null : format(read(tls));
      };
    },
  };
}

function both(prefix: string, side: Side): Record<string, Definition> {
  return {
    [`${prefix}_TLS_VERSION`]: text(side, (tls) => tls.version),
    [`${prefix}_TLS_CIPHER`]: text(side, (tls) => tls.cipher),
    [`${prefix}_TLS_SESSION_ID`]: text(side, (tls) => tls.sessionId),
    [`${prefix}_PEER_SUBJECT`]: text(side, (tls) => tls.peerSubject),
    [`${prefix}_PEER_ISSUER`]: text(side, (tls) => tls.peerIssuer),
    [`${prefix}_PEER_CERT`]: text(side, (tls) => tls.peerCert),
    [`${prefix}_PEER_URI_SAN`]: list(side, (tls) => tls.peerUriSans),
    [`${prefix}_PEER_DNS_SAN`]: list(side, (tls) => tls.peerDnsSans),
    [`${prefix}_PEER_IP_SAN`]: list(side, (tls) => tls.peerIpSans),
    [`${prefix}_LOCAL_URI_SAN`]: list(side, (tls) => tls.localUriSans),
    [`${prefix}_LOCAL_DNS_SAN`]: list(side, (tls) => tls.localDnsSans),
    [`${prefix}_LOCAL_IP_SAN`]: list(side, (tls) => tls.localIpSans),
    [`${prefix}_PEER_CERT_V_START`]: validity(side, (tls) => tls.peerCertFrom),
    [`${prefix}_PEER_CERT_V_END`]: validity(side, (tls) => tls.peerCertTo),
  };
}

export const tlsOperators: Record<string, Definition> = {
  ...both('DOWNSTREAM', downstream),
  DOWNSTREAM_LOCAL_SUBJECT: text(downstream, (tls) => tls.localSubject),
  DOWNSTREAM_PEER_SERIAL: text(downstream, (tls) => tls.peerSerial),
  DOWNSTREAM_PEER_FINGERPRINT_256: text(downstream, (tls) => tls.peerFingerprint256),
  DOWNSTREAM_PEER_FINGERPRINT_1: text(downstream, (tls) => tls.peerFingerprint1),
  ...both('UPSTREAM', upstream),
};
