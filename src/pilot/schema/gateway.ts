import { choice, FLAG, integer, list, map, message, TEXT } from './types.js';

const SERVERSPORT = message(
  {
    name: TEXT,
    number: integer(0, 4294967295),
    protocol: TEXT,
    targetPort: integer(0, 4294967295),
  },
  { required: ['number', 'protocol', 'name'] },
);

const TLS_CERTIFICATES = message({
  caCertificates: TEXT,
  privateKey: TEXT,
  serverCertificate: TEXT,
});

const TLS = message({
  caCertCredentialName: TEXT,
  caCertificates: TEXT,
  caCrl: TEXT,
  cipherSuites: list(TEXT),
  credentialName: TEXT,
  credentialNames: list(TEXT, { min: 1, max: 2 }),
  httpsRedirect: FLAG,
  insecureSkipVerify: FLAG,
  maxProtocolVersion: choice('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'),
  minProtocolVersion: choice('TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3'),
  mode: choice('PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL'),
  privateKey: TEXT,
  serverCertificate: TEXT,
  subjectAltNames: list(TEXT),
  tlsCertificates: list(TLS_CERTIFICATES, { min: 1, max: 2 }),
  verifyCertificateHash: list(TEXT),
  verifyCertificateSpki: list(TEXT),
});

const SERVERS = message(
  {
    bind: TEXT,
    defaultEndpoint: TEXT,
    hosts: list(TEXT),
    name: TEXT,
    port: SERVERSPORT,
    tls: TLS,
  },
  { required: ['port', 'hosts'] },
);

/** `spec` of a Gateway, as the custom resource's schema has it. */
export const GATEWAY_SPEC = message({
  selector: map(TEXT),
  servers: list(SERVERS),
});
