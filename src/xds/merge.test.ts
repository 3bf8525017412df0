import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMapping } from '../config/documents.js';
import { positionOf } from '../config/position.js';
import { mergeDocuments } from './merge.js';
import { messageType } from './schema.js';

function merge(base: string, over: string) {
  return mergeDocuments(messageType('Bootstrap'), readMapping('base.yaml', base), readMapping('over.yaml', over));
}

describe('a document merged over another', () => {
  it('merges messages field by field and replaces scalars', () => {
    const merged = merge(
      'node: {id: a, cluster: b}\nstats_flush_interval: 5s\n',
      'node: {id: x}\nstatsFlushInterval: 7s\n',
    );
    assert.deepEqual(merged, { node: { id: 'x', cluster: 'b' }, stats_flush_interval: '7s' });
    assert.equal(positionOf(merged.node as object, 'id')!.file, 'over.yaml');
    assert.equal(positionOf(merged.node as object, 'cluster')!.file, 'base.yaml');
  });

  it('appends lists, keeping the positions of the items', () => {
    const { static_resources } = merge(
      'static_resources: {clusters: [{name: a}]}',
      'static_resources: {clusters: [{name: b}]}',
    ) as {
      static_resources: { clusters: object[] };
    };
    assert.deepEqual(static_resources.clusters, [{ name: 'a' }, { name: 'b' }]);
    assert.equal(positionOf(static_resources.clusters, '1')!.file, 'over.yaml');
  });

  it('replaces entries of maps', () => {
    const base = 'node: {metadata: {a: 1}, dynamic_parameters: {}}\nstatic_resources: {clusters: []}\n';
    const merged = merge(base, 'node: {metadata: {b: 2}}\n') as { node: { metadata: object } };
    assert.deepEqual(merged.node.metadata, { b: 2 });
  });

  it('removes the other member of a oneof', () => {
    const merged = merge(
      'admin: {address: {pipe: {path: /a}}}',
      'admin: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}',
    );
    assert.deepEqual(merged, { admin: { address: { socket_address: { address: '127.0.0.1', port_value: 1 } } } });
  });

  it('changes nothing where the upper document has a default value', () => {
    assert.deepEqual(merge('node: {id: a}\n', 'node: {id: ""}\n'), { node: { id: 'a' } });
    assert.deepEqual(merge('node: {id: a}\n', 'node: null\n'), { node: { id: 'a' } });
  });

  it('leaves both documents as they were, and unknown fields for the decoder to refuse', () => {
    const base = readMapping('base.yaml', 'node: {id: a}\n');
    const over = readMapping('over.yaml', 'node: {id: b}\nfoo: 1\n');
    assert.deepEqual(mergeDocuments(messageType('Bootstrap'), base, over), { node: { id: 'b' }, foo: 1 });
    assert.deepEqual(base, { node: { id: 'a' } });
    assert.deepEqual(over, { node: { id: 'b' }, foo: 1 });
  });
});
