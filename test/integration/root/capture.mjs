#!/usr/bin/env node
/**
 * Interception with real redirect rules: a pod and its peer in network namespaces, an application and clients that know nothing of the proxy, the
 * proxy as user 1337: with the rules of iptables, with those of nft, and with transparent sockets; Envoy too, when ENVOY names it, from the same
 * documents. Needs root, `ip`, `setpriv`, and iptables or nft; run by continuous integration, not by `npm test`.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { clientHello } from '../../conformance/peers/client-hello.mjs';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PEERS = fileURLToPath(new URL('capture-peers.mjs', import.meta.url));
const POD = `hfpod${process.pid}`;
const PEER = `hfpeer${process.pid}`;
const has = (program) => spawnSync(program, ['--version']).error === undefined;
const missing =
  process.getuid?.() !== 0
    ? 'it needs root'
    : ['ip', 'setpriv'].find((program) => spawnSync(program, ['-V']).error !== undefined);
const backends = [has('iptables-restore') && 'iptables', has('nft') && 'nft'].filter(Boolean);
const ENVOY = process.env.ENVOY ?? '';
/** How connections are captured, and by whom. */
const ways = [
  ...backends.map((backend) => ({ name: backend, backend, mode: 'REDIRECT', user: '1337:1337', envoy: false })),
  ...backends
    .slice(0, 1)
    .flatMap((backend) => [
      { name: `${backend}, TPROXY`, backend, mode: 'TPROXY', user: '0:1337', envoy: false },
      ...(ENVOY === ''
        ? []
        : [{ name: `${backend}, by Envoy`, backend, mode: 'REDIRECT', user: '1337:1337', envoy: true }]),
    ]),
];

const DOCUMENTS = `
apiVersion: v1
kind: Service
metadata: {name: app, namespace: default}
spec:
  selector: {app: me}
  clusterIP: 10.96.0.1
  ports: [{name: http, port: 80, targetPort: 8080}, {name: tcp-chat, port: 9000, targetPort: 9000}]
---
apiVersion: v1
kind: Pod
metadata: {name: me, namespace: default, labels: {app: me}}
spec: {containers: [{name: app, image: app}]}
status: {podIP: 10.77.0.1}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: server, namespace: default}
spec:
  hosts: [server.example]
  addresses: [10.96.0.10]
  ports: [{name: http, number: 80, protocol: HTTP, targetPort: 8080}]
  resolution: STATIC
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: server, namespace: default}
spec:
  hosts: [server.example]
  http:
    - headers: {response: {set: {x-routed: "yes"}}}
      route: [{destination: {host: server.example}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: db, namespace: default}
spec:
  hosts: [db.example]
  addresses: [10.96.0.11]
  ports: [{name: tcp-db, number: 3306, protocol: TCP, targetPort: 9306}]
  resolution: STATIC
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: secure, namespace: default}
spec:
  hosts: [secure.example]
  ports: [{name: tls, number: 8443, protocol: TLS, targetPort: 9443}]
  resolution: STATIC
  endpoints: [{address: 10.77.0.2}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data:
  mesh: |
    accessLogFile: ACCESS_LOG
    accessLogFormat: "%RESPONSE_CODE% %RESPONSE_FLAGS% %UPSTREAM_CLUSTER% %UPSTREAM_HOST% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME%\\n"
`;

const run = (program, ...args) => {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
};

/** `user` is UID:GID; root's own are not set. */
function asUser(user) {
  const [uid, gid] = user.split(':');
  return user === '0:0' ? [] : ['setpriv', '--reuid', uid, '--regid', gid, '--clear-groups'];
}

function background(namespace, user, command, env = {}) {
  const child = spawn('ip', ['netns', 'exec', namespace, ...asUser(user), ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  child.text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => {
      child.text += part;
    });
  return child;
}

/** The configuration that halfopen would run, for Envoy. */
async function bootstrapOf(file) {
  const { generate } = await import('../../../dist/pilot/translate.js');
  const { Findings } = await import('../../../dist/pilot/finding.js');
  const { readKubeDocuments } = await import('../../../dist/config/kube-documents.js');
  const { runnableBootstrap } = await import('../../../dist/server/load.js');
  const { docs } = readKubeDocuments(file, readFileSync(file, 'utf8'));
  const options = { profile: 'istio-current', interception: true, proxyIp: '10.77.0.1' };
  return runnableBootstrap(generate(docs, options, new Findings()), { host: '127.0.0.1', port: 15000 });
}

async function until(condition, what, ms = 10000) {
  for (const end = Date.now() + ms; !(await condition()); ) {
    if (Date.now() > end) throw new Error(`not in ${ms} ms: ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

for (const { name, backend, mode, user: owner, envoy } of missing ? [] : ways) {
  suite(`connections are captured (${name})`, () => {
    const children = [];
    const folder = mkdtempSync(join(tmpdir(), 'capture-'));
    const accessLog = join(folder, 'access.log');
    let proxy;

    const redirect = (...flags) =>
      run(
        'ip',
        'netns',
        'exec',
        POD,
        process.execPath,
        join(ROOT, 'bin/halfopen'),
        'redirect',
        '--backend',
        backend,
        ...flags,
      );
    /** Connects from a namespace, sends, and tells what came back. */
    const ask = (namespace, address, bytes, { wait = 3000, user = '0:0' } = {}) => {
      const args = ['netns', 'exec', namespace, ...asUser(user), process.execPath, PEERS, 'ask', address, String(wait)];
      const { stdout } = spawnSync('ip', args, { input: bytes, encoding: 'latin1' });
      return stdout;
    };
    const get = (namespace, address, host, options) =>
      ask(namespace, address, `GET /x HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`, options);
    /** Envoy counts the calls of its admin port too. */
    const stats = (filter) =>
      run(
        'ip',
        'netns',
        'exec',
        POD,
        process.execPath,
        PEERS,
        'get',
        '127.0.0.1:15000',
        `/stats?filter=${filter}&usedonly`,
      )
        .split('\n')
        .filter((line) => !line.includes('admin'))
        .join('\n');
    const metrics = () =>
      run('ip', 'netns', 'exec', POD, process.execPath, PEERS, 'get', '127.0.0.1:15000', '/metrics');
    const log = () => readFileSync(accessLog, 'utf8').split('\n');
    const logged = async (expression) => {
      await until(
        () => log().some((line) => expression.test(line)),
        () => `${expression} in\n${log().join('\n')}`,
      );
    };

    before(async () => {
      for (const name of [POD, PEER]) {
        run('ip', 'netns', 'add', name);
        run('ip', '-n', name, 'link', 'set', 'lo', 'up');
      }
      run('ip', '-n', POD, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', PEER);
      run('ip', '-n', POD, 'addr', 'add', '10.77.0.1/24', 'dev', 'eth0');
      for (const ip of ['10.77.0.2', '10.77.0.3', '10.77.0.4'])
        run('ip', '-n', PEER, 'addr', 'add', `${ip}/24`, 'dev', 'eth0');
      for (const name of [POD, PEER]) run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
      run('ip', '-n', POD, 'route', 'add', 'default', 'via', '10.77.0.2');
      redirect('--apply', '-m', mode, '-i', '*', '-x', '10.77.0.3/32', '-b', '*', '-d', '15090,7070', '-o', '7777');
      children.push(
        background(POD, '0:0', [process.execPath, PEERS, 'serve', 'app']),
        background(PEER, '0:0', [process.execPath, PEERS, 'serve', 'peer']),
      );
      for (const child of children)
        await until(
          () => child.text.includes('ready'),
          () => child.text,
        );
      const file = join(folder, 'documents.yaml');
      writeFileSync(file, DOCUMENTS.replace('ACCESS_LOG', accessLog));
      spawnSync('chmod', ['-R', 'a+rwX', folder]);
      if (envoy) {
        const config = join(folder, 'bootstrap.json');
        const program = join(folder, 'envoy');
        writeFileSync(config, JSON.stringify(await bootstrapOf(file)));
        copyFileSync(ENVOY, program);
        spawnSync('chmod', ['-R', 'a+rX', folder]);
        const flags = '--concurrency 1 --disable-hot-restart --file-flush-interval-msec 20 --log-level error';
        proxy = background(POD, owner, [program, '-c', config, ...flags.split(' ')]);
      } else {
        const command = [process.execPath, join(ROOT, 'bin/halfopen'), 'run', '--config', file, '--capture'];
        const env = { INSTANCE_IP: '10.77.0.1', ISTIO_META_INTERCEPTION_MODE: mode };
        proxy = background(POD, owner, command, env);
      }
      children.push(proxy);
      const ready = () =>
        spawnSync('ip', ['netns', 'exec', POD, process.execPath, PEERS, 'get', '127.0.0.1:15000', '/ready'], {
          encoding: 'utf8',
        });
      await until(
        () => ready().stdout.startsWith('LIVE'),
        () => proxy.text,
        20000,
      );
      if (!envoy) assert.match(proxy.text, /captures connections/);
    });

    after(() => {
      for (const child of children) child.kill('SIGKILL');
      for (const name of [POD, PEER]) spawnSync('ip', ['netns', 'del', name]);
      rmSync(folder, { recursive: true, force: true });
    });

    test('outbound HTTP to a service address is routed by its VirtualService', async () => {
      const answer = get(POD, '10.96.0.10:80', 'server.example');
      assert.match(answer, /^HTTP\/1\.1 200/);
      assert.match(answer, /x-routed: yes/);
      assert.match(answer, /peer:8080 saw server\.example from 10\.77\.0\.1/);
      await logged(/^200 - outbound\|80\|\|server\.example;? 10\.77\.0\.2:8080 \S+ 10\.96\.0\.10:80 /);
    });

    test('HTTP to an address that no service has passes through to that very address', async () => {
      assert.match(get(POD, '10.77.0.4:80', 'unknown.example'), /peer:80 saw unknown\.example/);
      await logged(/^200 - PassthroughCluster;? 10\.77\.0\.4:80 \S+ 10\.77\.0\.4:80 /);
    });

    test('bytes that are no HTTP pass through, are counted and logged', async () => {
      assert.equal(ask(POD, '10.77.0.2:9999', 'hello'), 'peer:9999 echoes hello');
      await logged(/^0 - PassthroughCluster;? 10\.77\.0\.2:9999 \S+ 10\.77\.0\.2:9999 /);
      assert.match(stats('tcp.PassthroughCluster.downstream_cx_total'), /downstream_cx_total: [12]/);
      if (envoy) return;
      assert.match(
        metrics(),
        /istio_tcp_connections_closed_total\{.*destination_service_name="PassthroughCluster".*request_protocol="tcp".*\} 1/,
      );
    });

    test('a TCP service is reached at its address, and speaks first', async () => {
      assert.equal(ask(POD, '10.96.0.11:3306', '', { wait: 500 }), 'peer:9306 greets');
      await logged(/^0 - outbound\|3306\|\|db\.example;? 10\.77\.0\.2:9306 /);
    });

    test('a server that speaks first on a port that no service has is heard', () => {
      assert.equal(ask(POD, '10.77.0.2:2525', '', { wait: 800 }), 'peer:2525 greets');
    });

    test('TLS is passed on by its server name, and by its address when the name is no service', async () => {
      assert.match(ask(POD, '10.77.0.4:8443', secure), /^peer:9443 got \d+ bytes/);
      await logged(/^0 - outbound\|8443\|\|secure\.example;? 10\.77\.0\.2:9443 .* secure\.example$/);
      assert.match(ask(POD, '10.77.0.4:8443', other), /^peer:8443 got \d+ bytes/);
    });

    test('inbound HTTP comes to the application from 127.0.0.6, the original destination kept', async () => {
      const answer = get(PEER, '10.77.0.1:8080', 'app.default');
      assert.match(answer, /^HTTP\/1\.1 200/);
      assert.match(answer, /server: istio-envoy/);
      assert.match(answer, /app:8080 saw app\.default from 127\.0\.0\.6/);
      if (!envoy) assert.match(metrics(), /istio_requests_total\{reporter="destination".*response_code="200"/);
      await logged(
        /^200 - inbound\|8080\|\|;? 10\.77\.0\.1:8080 127\.0\.0\.6:\d+ 10\.77\.0\.1:8080 10\.77\.0\.2:\d+ -$/,
      );
    });

    test('inbound bytes come to a TCP port, and to ports that no service names', async () => {
      assert.equal(ask(PEER, '10.77.0.1:9000', 'hello'), 'app:9000 echoes hello');
      assert.equal(ask(PEER, '10.77.0.1:9001', 'other\n'), 'app:9001 echoes other\n');
      await logged(/^0 - inbound\|9000\|\|;? 10\.77\.0\.1:9000 127\.0\.0\.6:/);
      await logged(/^0 - (InboundPassthroughCluster|PassthroughCluster);? 10\.77\.0\.1:9001 127\.0\.0\.6:/);
      if (!envoy) assert.match(metrics(), /istio_tcp_received_bytes_total\{reporter="destination".*\} 5/);
    });

    test('excluded ports and ranges pass by the proxy, both ways', () => {
      const before = stats('downstream_cx_total');
      assert.match(get(POD, '10.77.0.3:80', 'excluded.range'), /peer:80 saw excluded\.range/);
      assert.equal(ask(POD, '10.77.0.2:7777', 'hello'), 'peer:7777 echoes hello');
      assert.equal(ask(PEER, '10.77.0.1:7070', 'hello'), 'app:7070 echoes hello');
      assert.equal(stats('downstream_cx_total'), before);
    });

    test('the application reaches itself without the proxy, the proxy’s user reaches the world without it', () => {
      const before = stats('downstream_cx_total');
      assert.match(get(POD, '127.0.0.1:8080', 'itself'), /app:8080 saw itself from 127\.0\.0\.1/);
      assert.match(get(POD, '10.77.0.4:80', 'own.call', { user: owner }), /peer:80 saw own\.call/);
      assert.equal(stats('downstream_cx_total'), before);
    });

    test('who calls the capture ports directly is closed, and no loop begins', async () => {
      assert.equal(ask(PEER, '10.77.0.1:15006', 'x', { wait: 1500 }), '');
      assert.equal(ask(POD, '127.0.0.1:15001', 'x', { wait: 1500 }), '');
      const counts = [...stats('downstream_cx_total').matchAll(/^tcp\.\S+: (\d+)/gm)].map(([, n]) => Number(n));
      assert.ok(
        counts.every((n) => n < 10),
        `${counts} connections of TCP proxies`,
      );
    });

    test('a thousand requests one after the other leave nothing behind', async () => {
      const lines = run('ip', 'netns', 'exec', POD, process.execPath, PEERS, 'many', '10.96.0.10:80', '1000');
      assert.equal(lines.trim(), '1000');
      const open = () =>
        [...stats('downstream_cx_active').matchAll(/: (\d+)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
      await until(
        () => open() === 0,
        () => stats('downstream_cx_active'),
      );
    });

    test('the rules may be applied again, and go when they are told to', () => {
      redirect('--apply', '-m', mode, '-i', '*', '-b', '*');
      redirect('--cleanup', '-m', mode, '-i', '*', '-b', '*');
      const left = run(
        'ip',
        'netns',
        'exec',
        POD,
        ...(backend === 'nft' ? ['nft', 'list', 'ruleset'] : ['iptables-save']),
      );
      assert.doesNotMatch(left, /ISTIO_|halfopen/);
    });
  });
}

const secure = await clientHello('secure.example');
const other = await clientHello('other.example');
if (missing) test('interception', { skip: missing === 'it needs root' ? missing : `it needs ${missing}` }, () => {});
else if (backends.length === 0) test('interception', { skip: 'it needs iptables or nft' }, () => {});
