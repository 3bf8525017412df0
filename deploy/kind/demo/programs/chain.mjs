/**
 * The two servers of the chain.
 *
 *   chain.mjs server                  HTTP/2 on 8080, answers everything with 200 when the request has come whole
 *   chain.mjs microservice URL        HTTP/1.1 on 8080, one request over HTTP/2 to URL for each
 *
 * Both have /healthz and /metrics on 8081, and on SIGTERM end their connections in order.
 */
import http from 'node:http';
import http2 from 'node:http2';

const [role, target] = process.argv.slice(2);
const sessions = new Set();
const answered = new Map();

function count(status) {
  answered.set(status, (answered.get(status) ?? 0) + 1);
}

function server() {
  const h2 = http2.createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      count(200);
      response.end(`${process.env.HOSTNAME}\n`);
    });
    request.on('error', () => {});
  });
  h2.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => {});
  });
  h2.on('sessionError', () => {});
  return h2;
}

let upstream = null;

function connection() {
  if (upstream === null || upstream.closed || upstream.destroyed) {
    upstream = http2.connect(target);
    upstream.on('error', () => {});
    upstream.on('goaway', () => {
      upstream = null;
    });
  }
  return upstream;
}

function microservice() {
  return http.createServer((request, response) => {
    const call = connection().request({ ':method': request.method, ':path': request.url });
    let over = false;
    const finish = (status, body) => {
      if (over) return;
      over = true;
      count(status);
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(body);
    };
    let status = 502;
    let body = '';
    call.setEncoding('utf8');
    call.on('response', (headers) => {
      status = headers[':status'];
    });
    call.on('data', (text) => {
      body += text;
    });
    call.on('end', () => finish(status, body));
    call.on('error', (error) => finish(502, `microservice: ${error.message}\n`));
    request.on('error', () => call.close());
    request.pipe(call);
  });
}

const main = role === 'server' ? server() : microservice();
main.listen(8080);

const own = http.createServer((request, response) => {
  if (request.url !== '/metrics') {
    response.end('ok\n');
    return;
  }
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.write('# HELP demo_answers_total Answers of this program.\n# TYPE demo_answers_total counter\n');
  for (const [status, n] of answered) response.write(`demo_answers_total{status="${status}"} ${n}\n`);
  response.end();
});
own.listen(8081);

process.on('SIGTERM', () => {
  own.close();
  main.close(() => process.exit(0));
  for (const session of sessions) session.close();
  main.closeIdleConnections?.();
  own.closeAllConnections();
});
