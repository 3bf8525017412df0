/**
 * Calls a URL steadily and writes a line a second: how many answers of each status, and the longest time of one.
 *
 *   caller.mjs URL
 *
 * SECONDS_OF_LOAD, GETS_PER_SECOND, UPLOADS_PER_SECOND (64 KiB each), DEADLINE_SECONDS (20: then the caller gives up, status 0).
 * A last line sums up.
 */
import http from 'node:http';

const [url] = process.argv.slice(2);
const number = (name, otherwise) => Number(process.env[name] ?? otherwise);
const seconds = number('SECONDS_OF_LOAD', 60);
const deadline = number('DEADLINE_SECONDS', 20) * 1000;
const agent = new http.Agent({ keepAlive: true });
const upload = Buffer.alloc(64 * 1024, 'u');
const total = {};
let current = {};
let slowest = 0;
let open = 0;

function call(method, body) {
  open++;
  const began = Date.now();
  let over = false;
  const finish = (status) => {
    if (over) return;
    over = true;
    open--;
    const key = `${method} ${status}`;
    current[key] = (current[key] ?? 0) + 1;
    total[key] = (total[key] ?? 0) + 1;
    slowest = Math.max(slowest, Date.now() - began);
  };
  const request = http.request(url, { method, agent, signal: AbortSignal.timeout(deadline) }, (response) => {
    response.resume();
    response.on('end', () => finish(response.statusCode));
    response.on('error', () => finish(0));
  });
  request.on('error', () => finish(0));
  request.end(body);
}

const gets = number('GETS_PER_SECOND', 10);
const uploads = number('UPLOADS_PER_SECOND', 0);
if (gets > 0) setInterval(() => call('GET'), 1000 / gets);
if (uploads > 0) setInterval(() => call('POST', upload), 1000 / uploads);

const text = (counts) =>
  Object.entries(counts)
    .sort()
    .map(([key, n]) => `${key} x${n}`)
    .join(', ') || 'nothing';

let second = 0;
setInterval(() => {
  second++;
  console.log(`${new Date().toISOString().slice(11, 19)}  ${text(current)}; ${open} open, slowest ${slowest} ms`);
  current = {};
  slowest = 0;
  if (second < seconds) return;
  console.log(`total: ${text(total)}`);
  process.exit(0);
}, 1000);
