import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { bindShared, preferNewest } from './hand-over.js';
import { native } from './native.js';

const skip = native === null ? 'koffi is not installed, or this is not Linux' : false;

async function listenOn(host: string, port: number) {
  const fd = bindShared(host, port);
  assert.ok(fd >= 0);
  const server = net.createServer((socket) => socket.end());
  let accepted = 0;
  server.on('connection', () => accepted++);
  server.listen({ fd, backlog: 100 });
  await once(server, 'listening');
  const directed = preferNewest(fd);
  return { server, directed, accepted: () => accepted, port: (server.address() as net.AddressInfo).port };
}

async function connectTimes(host: string, port: number, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const socket = net.connect(port, host);
    socket.resume();
    await once(socket, 'close');
  }
}

describe('a port that two processes share', { skip }, () => {
  for (const host of ['127.0.0.1', '::1'])
    it(`gives new connections to whoever came last, and back to who is left (${host})`, async (t) => {
      const first = await listenOn(host, 0);
      await connectTimes(host, first.port, 5);
      assert.equal(first.accepted(), 5);
      const second = await listenOn(host, first.port);
      if (!second.directed) {
        first.server.close();
        second.server.close();
        t.skip('the kernel takes no filter for sockets that share a port');
        return;
      }
      await connectTimes(host, first.port, 20);
      assert.deepEqual([first.accepted(), second.accepted()], [5, 20]);
      first.server.close();
      await connectTimes(host, first.port, 5);
      assert.equal(second.accepted(), 25);
      const third = await listenOn(host, first.port);
      await connectTimes(host, first.port, 5);
      assert.deepEqual([second.accepted(), third.accepted()], [25, 5]);
      second.server.close();
      third.server.close();
    });

  it('is not had when it belongs to someone who does not share it, or is no IP address', async () => {
    const holder = net.createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    assert.equal(bindShared('127.0.0.1', (holder.address() as net.AddressInfo).port), -1);
    assert.equal(bindShared('some.name', 0), -1);
    holder.close();
  });
});
