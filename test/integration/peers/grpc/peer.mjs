/**
 * grpc-js on both sides of the proxy. Arguments: `server` (prints its port), or `client PORT STALLING_PORT`; the client prints
 * one line a step and ends with status 1 at the first thing that is not as it must be.
 */
import assert from 'node:assert/strict';
import grpc from '@grpc/grpc-js';

const bytes = { serialize: (value) => Buffer.from(value), deserialize: (value) => Buffer.from(value) };
const method = (path, requestStream, responseStream) => ({
  path: `/test.Echo/${path}`,
  requestStream,
  responseStream,
  requestSerialize: bytes.serialize,
  requestDeserialize: bytes.deserialize,
  responseSerialize: bytes.serialize,
  responseDeserialize: bytes.deserialize,
});
const service = {
  unary: method('Unary', false, false),
  fail: method('Fail', false, false),
  silent: method('Silent', false, false),
  serverStream: method('ServerStream', false, true),
  clientStream: method('ClientStream', true, false),
  bidi: method('Bidi', true, true),
};
const trailers = (value) => {
  const metadata = new grpc.Metadata();
  metadata.set('x-trailer', value);
  return metadata;
};

function serve() {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': -1 });
  server.addService(service, {
    unary(call, answer) {
      const note = call.metadata.get('x-note')[0] ?? 'none';
      answer(null, call.request, trailers(String(note)));
    },
    fail(_call, answer) {
      answer({ code: grpc.status.FAILED_PRECONDITION, details: 'not yet: ü %', metadata: trailers('failed') });
    },
    silent() {},
    serverStream(call) {
      const count = Number(call.request.toString());
      for (let i = 0; i < count; i += 1) call.write(Buffer.from(`message ${i}`));
      call.end(trailers(String(count)));
    },
    clientStream(call, answer) {
      let total = 0;
      call.on('data', (message) => {
        total += message.length;
      });
      call.on('end', () => answer(null, Buffer.from(String(total))));
    },
    bidi(call) {
      call.on('data', (message) => call.write(message));
      call.on('end', () => call.end());
    },
  });
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
  });
}

const done = (step) => process.stdout.write(`${step}\n`);

function unary(client, name, message, metadata = new grpc.Metadata(), options = {}) {
  return new Promise((resolve) => {
    let status = null;
    let answer = null;
    const call = client[name](message, metadata, options, (error, value) => {
      answer = { error, value };
      if (status !== null) resolve({ ...answer, status });
    });
    call.on('status', (each) => {
      status = each;
      if (answer !== null) resolve({ ...answer, status });
    });
  });
}

async function drive(port, stalling) {
  const Client = grpc.makeGenericClientConstructor(service, 'Echo');
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
  });

  const metadata = new grpc.Metadata();
  metadata.set('x-note', 'hello');
  const one = await unary(client, 'unary', Buffer.from('ping'), metadata);
  assert.equal(one.error, null);
  assert.equal(one.value.toString(), 'ping');
  assert.equal(one.status.metadata.get('x-trailer')[0], 'hello');
  done('unary with metadata and trailers');

  const big = Buffer.alloc(8 * 1024 * 1024, 'b');
  assert.ok((await unary(client, 'unary', big)).value.equals(big));
  done('a message of 8 MiB');

  const failed = await unary(client, 'fail', Buffer.from('x'));
  assert.equal(failed.error.code, grpc.status.FAILED_PRECONDITION);
  assert.equal(failed.error.details, 'not yet: ü %');
  assert.equal(failed.status.metadata.get('x-trailer')[0], 'failed');
  done('an error status with details and trailers');

  const streamed = client.serverStream(Buffer.from('5000'));
  let seen = 0;
  for await (const message of streamed) {
    assert.equal(message.toString(), `message ${seen}`);
    seen += 1;
  }
  assert.equal(seen, 5000);
  done('server streaming, 5000 messages in order');

  const total = await new Promise((resolve, reject) => {
    const call = client.clientStream((error, value) => (error ? reject(error) : resolve(Number(value))));
    for (let i = 0; i < 2000; i += 1) call.write(Buffer.alloc(1000, i));
    call.end();
  });
  assert.equal(total, 2_000_000);
  done('client streaming');

  await new Promise((resolve, reject) => {
    const call = client.bidi();
    let next = 0;
    call.on('error', reject);
    call.on('data', (message) => {
      if (message.toString() !== String(next)) return reject(new Error(`got ${message}, not ${next}`));
      next += 1;
      if (next < 500) call.write(Buffer.from(String(next)));
      else call.end();
    });
    call.on('end', resolve);
    call.write(Buffer.from('0'));
  });
  done('bidirectional streaming, in turn');

  const late = await unary(client, 'silent', Buffer.from('x'), undefined, { deadline: Date.now() + 300 });
  assert.equal(late.error.code, grpc.status.DEADLINE_EXCEEDED);
  done('a deadline of the client');

  await new Promise((resolve) => {
    const call = client.bidi();
    call.on('error', (error) => {
      assert.equal(error.code, grpc.status.CANCELLED);
      resolve();
    });
    call.on('data', () => call.cancel());
    call.write(Buffer.from('x'));
  });
  done('a cancelled call');

  const many = await Promise.all(Array.from({ length: 200 }, (_, i) => unary(client, 'unary', Buffer.from(`n${i}`))));
  for (const [i, each] of many.entries()) assert.equal(each.value.toString(), `n${i}`);
  done('200 calls at a time');

  const stalled = new Client(`127.0.0.1:${stalling}`, grpc.credentials.createInsecure());
  const refused = await unary(stalled, 'silent', Buffer.from('x'));
  assert.equal(refused.error.code, grpc.status.UNAVAILABLE);
  assert.equal(refused.error.details, 'upstream request timeout');
  done('the route timeout is UNAVAILABLE with its text');
  client.close();
  stalled.close();
}

if (process.argv[2] === 'server') serve();
else await drive(process.argv[3], process.argv[4]);
