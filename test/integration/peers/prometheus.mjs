import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { freePort, sleep, untilListening } from '../proxy.mjs';
import { startAll } from '../setup.mjs';
import { missing } from './tools.mjs';

/** Prometheus scrapes the admin port; its query API must know the counters of a 504 and of a 408. */
export function prometheus({ command }) {
  suite('Prometheus', { skip: missing('prometheus') }, () => {
    let all;
    let folder;
    let server;
    let port;
    before(async () => {
      all = await startAll(command, { hcm: { stream_idle_timeout: '1s' }, route: { timeout: '0.4s' } });
      folder = mkdtempSync(join(tmpdir(), 'prometheus-'));
      const config = `
global: { scrape_interval: 500ms, scrape_timeout: 400ms }
scrape_configs:
  - job_name: proxy
    metrics_path: /stats/prometheus
    static_configs: [{ targets: ['127.0.0.1:${all.proxy.adminPort}'] }]
`;
      writeFileSync(join(folder, 'prometheus.yml'), config);
      port = await freePort();
      server = spawn(
        'prometheus',
        [
          `--config.file=${join(folder, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(folder, 'data')}`,
          `--web.listen-address=127.0.0.1:${port}`,
          '--log.level=error',
        ],
        { stdio: ['ignore', 'ignore', 'inherit'] },
      );
      await untilListening(port, 30_000);
    });
    after(async () => {
      if (server) {
        server.kill();
        await once(server, 'exit');
      }
      await all?.stop();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    /** The value of an instant query, asked until it is at least `value` or ten seconds have passed. */
    async function query(expression, value) {
      let found = Number.NaN;
      for (let i = 0; i < 50; i += 1) {
        const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`;
        const response = await fetch(url);
        if (response.status === 503) {
          // Prometheus has not opened its store yet.
          await response.text();
          await sleep(200);
          continue;
        }
        const answer = await response.json();
        assert.equal(answer.status, 'success', JSON.stringify(answer));
        found = Number(answer.data.result[0]?.value[1] ?? Number.NaN);
        if (found >= value) break;
        await sleep(200);
      }
      return found;
    }

    test('the scrape succeeds', async () => {
      assert.equal(await query('up{job="proxy"}', 1), 1);
    });

    test('a 504 of the route timeout is in its series', async () => {
      const response = await fetch(`http://127.0.0.1:${all.ports.h1}/silent`);
      assert.equal(response.status, 504);
      await response.text();
      assert.equal(await query('envoy_cluster_upstream_rq_timeout{envoy_cluster_name="echo_h1"}', 1), 1);
      const codes = 'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="to_h1",envoy_response_code_class="5"}';
      assert.equal(await query(codes, 1), 1);
      const cluster = 'envoy_cluster_upstream_rq{envoy_cluster_name="echo_h1",envoy_response_code="504"}';
      assert.equal(await query(cluster, 1), 1);
    });

    test('a 408 of the stream idle timeout is in its series', async () => {
      const socket = connect(all.ports.h2, '127.0.0.1');
      socket.write('POST /sink HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf');
      const [answer] = await once(socket, 'data');
      assert.match(String(answer), /^HTTP\/1.1 408 /);
      socket.destroy();
      const idle = 'envoy_http_downstream_rq_idle_timeout{envoy_http_conn_manager_prefix="to_h2"}';
      assert.equal(await query(idle, 1), 1);
      const codes = 'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="to_h2",envoy_response_code_class="4"}';
      assert.equal(await query(codes, 1), 1);
    });

    test('a histogram has its buckets, its sum and its count', async () => {
      const count = 'envoy_http_downstream_rq_time_count{envoy_http_conn_manager_prefix="to_h1"}';
      assert.ok((await query(count, 1)) >= 1);
      const bucket = 'envoy_http_downstream_rq_time_bucket{envoy_http_conn_manager_prefix="to_h1",le="+Inf"}';
      assert.ok((await query(bucket, 1)) >= 1);
    });
  });
}
