/** The console: one page without outside resources, which polls the admin's own JSON. */
export const CONSOLE_PAGE = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>halfopen</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 14px/1.4 system-ui, sans-serif; margin: 1em auto; max-width: 75em; padding: 0 1em; }
  h1 { font-size: 1.2em; } h2 { font-size: 1em; margin: 1.5em 0 .4em; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .2em .6em; border-bottom: 1px solid #8884; white-space: nowrap; }
  td.n { text-align: right; font-variant-numeric: tabular-nums; }
  tr.bad td { color: #c33; } tr[data-id] { cursor: pointer; }
  pre { background: #8882; padding: 1em; overflow: auto; }
  .path { max-width: 24em; overflow: hidden; text-overflow: ellipsis; }
</style>
</head>
<body>
<h1>halfopen <span id="state"></span></h1>
<h2>Upstream hosts</h2>
<table><thead><tr><th>Cluster<th>Host<th>Health<th>Connections<th>Active<th>Pending<th>Requests<th>Errors<th>Timeouts<th>Connect failures</tr></thead><tbody id="hosts"></tbody></table>
<h2>Failed requests</h2>
<table><thead><tr><th>Time<th>Request<th>Code<th>Flags<th>Details<th>Duration<th>Upstream<th>Verdict</tr></thead><tbody id="failed"></tbody></table>
<h2 id="title"></h2>
<pre id="timeline" hidden></pre>
<script>
const $ = (id) => document.getElementById(id);
const cell = (row, text, name) => { const td = row.insertCell(); td.textContent = text; if (name) td.className = name; return td; };
const fill = (body, rows) => { body.replaceChildren(); for (const add of rows) add(body.insertRow()); };
const stat = (host, name) => (host.stats.find((s) => s.name === name) || {}).value || '0';
const health = (status) => Object.entries(status).filter(([k, v]) => v === true).map(([k]) => k).join(', ') || status.eds_health_status;
async function get(path) { const r = await fetch(path); if (!r.ok && r.status !== 503) throw new Error(path + ': ' + r.status); return r; }
async function refresh() {
  try {
    $('state').textContent = (await (await get('ready')).text()).trim();
    const { cluster_statuses = [] } = await (await get('clusters?format=json')).json();
    fill($('hosts'), cluster_statuses.flatMap((c) => (c.host_statuses || []).map((h) => (row) => {
      const at = h.address.socket_address;
      cell(row, c.name); cell(row, at.address + ':' + (at.port_value || 0));
      const state = cell(row, health(h.health_status));
      if (state.textContent !== 'HEALTHY') row.className = 'bad';
      for (const name of ['cx_active', 'rq_active', 'rq_pending_active', 'rq_total', 'rq_error', 'rq_timeout', 'cx_connect_fail']) cell(row, stat(h, name), 'n');
    })));
    const { requests = [] } = await (await get('explain?format=json')).json();
    fill($('failed'), requests.map((q) => (row) => {
      row.dataset.id = q.id; row.onclick = () => show(q.id);
      cell(row, new Date(q.at).toLocaleTimeString()); cell(row, q.method + ' ' + q.path, 'path'); cell(row, q.responseCode, 'n');
      cell(row, q.flags); cell(row, q.details, 'path'); cell(row, q.durationMs + ' ms', 'n'); cell(row, q.upstream); cell(row, q.verdict);
    }));
  } catch (error) { $('state').textContent = String(error); }
}
async function show(id) {
  $('title').textContent = id;
  $('timeline').textContent = await (await fetch('explain/' + encodeURIComponent(id))).text();
  $('timeline').hidden = false;
}
refresh(); setInterval(refresh, 2000);
</script>
</body>
</html>
`;
