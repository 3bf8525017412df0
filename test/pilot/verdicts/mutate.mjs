/**
 * Mutations of documents: every field left out, of another type, out of range, null, repeated, misspelt; every other value of
 * an enumeration; and every field of the schema that is not there, with sensible and with odd values.
 *
 *     node test/pilot/verdicts/mutate.mjs FOLDER     writes them to FOLDER, one document a file
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readKubeDocuments } from '../../../dist/config/kube-documents.js';
import { resourceOf } from '../../../dist/pilot/resource.js';
import { schemaOf } from '../../../dist/pilot/schema/kinds.js';

const HERE = dirname(fileURLToPath(import.meta.url));

const TEXTS = [
  '',
  '*',
  '*.a',
  'a*b',
  'a_b',
  '-x',
  'A-B',
  '10.0.0.1',
  '10.0.0.0/8',
  '1.2.3.4/33',
  '::1',
  'a.b.c',
  'ns/name',
  'http://x/',
  'ftp://x',
  'unix:///a',
  '%',
  '%A%',
  '5s',
  '0s',
  '1.0005s',
  '-1s',
  '1h30m',
  'x'.repeat(70),
  'x'.repeat(300),
  '(',
  '~',
  '.',
  ':path',
  'host',
  'MUTUAL',
  '0',
  '70000',
  '503',
  'a b',
  '{*}',
  '/a/{**}/b',
  'mesh',
  'topology.kubernetes.io/zone',
  '@request.auth.claims.x',
];
const NUMBERS = [
  0, 1, -1, 2, 80, 100, 101, 199, 600, 601, 65535, 65536, 4294967295, 4294967296, 2147483648, 1.5, 0.00001,
];
const WRONG = [null, true, 5, 'text', [], {}, [null], ['text'], [{}], { a: 'b' }];

const clone = (value) => structuredClone(value);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A small value that a schema takes. */
function sample(schema, depth = 0) {
  if (schema.choices !== null) return schema.choices[schema.choices.length - 1];
  switch (schema.type) {
    case 'string':
      return schema.rules.some((r) => r.message.includes('duration')) ? '5s' : 'a';
    case 'integer':
    case 'number':
    case 'int-or-string':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return schema.items === null ? [] : [sample(schema.items, depth + 1)];
    case 'object': {
      const out = {};
      if (schema.values !== null) out.a = sample(schema.values, depth + 1);
      for (const [name, child] of schema.fields)
        if (schema.required.includes(name) || (depth > 0 && depth < 3 && schema.fields.size < 4))
          out[name] = sample(child, depth + 1);
      return out;
    }
    default:
      return {};
  }
}

/** All mutations of a document, as new documents. */
export function* mutations(document) {
  const schema = schemaOf(resourceOf(document));
  const spec = schema.fields.get('spec');
  yield* below(document, spec, ['spec']);
  const other = clone(document);
  other.specs = other.spec;
  yield other;
  for (const version of ['v1', 'v1alpha3', 'v1beta1', 'v2'])
    yield { ...clone(document), apiVersion: document.apiVersion.replace(/\/.*/, `/${version}`) };
  for (const name of ['istio.io/dry-run', 'internal.istio.io/parents']) {
    const noted = clone(document);
    noted.metadata.annotations = { [name]: 'maybe' };
    yield noted;
  }
}

function at(document, path) {
  return path.reduce((value, key) => value[key], document);
}

function changed(document, path, change) {
  const copy = clone(document);
  change(at(copy, path.slice(0, -1)), path[path.length - 1]);
  return copy;
}

function* below(document, schema, path) {
  const value = at(document, path);
  const set = (to) => changed(document, path, (owner, key) => (owner[key] = clone(to)));
  yield changed(document, path, (owner, key) => (Array.isArray(owner) ? owner.splice(key, 1) : delete owner[key]));
  for (const wrong of WRONG) yield set(wrong);
  if (typeof value === 'string') for (const text of TEXTS) yield set(text);
  if (typeof value === 'string' && value.length > 1) yield set(value.toUpperCase());
  if (typeof value === 'number') for (const number of NUMBERS) yield set(number);
  if (schema?.choices) for (const choice of schema.choices) yield set(choice);
  if (Array.isArray(value)) {
    if (value.length > 0) {
      yield changed(document, path, (owner, key) => owner[key].push(clone(value[0])));
      yield changed(document, path, (owner, key) => (owner[key] = Array.from({ length: 70 }, () => clone(value[0]))));
    }
    yield changed(document, path, (owner, key) => owner[key].reverse());
    for (let i = 0; i < value.length; i++) yield* below(document, schema?.items, [...path, i]);
  } else if (isObject(value)) {
    yield changed(document, path, (owner, key) => (owner[key].noSuchField = 1));
    for (const [name, child] of schema?.fields ?? []) {
      if (Object.hasOwn(value, name)) continue;
      const added = (to) => changed(document, path, (owner, key) => (owner[key][name] = to));
      yield added(sample(child));
      if (child.type === 'string') for (const text of ['', 'x', '0s', 'a*b']) yield added(text);
      if (child.type === 'integer') for (const number of [0, -1, 70000]) yield added(number);
      for (const choice of child.choices ?? []) yield added(choice);
    }
    if (schema?.values) {
      for (const key of ['', '*', 'a b', 'x'.repeat(70), '-', '0', '70000'])
        yield changed(document, path, (owner, last) => (owner[last][key] = sample(schema.values)));
    }
    for (const key of Object.keys(value))
      yield* below(document, schema?.fields?.get(key) ?? schema?.values, [...path, key]);
  }
}

/** The documents that are mutated. */
export function baseDocuments() {
  const { docs, errors } = readKubeDocuments('base.yaml', readFileSync(join(HERE, 'base.yaml'), 'utf8'));
  if (errors.length > 0) throw errors[0];
  return docs.map((doc) => JSON.parse(JSON.stringify(doc.raw)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  mkdirSync(folder, { recursive: true });
  const seen = new Set();
  let count = 0;
  for (const document of baseDocuments()) {
    for (const mutation of mutations(document)) {
      const text = JSON.stringify(mutation);
      if (seen.has(text)) continue;
      seen.add(text);
      writeFileSync(join(folder, `${String(++count).padStart(6, '0')}.yaml`), `${text}\n`);
    }
  }
  process.stdout.write(`${count} documents\n`);
}
