import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { connect } from 'node:tls';
import { seededRandom } from '../base/random.js';
import { inspectHttp } from './http-inspector.js';
import { readSocketAddress } from './original-destination.js';
import { inspectTls } from './tls-inspector.js';

/** The first flight of a real client. */
function clientHello(servername: string, alpn: string[]): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        resolve(Buffer.from(chunk));
        done();
      },
    });
    const socket = connect({ socket: wire, servername, ALPNProtocols: alpn.length > 0 ? alpn : undefined });
    socket.on('error', () => {});
  });
}

describe('a ClientHello', () => {
  test('tells server name and protocols, whole or cut anywhere', async () => {
    const hello = await clientHello('Some.Example.com', ['h2', 'http/1.1']);
    for (let n = 0; n < hello.length; n++) assert.equal(inspectTls(hello.subarray(0, n)).kind, 'more', `${n} bytes`);
    assert.deepEqual(inspectTls(hello), { kind: 'tls', serverName: 'some.example.com', alpn: ['h2', 'http/1.1'] });
    assert.equal(inspectTls(Buffer.concat([hello, Buffer.from('more')])).kind, 'tls');
  });

  test('may come without either', async () => {
    assert.deepEqual(inspectTls(await clientHello('', [])), { kind: 'tls', serverName: '', alpn: [] });
  });

  test('may be spread over records', async () => {
    const hello = await clientHello('a.b', []);
    const records: Buffer[] = [];
    for (let at = 5; at < hello.length; at += 50) {
      const part = hello.subarray(at, at + 50);
      records.push(Buffer.from([22, 3, 1, 0, part.length]), part);
    }
    assert.deepEqual(inspectTls(Buffer.concat(records)), { kind: 'tls', serverName: 'a.b', alpn: [] });
  });

  test('is not what other protocols begin with', () => {
    for (const text of [
      'GET / HTTP/1.1\r\n',
      'POST /',
      'SSH-2.0-x',
      '\x15\x03\x01\x00\x02\x02\x28',
      '\x16\x02\x01\x00\x05',
    ])
      assert.equal(inspectTls(Buffer.from(text, 'latin1')).kind, 'no', JSON.stringify(text));
    for (const text of ['', 'abc', 'GET ']) assert.equal(inspectTls(Buffer.from(text)).kind, 'more');
  });

  test('that is damaged is refused or read, never more than that', async () => {
    const hello = await clientHello('some.name', ['h2']);
    const random = seededRandom(11);
    for (let round = 0; round < 4000; round++) {
      const copy = Buffer.from(hello);
      for (let i = random.u32() % 4; i >= 0; i--) copy[random.u32() % copy.length] = random.u32() & 255;
      const found = inspectTls(copy.subarray(0, random.u32() % (copy.length + 1)));
      assert.ok(['more', 'no', 'tls'].includes(found.kind));
    }
  });
});

describe('the start of HTTP', () => {
  test('is told by the first line, and not before it is whole', () => {
    const cases: [string, string | null][] = [
      ['GET / HTTP/1.1\r\n', 'http/1.1'],
      ['GET / HTTP/1.1\n', 'http/1.1'],
      ['FOO / HTTP/1.1\r\n', 'http/1.1'],
      ['GET / HTTP/1.0\r\n', 'http/1.0'],
      ['GET / HTTP/1.2\r\n', 'http/1.0'],
      ['GET /\r\n', 'http/1.0'],
      ['GET / HTTP/1.1', null],
      ['G', null],
      ['', null],
      ['EHLO a.example b\r\n', ''],
      ['220 smtp\r\n', ''],
      ['*1\r\n', ''],
      ['\r\nGET / HTTP/1.1\r\n', ''],
      ['\0', ''],
      ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'h2c'],
      ['PRI * HTTP/2.0\r\n\r\nS', null],
      ['PRI * HTTP/2.1\r\n', 'http/1.0'],
    ];
    for (const [text, expected] of cases)
      assert.equal(inspectHttp(Buffer.from(text, 'latin1')), expected, JSON.stringify(text));
  });

  test('more bytes never change a decision', () => {
    const random = seededRandom(3);
    const pieces = [
      'GET',
      ' ',
      '/',
      'x',
      'HTTP/1.1',
      'HTTP/1.0',
      '\r',
      '\n',
      '\0',
      'PRI * HTTP/2.0\r\n\r\n',
      'SM\r\n\r\n',
      ':',
    ];
    for (let round = 0; round < 3000; round++) {
      let text = '';
      let decided: string | null = null;
      for (let i = 0; i < 8; i++) {
        text += pieces[random.u32() % pieces.length];
        const found = inspectHttp(Buffer.from(text, 'latin1'));
        if (decided !== null) assert.equal(found, decided, JSON.stringify(text));
        decided = found;
      }
    }
  });
});

describe('an original destination', () => {
  test('is read from the address structure of either family', () => {
    const v4 = Buffer.from([2, 0, 0x1f, 0x90, 10, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.deepEqual(readSocketAddress(v4), { ip: '10.96.0.1', port: 8080 });
    const v6 = Buffer.alloc(28);
    v6.writeUInt16LE(10, 0);
    v6.writeUInt16BE(443, 2);
    v6.set([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2], 8);
    assert.deepEqual(readSocketAddress(v6), { ip: 'fd00::1:0:0:2', port: 443 });
    v6.fill(0, 8, 24);
    v6[23] = 1;
    assert.deepEqual(readSocketAddress(v6), { ip: '::1', port: 443 });
    assert.equal(readSocketAddress(Buffer.alloc(16)), null);
    assert.equal(readSocketAddress(Buffer.alloc(2)), null);
  });
});
