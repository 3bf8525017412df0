import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type ToStringOptions,
  visit,
} from 'yaml';
import { ConfigError } from '../config/error.js';
import { type Workload, workloadOf } from './identity.js';
import { difference, type Operation } from './json-patch.js';
import type { InjectOptions } from './options.js';
import { injectPod } from './pod.js';
import { InjectError, type Pod } from './types.js';

/** Kinds that have a pod template, and where. Kubernetes' own, and OpenShift's DeploymentConfig. */
const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  Pod: [],
  Deployment: ['spec', 'template'],
  DaemonSet: ['spec', 'template'],
  StatefulSet: ['spec', 'template'],
  ReplicaSet: ['spec', 'template'],
  ReplicationController: ['spec', 'template'],
  Job: ['spec', 'template'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
  DeploymentConfig: ['spec', 'template'],
};

interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string; namespace?: string };
  items?: KubeObject[];
}

export interface InjectedText {
  /** The documents with the sidecar; what was not touched is written as it was, comments and order included. */
  text: string;
  /** A line for each thing that is worth telling, with position where it has one. */
  messages: string[];
}

/**
 * Injects the workloads of a file of Kubernetes documents, YAML or JSON. Documents of other kinds pass through.
 * @param namespace of documents that name none
 * @throws ConfigError with the position, when a file cannot be read or a pod cannot be injected as it asks
 */
export function injectDocuments(file: string, text: string, namespace: string, options: InjectOptions): InjectedText {
  const lines = new LineCounter();
  const messages: string[] = [];
  const documents = parseAllDocuments(text, { version: '1.1', schema: 'yaml-1.1', lineCounter: lines, merge: true });
  if ('empty' in documents) return { text, messages };
  let written = '';
  let end = 0;
  for (const document of documents) {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      throw new ConfigError(error.message.split('\n')[0].replace(/ at line.*$/, ''), '', { file, line, col });
    }
    const context: Context = { file, lines, document, namespace, options, messages };
    const source = text.slice(end, document.range[2]);
    end = document.range[2];
    const changed = injectObject(document.toJS({ maxAliasCount: -1 }) as KubeObject | null, [], context);
    written += changed ? textOf(document, source) : source;
  }
  return { text: written + text.slice(end), messages };
}

function textOf(document: Document.Parsed, source: string): string {
  const json = source.trimStart().startsWith('{');
  return json ? `${JSON.stringify(document.toJS(), null, 2)}\n` : document.toString(styleOf(source));
}

/** How the author writes lists and flow collections; the library must choose one way for the document. */
function styleOf(source: string): ToStringOptions {
  return {
    lineWidth: 0,
    flowCollectionPadding: /\{ |\[ /.test(source),
    indentSeq: !/^( *)\S.*:[ \t]*(#.*)?\n\1- /m.test(source),
  };
}

interface Context {
  file: string;
  lines: LineCounter;
  document: Document.Parsed | Document;
  namespace: string;
  options: InjectOptions;
  messages: string[];
}

/** True when the object at `path` of the document was changed. */
function injectObject(object: KubeObject | null, path: readonly (string | number)[], context: Context): boolean {
  if (object === null || typeof object !== 'object') return false;
  if (object.kind === 'List' && Array.isArray(object.items)) {
    return object.items.map((item, i) => injectObject(item, [...path, 'items', i], context)).includes(true);
  }
  const template = Object.hasOwn(TEMPLATES, object.kind ?? '') ? TEMPLATES[object.kind!] : undefined;
  if (template === undefined) return false;
  const pod = template.reduce<unknown>(
    (at, name) => (at as Record<string, unknown> | undefined)?.[name],
    object,
  ) as Pod;
  const namespace = object.metadata?.namespace ?? context.namespace;
  const title = `${object.kind} ${namespace}/${object.metadata?.name ?? ''}`;
  const at = [...path, ...template];
  if (typeof pod !== 'object' || pod === null || typeof pod.spec !== 'object')
    throw new ConfigError(`${title} has no ${[...template, 'spec'].join('.')}`, '', position(path, context));
  const workload: Workload =
    object.kind === 'Pod'
      ? workloadOf(pod, namespace)
      : { apiVersion: object.apiVersion ?? '', kind: object.kind!, name: object.metadata?.name ?? '', namespace };
  try {
    const { injected, skipped, warnings } = injectPod(pod, workload, context.options);
    for (const { message, path: field } of warnings) {
      const { file, line, col } = position([...at, ...field], context);
      context.messages.push(`${file}:${line}:${col}: ${title}: ${field.at(-1)}: ${message}`);
    }
    if (injected === null) {
      context.messages.push(`${title} is left as it is: ${skipped}`);
      return false;
    }
    write(context, at, difference(pod, injected));
    return true;
  } catch (error) {
    if (!(error instanceof InjectError)) throw error;
    const [{ message, path: field }] = error.findings;
    throw new ConfigError(message, `${title}: ${field.at(-1)}`, position([...at, ...field], context));
  }
}

/** Where the field is written, or the nearest thing around it that is. */
function position(path: readonly (string | number)[], { document, lines, file }: Context) {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) {
      const { line, col } = lines.linePos(node.range[0]);
      return { file, line, col };
    }
  }
  return { file, line: 1, col: 1 };
}

/** Makes the changes in the document itself, so that comments, order and style of the rest stay. */
function write(context: Context, at: readonly (string | number)[], operations: readonly Operation[]): void {
  const { document } = context;
  // A change under an alias would show at its anchor and at every other alias: each gets a copy of its own first.
  expandAliases(document);
  for (const operation of operations) {
    const path = [...at, ...operation.path];
    if (operation.op === 'remove') {
      document.deleteIn(path);
      continue;
    }
    const key = path.at(-1);
    const parent = document.getIn(path.slice(0, -1), true);
    const node = document.createNode(operation.value, { aliasDuplicateObjects: false });
    if (operation.op === 'add' && isSeq(parent)) {
      parent.items.splice(key as number, 0, node);
      parent.flow = parent.flow === true && parent.items.length === 1 ? false : parent.flow;
    } else if (operation.op === 'replace' && isScalar(node)) document.setIn(path, node.value);
    else document.setIn(path, node);
  }
}

function expandAliases(document: Document): void {
  let found = false;
  visit(document, {
    Alias(_key, alias) {
      const target = alias.resolve(document);
      if (target === undefined) return undefined;
      found = true;
      return document.createNode(target.toJS(document), { aliasDuplicateObjects: false });
    },
  });
  if (!found) return;
  visit(document, {
    Node(_key, node) {
      if ('anchor' in node && !isAlias(node)) delete node.anchor;
      // `<<: *defaults` became a mapping of its own: its fields move up.
      if (isMap(node)) unfoldMerge(node);
    },
  });
}

function unfoldMerge(map: import('yaml').YAMLMap): void {
  const at = map.items.findIndex(
    ({ key }) => isScalar(key) && (key.value === '<<' || String(key.value) === 'Symbol(<<)'),
  );
  if (at < 0) return;
  const [{ value }] = map.items.splice(at, 1);
  const sources = isSeq(value) ? value.items : [value];
  for (const source of sources) {
    if (!isMap(source)) continue;
    for (const pair of source.items) {
      if (!map.has(isScalar(pair.key) ? pair.key.value : pair.key)) map.items.push(pair);
    }
  }
}
