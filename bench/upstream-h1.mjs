#!/usr/bin/env node
/**
 * The HTTP/1.1 upstream of the benchmark: answers every request head on a connection with the same 1 KiB, one write for all
 * heads of a read. It looks for the end of heads alone, so only requests without a body may come. Argument: port.
 */
import { createServer } from 'node:net';

const BODY = Buffer.alloc(1024, 'x');
const ANSWER = Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${BODY.length}\r\n\r\n`),
  BODY,
]);
const END = '\r\n\r\n';

createServer({ noDelay: true }, (socket) => {
  let rest = '';
  socket.on('data', (data) => {
    // A head that is split between two reads is kept; the rest is at most one head long.
    const text = rest + data.toString('latin1');
    let heads = 0;
    let from = 0;
    for (let at = text.indexOf(END); at >= 0; at = text.indexOf(END, from)) {
      heads += 1;
      from = at + END.length;
    }
    rest = from === text.length ? '' : text.slice(from);
    if (heads === 1) socket.write(ANSWER);
    else if (heads > 1) socket.write(Buffer.concat(Array.from({ length: heads }, () => ANSWER)));
  });
  socket.on('error', () => socket.destroy());
}).listen(Number(process.argv[2]), '127.0.0.1', 4096);
