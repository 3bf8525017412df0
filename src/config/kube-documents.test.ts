import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../base/random.js';
import { ConfigError } from './error.js';
import { readKubeDocuments } from './kube-documents.js';
import { positionOf } from './position.js';
import { mutate } from './testing.js';

const SERVICE =
  'apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  namespace: shop\n  labels: {app: a}\nspec:\n  ports:\n  - port: 80\n';

describe('Kubernetes documents', () => {
  it('are taken from a file with several of them, empty ones passed over', () => {
    const { docs, errors } = readKubeDocuments(
      'f.yaml',
      `---\n${SERVICE}---\n# nothing\n---\n${SERVICE.replace('name: a', 'name: b')}`,
    );
    assert.deepEqual(errors, []);
    assert.deepEqual(
      docs.map((doc) => [doc.apiVersion, doc.kind, doc.metadata.namespace, doc.metadata.name, doc.position.line]),
      [
        ['v1', 'Service', 'shop', 'a', 2],
        ['v1', 'Service', 'shop', 'b', 14],
      ],
    );
    assert.deepEqual(docs[0].metadata.labels, { app: 'a' });
    assert.deepEqual(docs[0].metadata.annotations, {});
    assert.deepEqual(docs[0].spec, { ports: [{ port: 80 }] });
  });

  it('know where their fields were written', () => {
    const { docs } = readKubeDocuments('f.yaml', SERVICE);
    const [doc] = docs;
    assert.deepEqual(positionOf(doc.spec, 'ports'), { file: 'f.yaml', line: 8, col: 3 });
    assert.deepEqual(positionOf(doc.spec.ports, '0'), { file: 'f.yaml', line: 9, col: 5 });
    assert.deepEqual(positionOf(doc.raw, 'spec'), { file: 'f.yaml', line: 7, col: 1 });
    assert.deepEqual(positionOf(doc.metadata, 'namespace'), { file: 'f.yaml', line: 5, col: 3 });
    assert.deepEqual(positionOf(doc.metadata.labels, 'app'), { file: 'f.yaml', line: 6, col: 12 });
  });

  it('are taken out of lists, in JSON too', () => {
    const item = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } };
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [item, { ...item, kind: 'PodList', items: [item] }],
    });
    const { docs, errors } = readKubeDocuments('f.json', text);
    assert.deepEqual(errors, []);
    assert.deepEqual(
      docs.map((doc) => doc.kind),
      ['Service', 'Service'],
    );
    assert.equal(docs[0].metadata.namespace, undefined);
  });

  it('with mistakes are left out and told, the others stay', () => {
    const bad = [
      'kind: Service\nmetadata: {name: a}\n',
      'apiVersion: v1\nmetadata: {name: a}\n',
      'apiVersion: v1\nkind: Service\n',
      'apiVersion: v1\nkind: Service\nmetadata: {}\n',
      'apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {x: on}}\n',
      'apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: 5}\n',
      '- a list\n',
      'a: 1\na: 2\n',
    ];
    const { docs, errors } = readKubeDocuments('f.yaml', [...bad, SERVICE].join('---\n'));
    assert.equal(docs.length, 1);
    assert.equal(errors.length, bad.length);
    assert.deepEqual(
      errors.map((error) => error.message),
      [
        'f.yaml:1:1: apiVersion: the field is missing; allowed: such as networking.istio.io/v1',
        'f.yaml:4:1: kind: the field is missing; allowed: such as VirtualService',
        'f.yaml:7:1: metadata: the field is missing; allowed: a mapping with name',
        'f.yaml:12:1: metadata.name: the field is missing; allowed: a string',
        'f.yaml:16:30: metadata.labels[x]: the boolean true is not allowed here; allowed: a string; quote it',
        'f.yaml:20:21: metadata.namespace: the number 5 is not allowed here; allowed: a string; quote it',
        'f.yaml:22:1: a list is not allowed here; allowed: a mapping with apiVersion and kind',
        'f.yaml:25:1: the key "a" is repeated; it stands in line 24 already; allowed: every key once',
      ],
    );
  });

  it('may be named by generateName', () => {
    const { docs, errors } = readKubeDocuments('f.yaml', 'apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n');
    assert.deepEqual(errors, []);
    assert.equal(docs[0].metadata.name, 'a-');
  });

  it('never make the reader fail', () => {
    const random = seededRandom(7);
    for (let i = 0; i < 1500; i++) {
      const { docs, errors } = readKubeDocuments('f.yaml', mutate(random, `${SERVICE}---\n${SERVICE}`, 5));
      for (const error of errors) assert.ok(error instanceof ConfigError && error.position !== null);
      for (const doc of docs) {
        assert.equal(typeof doc.metadata.name, 'string');
        for (const value of Object.values(doc.metadata.labels)) assert.equal(typeof value, 'string');
      }
    }
  });
});
