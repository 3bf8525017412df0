/** The rules of the house that a program can check: who may call Node's timers, who may import whom, which files a document names. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Folder of src/ -> folders it may import beside itself. The request walks http, router, upstream, codec/network, and
 * imports follow it or go down to base; configuration is read on the left (config, xds, pilot) and assembled by server.
 * Injection (inject) stands aside: it writes pod specs and runs no proxy.
 */
const DATA_PLANE = ['network', 'codec', 'observe', 'base'];
const CONFIG = ['xds', 'config', 'base'];
const LAYERS = {
  base: [],
  config: ['base'],
  xds: ['config', 'base'],
  pilot: CONFIG,
  inject: ['config', 'base'],
  kube: ['config', 'base'],
  observe: ['base'],
  codec: ['base'],
  network: ['codec', 'observe', 'base'],
  upstream: [...DATA_PLANE, ...CONFIG],
  router: ['upstream', ...DATA_PLANE, ...CONFIG],
  http: ['router', 'upstream', ...DATA_PLANE, ...CONFIG],
  tcp: ['upstream', ...DATA_PLANE, ...CONFIG],
  admin: ['http', 'router', 'upstream', 'pilot', ...DATA_PLANE, ...CONFIG],
  server: ['kube', 'admin', 'http', 'tcp', 'router', 'upstream', 'pilot', ...DATA_PLANE, ...CONFIG],
  lab: ['server', 'admin', 'http', 'tcp', 'router', 'upstream', 'pilot', ...DATA_PLANE, ...CONFIG],
  cli: [
    'lab',
    'inject',
    'server',
    'kube',
    'admin',
    'http',
    'tcp',
    'router',
    'upstream',
    'pilot',
    ...DATA_PLANE,
    ...CONFIG,
  ],
};

const sources = readdirSync(join(ROOT, 'src'), { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(ROOT, 'src', name), 'utf8') }));

/** The text without comments; strings stay, since no rule here is broken by a string. */
function code(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

/** Without template strings too: the console's page is one, and its script runs in a browser. */
const withoutTemplates = (text) => text.replace(/`[^`]*`/g, "''");

test('only base/timer-wheel.ts calls the timers of Node', () => {
  const calls = /\b(setTimeout|setInterval|setImmediate)\s*\(|node:timers/;
  const callers = sources.filter(
    ({ name, text }) => !name.endsWith('.test.ts') && calls.test(withoutTemplates(code(text))),
  );
  assert.deepEqual(
    callers.map(({ name }) => name).filter((name) => name !== 'base/timer-wheel.ts'),
    [],
  );
});

test('imports point forward along the walk of a request, or down to base', () => {
  const wrong = [];
  for (const { name, text } of sources) {
    const from = name.includes('/') ? name.split('/')[0] : null;
    if (from !== null && !(from in LAYERS)) wrong.push(`${name}: the folder ${from} is in no layer`);
    for (const [, path] of code(text).matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)) {
      const target = normalize(join(dirname(name), path));
      const to = target.includes('/') ? target.split('/')[0] : null;
      if (from === to || from === null || name.endsWith('.test.ts')) continue;
      if (to === null || !LAYERS[from]?.includes(to)) wrong.push(`${name} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('every file that docs/life-of-a-request.md names exists', (t) => {
  const path = join(ROOT, 'docs/life-of-a-request.md');
  if (!existsSync(path)) return t.skip('docs/life-of-a-request.md is not written');
  const named = [
    ...readFileSync(path, 'utf8').matchAll(/\b(?:src|test|config|deploy|docs|bench|scripts)\/[\w./-]*\w/g),
  ].map(([file]) => file);
  assert.ok(named.length > 0, 'the document names no file');
  assert.deepEqual(
    [...new Set(named)].filter((file) => !existsSync(join(ROOT, file))),
    [],
  );
});
