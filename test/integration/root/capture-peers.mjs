/**
 * What stands in the namespaces of capture.mjs: `serve app|peer` are servers that say who they are, `ask HOST:PORT MS` sends standard input and prints
 * what comes back, `get HOST:PORT PATH` prints a body, `many HOST:PORT N` counts good answers.
 */
import { createServer as createHttp, request } from 'node:http';
import { connect, createServer } from 'node:net';

const [, , command, ...args] = process.argv;
const address = (text) => ({ host: text.split(':')[0], port: Number(text.split(':')[1]) });

async function serve(who) {
  const servers = [];
  const http = (port) =>
    createHttp((incoming, answer) => {
      const from = incoming.socket.remoteAddress.replace('::ffff:', '');
      answer.end(`${who}:${port} saw ${incoming.headers.host} from ${from}\n`);
    }).listen(port, '0.0.0.0');
  const echo = (port) =>
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => socket.end(`${who}:${port} echoes ${data}`));
    }).listen(port, '0.0.0.0');
  const greet = (port) =>
    createServer((socket) => {
      socket.on('error', () => {});
      socket.write(`${who}:${port} greets`);
    }).listen(port, '0.0.0.0');
  const count = (port) =>
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', (data) => socket.end(`${who}:${port} got ${data.length} bytes`));
    }).listen(port, '0.0.0.0');
  if (who === 'app') servers.push(http(8080), echo(9000), echo(9001), echo(7070));
  else servers.push(http(80), http(8080), echo(9999), echo(7777), greet(9306), greet(2525), count(9443), count(8443));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  process.stdout.write('ready\n');
}

async function ask(target, wait) {
  const input = [];
  for await (const part of process.stdin) input.push(part);
  const socket = connect({ ...address(target), allowHalfOpen: true });
  const text = [];
  await new Promise((resolve) => {
    setTimeout(resolve, Number(wait));
    socket.on('error', resolve);
    socket.on('data', (data) => text.push(data));
    socket.on('end', resolve);
    if (input.length > 0) socket.write(Buffer.concat(input));
  });
  process.stdout.write(Buffer.concat(text).toString('latin1'));
  process.exit(0);
}

function get(target, path) {
  return new Promise((resolve, reject) => {
    const call = request({ ...address(target), path, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (part) => {
        text += part;
      });
      answer.on('end', () => resolve(text));
    });
    call.on('error', reject);
    call.end();
  });
}

async function many(target, count) {
  let good = 0;
  for (let i = 0; i < count; i += 1) if ((await get(target, '/')).includes('saw')) good += 1;
  process.stdout.write(`${good}\n`);
}

if (command === 'serve') await serve(args[0]);
else if (command === 'ask') await ask(...args);
else if (command === 'get') process.stdout.write(await get(...args));
else if (command === 'many') await many(args[0], Number(args[1]));
