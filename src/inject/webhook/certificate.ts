import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { bits, explicit, implicit, integer, objectId, octets, sequence, set, TRUE, time, utf8 } from './der.js';

/** A server certificate and the authority that signed it, all PEM. */
export interface Certificates {
  key: string;
  certificate: string;
  /** What the API server is to trust. */
  authority: string;
}

const ECDSA_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));
/** A clock that is behind must not find the certificate too young. */
const SKEW_MS = 5 * 60_000;

/**
 * Makes an authority for one certificate and forgets its key: what it has signed is all that it will ever sign.
 * @param names DNS names of the server
 * @param from valid from here (less five minutes), milliseconds since the epoch
 */
export function selfSigned(names: readonly string[], from: number, lifetimeMs: number): Certificates {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = 'halfopen injection authority';
  const validity = sequence(time(new Date(from - SKEW_MS)), time(new Date(from + lifetimeMs)));
  const authorityId = keyId(authority.publicKey);
  const root = certificate(issuer, issuer, validity, authority.publicKey, authority.privateKey, [
    // basicConstraints: CA, of certificates that sign nothing; keyUsage: keyCertSign.
    extension('2.5.29.19', true, sequence(TRUE, integer(Buffer.from([0])))),
    extension('2.5.29.15', true, bits(Buffer.from([0x04]), 2)),
    extension('2.5.29.14', false, octets(authorityId)),
  ]);
  const leaf = certificate(issuer, names[0], validity, server.publicKey, authority.privateKey, [
    // keyUsage: digitalSignature; extendedKeyUsage: serverAuth; subjectAltName: the names.
    extension('2.5.29.15', true, bits(Buffer.from([0x80]), 7)),
    extension('2.5.29.37', false, sequence(objectId('1.3.6.1.5.5.7.3.1'))),
    extension('2.5.29.35', false, sequence(implicit(0, authorityId))),
    extension('2.5.29.17', false, sequence(...names.map((name) => implicit(2, Buffer.from(name))))),
  ]);
  return {
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: pem(leaf),
    authority: pem(root),
  };
}

function certificate(
  issuer: string,
  subject: string,
  validity: Buffer,
  publicKey: KeyObject,
  signer: KeyObject,
  extensions: readonly Buffer[],
): Buffer {
  const serial = randomBytes(16);
  serial[0] &= 0x7f;
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_SHA256,
    name(issuer),
    validity,
    // A long DNS name does not fit a common name; the alternative names are what counts.
    name(subject.slice(0, 64)),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  );
  return sequence(body, ECDSA_SHA256, bits(sign('sha256', body, signer)));
}

const name = (common: string) => sequence(set(sequence(objectId('2.5.4.3'), utf8(common))));

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return critical ? sequence(objectId(id), TRUE, octets(value)) : sequence(objectId(id), octets(value));
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest();
}

function pem(der: Buffer): string {
  const lines = der
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
