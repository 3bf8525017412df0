import { parseCel } from '../../base/cel-parser.js';
import { numberAt, stringAt, type Tree, treeAt, treesAt } from '../tree.js';
import type { Admission } from './common.js';

export function checkTelemetry(admission: Admission): void {
  const { spec } = admission.resource;
  admission.targets();
  for (const metrics of treesAt(spec, 'metrics')) checkMetrics(admission, metrics);
  const tracing = treesAt(spec, 'tracing');
  if (tracing.length > 1) admission.warn(spec, 'tracing', 'multiple tracing is not currently supported');
  for (const one of tracing) checkTracing(admission, one);
  for (const logging of treesAt(spec, 'accessLogging')) {
    checkProviders(admission, logging);
    const filter = treeAt(logging, 'filter');
    const reason = filter === undefined ? null : expressionFault(stringAt(filter, 'expression'));
    if (filter !== undefined && reason !== null) {
      admission.refuse(filter, 'expression', `must be a valid CEL expression: ${reason}`);
    }
  }
}

function expressionFault(text: string): string | null {
  try {
    parseCel(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function checkProviders(admission: Admission, owner: Tree): void {
  for (const provider of treesAt(owner, 'providers')) {
    if (stringAt(provider, 'name') === '') admission.refuse(provider, 'name', 'providers.name may not be empty');
  }
}

function checkMetrics(admission: Admission, metrics: Tree): void {
  checkProviders(admission, metrics);
  for (const override of treesAt(metrics, 'overrides')) {
    const tags = treeAt(override, 'tagOverrides') ?? {};
    for (const name of Object.keys(tags)) {
      if (name === '') admission.warn(tags, name, 'tagOverrides.name may not be empty');
      const tag = treeAt(tags, name);
      if (tag === undefined) {
        admission.refuse(tags, name, 'tagOverrides may not be null');
        continue;
      }
      const value = stringAt(tag, 'value');
      const remove = stringAt(tag, 'operation') === 'REMOVE';
      if (!remove && value === '') {
        admission.refuse(tag, 'value', 'tagOverrides.value must be set when operation is UPSERT');
      } else if (remove && value !== '') {
        admission.refuse(tag, 'value', 'tagOverrides.value may only be set when operation is UPSERT');
      }
    }
    const match = treeAt(override, 'match');
    if (match !== undefined && match['customMetric'] === '') {
      admission.refuse(match, 'customMetric', 'customMetric may not be empty');
    }
  }
}

function checkTracing(admission: Admission, tracing: Tree): void {
  if (treesAt(tracing, 'providers').length > 1) {
    admission.warn(tracing, 'providers', 'multiple providers is not currently supported');
  }
  checkProviders(admission, tracing);
  const sampling = numberAt(tracing, 'randomSamplingPercentage') ?? 0;
  if (sampling < 0 || sampling > 100) {
    admission.refuse(tracing, 'randomSamplingPercentage', 'randomSamplingPercentage must be in range [0.0, 100.0]');
  }
  const tags = treeAt(tracing, 'customTags') ?? {};
  for (const name of Object.keys(tags)) {
    if (name === '') admission.refuse(tags, name, 'tag name may not be empty');
    const tag = treeAt(tags, name);
    for (const [kind, field] of TAGS) {
      const source = treeAt(tag, kind);
      if (source !== undefined && stringAt(source, field) === '') {
        admission.refuse(source, field, `${kind} tag ${field} may not be empty`);
      }
    }
  }
}

const TAGS = [
  ['literal', 'value'],
  ['header', 'name'],
  ['environment', 'name'],
] as const;
