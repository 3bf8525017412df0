import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { selfSigned } from './certificate.js';
import { integer, objectId, time } from './der.js';

const DAY = 86_400_000;

test('the certificate is the authority’s, for the names and the time that are given', () => {
  const now = Date.now();
  const { certificate, authority } = selfSigned(['a.b.svc', 'a.b.svc.cluster.local'], now, 30 * DAY);
  const leaf = new X509Certificate(certificate);
  const root = new X509Certificate(authority);
  assert.ok(root.ca && !leaf.ca);
  assert.ok(leaf.checkIssued(root) && leaf.verify(root.publicKey) && root.verify(root.publicKey));
  assert.equal(leaf.subjectAltName, 'DNS:a.b.svc, DNS:a.b.svc.cluster.local');
  assert.equal(leaf.checkHost('a.b.svc'), 'a.b.svc');
  assert.equal(leaf.checkHost('c.b.svc'), undefined);
  assert.ok(Math.abs(Date.parse(leaf.validTo) - now - 30 * DAY) < 2000);
  assert.ok(Date.parse(leaf.validFrom) <= now - 4 * 60_000);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
});

test('a client that trusts the authority alone accepts the server', async () => {
  const { key, certificate, authority } = selfSigned(['hook.ns.svc'], Date.now(), DAY);
  const server = createServer({ key, cert: certificate });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const handshake = (servername: string) =>
    new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, servername, ca: authority });
      socket.on('secureConnect', () => resolve(socket.authorized ? 'accepted' : 'refused'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
      socket.on('secureConnect', () => socket.destroy());
    });
  assert.equal(await handshake('hook.ns.svc'), 'accepted');
  assert.equal(await handshake('other.ns.svc'), 'ERR_TLS_CERT_ALTNAME_INVALID');
  server.close();
});

test('numbers, object ids and times are encoded as X.690 has them', () => {
  assert.equal(integer(Buffer.from([0, 0, 0x80])).toString('hex'), '02020080');
  assert.equal(integer(Buffer.from([0])).toString('hex'), '020100');
  assert.equal(objectId('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302');
  assert.equal(time(new Date('2049-12-31T23:59:59Z')).subarray(2).toString(), '491231235959Z');
  assert.equal(time(new Date('2050-01-01T00:00:00Z')).subarray(2).toString(), '20500101000000Z');
});
