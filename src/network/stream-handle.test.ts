import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, it } from 'node:test';
import { usesStreamHandles, writerOf } from './stream-handle.js';

async function pair(): Promise<{ socket: net.Socket; peer: net.Socket; end: () => void }> {
  const server = net.createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  const socket = net.connect({ port: (server.address() as net.AddressInfo).port, host: '127.0.0.1' });
  await new Promise((resolve) => socket.once('connect', resolve));
  const peer = await accepted;
  peer.on('error', () => {});
  const end = () => {
    socket.destroy();
    peer.destroy();
    server.close();
  };
  return { socket, peer, end };
}

describe('writes through the handle of a socket', () => {
  it('are how this Node is served: its handles are as they are known', () => {
    assert.equal(usesStreamHandles, true);
  });

  it('that the kernel takes at once are done when they return, and never announced', async () => {
    const { socket, peer, end } = await pair();
    let announced = 0;
    const writer = writerOf(socket, () => announced++);
    const bytes = Buffer.from('--one two--');
    assert.equal(writer.write(bytes, 2, 5), true);
    assert.equal(writer.write(bytes, 5, 9), true);
    assert.equal(writer.write(Buffer.from('!'), 0, 1), true);
    let got = '';
    for await (const data of peer) {
      got += data;
      if (got.length >= 8) break;
    }
    assert.equal(got, 'one two!');
    assert.equal(announced, 0);
    end();
  });

  it('that wait are announced once, when the peer has read enough, and every byte arrives in order', async () => {
    const { socket, peer, end } = await pair();
    peer.pause();
    const block = Buffer.alloc(64 * 1024);
    let sent = 0;
    let release: (() => void) | null = null;
    const writer = writerOf(socket, () => {
      assert.notEqual(release, null, 'announced without a write that waits');
      const go = release!;
      release = null;
      go();
    });
    const fill = () => {
      for (let i = 0; i < block.length; i++) block[i] = (sent + i) % 251;
      sent += block.length;
      return writer.write(block, 0, block.length);
    };
    while (fill());
    let got = 0;
    peer.on('data', (data: Buffer) => {
      for (let i = 0; i < data.length; i++) if (data[i] !== (got + i) % 251) assert.fail(`byte ${got + i} is wrong`);
      got += data.length;
    });
    peer.resume();
    for (let round = 0; round < 50; round++) {
      if (round > 0 && fill()) continue;
      await new Promise<void>((resolve) => {
        release = resolve;
      });
    }
    while (got < sent) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(got, sent);
    end();
  });

  it('to a peer that is gone end the socket with the error', async () => {
    const { socket, peer, end } = await pair();
    const errors: (string | undefined)[] = [];
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
    const writer = writerOf(socket, () => {});
    peer.resetAndDestroy();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const timer = setInterval(() => writer.write(Buffer.from('x'), 0, 1), 1);
    await closed;
    clearInterval(timer);
    assert.equal(writer.write(Buffer.from('x'), 0, 1), true, 'a write to a closed socket is dropped');
    assert.ok(errors[0] === 'ECONNRESET' || errors[0] === 'EPIPE', errors.join());
    end();
  });
});
