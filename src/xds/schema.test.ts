import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { allTypes, messagesOf, messageType, shortNameOf, typeOf } from './schema.js';

const SOURCES = fileURLToPath(new URL('../../src/xds/', import.meta.url));
const SCALARS = 'string bool bytes uint32 int32 uint64 int64 double float duration struct value any'.split(' ');

function messages() {
  return allTypes()
    .map((name) => typeOf(name)!)
    .filter((type) => type.kind === 'message');
}

describe('the tables of messages', () => {
  it('can be read to the end, and every type they name is in them', () => {
    assert.ok(messages().length > 200);
    for (const message of messages()) {
      assert.equal(shortNameOf(message.fullName), message.name);
      for (const field of message.fields) {
        if (field.refused !== '') continue;
        const known = SCALARS.includes(field.type) || typeOf(field.type) !== undefined;
        assert.ok(known, `${message.name}.${field.name}: ${field.type}`);
        if (field.type === 'any' && message.name !== 'TypedExtensionConfig') {
          assert.notEqual(field.category, '', `${message.name}.${field.name}`);
        }
      }
      for (const oneof of message.requiredOneofs) {
        assert.ok(
          message.fields.some((field) => field.oneof === oneof),
          `${message.name}: ${oneof}`,
        );
      }
    }
  });

  it('give a reason for every field they refuse', () => {
    for (const message of messages()) {
      for (const field of message.fields) {
        if (field.refused !== '') assert.match(field.refused, /\w{3,}/, `${message.name}.${field.name}`);
      }
    }
  });

  it('list only known messages at the extension points', () => {
    const points = new Set(messages().flatMap((message) => message.fields.map((field) => field.category)));
    points.delete('');
    assert.ok(points.has('http_filter'));
    for (const point of points) {
      for (const name of messagesOf(point)) assert.equal(messageType(name).name, name);
      if (point !== 'metadata') assert.ok(messagesOf(point).length > 0, point);
    }
  });

  it('carry the same fields as the interfaces of the model', () => {
    const text = readdirSync(SOURCES)
      .filter((name) => name.startsWith('types-'))
      .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
      .join('\n');
    for (const message of messages()) {
      const carried = message.fields.filter((field) => field.refused === '').map((field) => field.name);
      if (carried.length === 0) {
        assert.match(text, new RegExp(`export type ${message.name} = Record<string, never>;`));
        continue;
      }
      const body = new RegExp(`export interface ${message.name} \\{\\n([^}]*)\\n\\}`).exec(text);
      assert.ok(body !== null, `no interface ${message.name}`);
      const written = [...body[1].matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]);
      assert.deepEqual(written, carried, message.name);
    }
  });

  it('make a field optional in the model exactly when it may be absent', () => {
    const text = readdirSync(SOURCES)
      .filter((name) => name.startsWith('types-'))
      .map((name) => readFileSync(join(SOURCES, name), 'utf8'))
      .join('\n');
    for (const message of messages()) {
      const body = new RegExp(`export interface ${message.name} \\{\\n([^}]*)\\n\\}`).exec(text)?.[1] ?? '';
      for (const field of message.fields) {
        if (field.refused !== '') continue;
        const plain = SCALARS.slice(0, 9).includes(field.type) || typeOf(field.type)?.kind === 'enum';
        const there =
          field.shape !== 'single' || field.rules.required || (plain && !field.wrapper && field.oneof === '');
        const optional = new RegExp(`^ {2}${field.name}\\?:`, 'm').test(body);
        assert.equal(optional, !there, `${message.name}.${field.name}`);
      }
    }
  });
});
