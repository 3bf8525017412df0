#!/usr/bin/env node
/**
 * Makes src/pilot/schema/crds/*.ts from resource definitions: `node scripts/crd-schemas.mjs FILE...`, where FILE holds the
 * CustomResourceDefinitions of an Istio or Gateway API release. Types, limits, defaults and rules are kept, descriptions are
 * not. The notation is described in src/pilot/schema/notation.ts.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from './ensure.mjs';

const FOLDER = join(ROOT, 'src/pilot/schema/crds');
/** Kinds that istiod's collections do not hold. */
const LEFT_OUT = new Set([
  'XBackendTrafficPolicy',
  'XMesh',
  'InferenceModelRewrite',
  'InferenceObjective',
  'InferencePoolImport',
]);

const NUMBERS = [
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
];
const KNOWN = new Set([
  ...NUMBERS,
  ...[
    'type',
    'properties',
    'items',
    'additionalProperties',
    'required',
    'enum',
    'pattern',
    'format',
    'nullable',
    'default',
  ],
  ...['oneOf', 'allOf', 'anyOf', 'description', 'x-kubernetes-validations', 'x-kubernetes-int-or-string'],
  ...[
    'x-kubernetes-preserve-unknown-fields',
    'x-kubernetes-list-type',
    'x-kubernetes-list-map-keys',
    'x-kubernetes-map-type',
  ],
]);

/** `[{not: {anyOf: [required a, required b]}}, required a, required b]`: at most one of them. */
function group(oneOf) {
  const names = oneOf.slice(1).map((s) => s.required?.[0]);
  return oneOf[0].not?.anyOf && names.every((n) => typeof n === 'string') ? names : null;
}

function convert(schema, path) {
  for (const key of Object.keys(schema)) if (!KNOWN.has(key)) throw new Error(`${path}: ${key}`);
  const out = { type: schema.type ?? 'any', attributes: {}, rules: [], children: [] };
  const { attributes } = out;
  if (schema['x-kubernetes-int-or-string']) out.type = 'int-or-string';
  else if (schema.anyOf !== undefined) throw new Error(`${path}: anyOf`);
  for (const key of [...NUMBERS, 'enum', 'pattern', 'nullable', 'default']) {
    if (schema[key] !== undefined) attributes[key] = schema[key];
  }
  if (schema.format !== undefined && schema.format !== 'double') attributes.format = schema.format;
  if (schema['x-kubernetes-preserve-unknown-fields']) attributes.open = true;
  if (schema['x-kubernetes-list-type'] === 'set') attributes.set = true;
  if (schema['x-kubernetes-list-map-keys']) attributes.keys = schema['x-kubernetes-list-map-keys'];
  for (const oneOf of [schema.oneOf, ...(schema.allOf ?? []).map((s) => s.oneOf)]) {
    if (oneOf === undefined) continue;
    const names = group(oneOf);
    if (names !== null) attributes.oneOf = [...(attributes.oneOf ?? []), names];
    else if (JSON.stringify(oneOf).includes('IPAddress')) {
      out.rules.push({
        rule: 'self.type == "IPAddress" && has(self.value) ? isIP(self.value) : true',
        message: 'value must be an IP address',
      });
    } else throw new Error(`${path}: oneOf ${JSON.stringify(oneOf)}`);
  }
  for (const { rule, message } of schema['x-kubernetes-validations'] ?? []) {
    if (!rule.includes('oldSelf'))
      out.rules.push({ rule: rule.replace(/\s+/g, ' ').trim(), message: (message ?? '').trim() });
  }
  const required = new Set(schema.required ?? []);
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    // The server has its own rules for metadata.
    const child =
      path === '' && name === 'metadata'
        ? { type: 'object', attributes: { open: true }, rules: [], children: [] }
        : convert(property, `${path}.${name}`);
    out.children.push({ name: required.has(name) ? `${name}!` : name, child });
  }
  if (schema.items) out.children.push({ name: '-', child: convert(schema.items, `${path}[]`) });
  if (typeof schema.additionalProperties === 'object')
    out.children.push({ name: '*', child: convert(schema.additionalProperties, `${path}{}`) });
  return out;
}

const size = (node) => 1 + node.rules.length + node.children.reduce((n, c) => n + size(c.child), 0);
const keyOf = (node) => JSON.stringify(node);

/** Names for what stands more than once. */
function shared(roots) {
  const seen = new Map();
  const walk = (node, name) => {
    const key = keyOf(node);
    const entry = seen.get(key) ?? { node, name, count: 0 };
    entry.count++;
    seen.set(key, entry);
    if (entry.count > 1) return;
    for (const { name: own, child } of node.children) walk(child, /^[-*]$/.test(own) ? name : own.replace('!', ''));
  };
  for (const { root, kind } of roots) walk(root, kind);
  const names = new Map();
  const used = new Set();
  for (const [key, { node, name, count }] of seen) {
    if (count < 2 || size(node) < 3) continue;
    const base = name[0].toUpperCase() + name.slice(1).replace(/[^A-Za-z0-9]/g, '');
    let full = base;
    for (let i = 2; used.has(full); i++) full = base + i;
    used.add(full);
    names.set(key, full);
  }
  return names;
}

function lines(node, label, indent, names, own) {
  const name = names.get(keyOf(node));
  if (name !== undefined && name !== own) return [`${indent}${label} @${name}`];
  const attributes = Object.keys(node.attributes).length === 0 ? '' : ` ${JSON.stringify(node.attributes)}`;
  const out = [`${indent}${label} ${node.type}${attributes}`];
  for (const { rule, message } of node.rules) out.push(`${indent}  ! ${message} :: ${rule}`);
  for (const { name: field, child } of node.children) out.push(...lines(child, field, `${indent}  `, names, ''));
  return out;
}

const byGroup = new Map();
for (const file of process.argv.slice(2)) {
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const crd = document.toJS();
    if (crd?.kind !== 'CustomResourceDefinition' || LEFT_OUT.has(crd.spec.names.kind)) continue;
    const list = byGroup.get(crd.spec.group) ?? [];
    byGroup.set(crd.spec.group, list);
    const versions = new Map();
    for (const { name, schema } of crd.spec.versions) {
      const root = convert(schema.openAPIV3Schema, '');
      const same = versions.get(keyOf(root));
      if (same === undefined) versions.set(keyOf(root), { kind: crd.spec.names.kind, versions: [name], root });
      else same.versions.push(name);
    }
    list.push(...versions.values());
  }
}
mkdirSync(FOLDER, { recursive: true });
for (const [name, kinds] of byGroup) {
  const names = shared(kinds);
  const nodes = new Map();
  const collect = (node) => {
    const own = names.get(keyOf(node));
    if (own !== undefined) nodes.set(own, node);
    for (const { child } of node.children) collect(child);
  };
  for (const { root } of kinds) collect(root);
  const text = [];
  for (const { kind, versions, root } of kinds)
    text.push(...lines(root, `kind ${kind} ${versions.join(',')}`, '', names, ''));
  for (const [own, node] of [...nodes].sort(([a], [b]) => (a < b ? -1 : 1)))
    text.push(...lines(node, `type ${own}`, '', names, own));
  const constant = name
    .split('.')[0]
    .toUpperCase()
    .replace(/[^A-Z]/g, '_');
  const body = text.join('\n').replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${');
  const source = `/**
 * Resource definitions of ${name}, made by scripts/crd-schemas.mjs from those of Istio 1.31 and Gateway API (Apache License 2.0).
 * The notation is described in ../notation.ts.
 */
export const ${constant} = \`
${body}
\`;
`;
  writeFileSync(join(FOLDER, `${name.split('.')[0]}.ts`), source);
  process.stdout.write(`${name}: ${kinds.length} schemas, ${text.length} lines\n`);
}
