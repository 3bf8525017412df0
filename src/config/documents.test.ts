import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../base/random.js';
import { readDocuments, readMapping } from './documents.js';
import { ConfigError } from './error.js';
import { readJson } from './json-reader.js';
import type { Plain, PlainObject } from './plain.js';
import { positionOf } from './position.js';
import { resolveScalar } from './scalars.js';
import { mutate, randomText, randomValue } from './testing.js';

function one(text: string, dialect: 'envoy' | 'kubernetes' = 'envoy'): Plain {
  const { documents, errors } = readDocuments('f.yaml', text, dialect);
  assert.deepEqual(errors, []);
  assert.equal(documents.length, 1);
  return documents[0].value;
}

function errorsOf(text: string, dialect: 'envoy' | 'kubernetes' = 'envoy'): string[] {
  return readDocuments('f.yaml', text, dialect).errors.map((error) => error.message);
}

/** Every key of every container has a position in the file. */
function assertPositions(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  assert.ok(positionOf(value, '') !== null);
  for (const key of Object.keys(value)) {
    const position = positionOf(value, key);
    assert.ok(position !== null && position.line >= 1 && position.col >= 1, key);
    assertPositions((value as Record<string, unknown>)[key]);
  }
}

describe('a YAML document', () => {
  it('knows the line and column of every key and every item', () => {
    const value = one('# first\na:\n  b: [x, y]\n  "c": {d: 1}\ne:\n- f\n') as PlainObject;
    const a = value.a as PlainObject;
    assert.deepEqual(positionOf(value, 'a'), { file: 'f.yaml', line: 2, col: 1 });
    assert.deepEqual(positionOf(a, 'b'), { file: 'f.yaml', line: 3, col: 3 });
    assert.deepEqual(positionOf(a.b as object, '1'), { file: 'f.yaml', line: 3, col: 10 });
    assert.deepEqual(positionOf(a, 'c'), { file: 'f.yaml', line: 4, col: 3 });
    assert.deepEqual(positionOf(a.c as object, 'd'), { file: 'f.yaml', line: 4, col: 9 });
    assert.deepEqual(positionOf(value.e as object, '0'), { file: 'f.yaml', line: 6, col: 3 });
    assertPositions(value);
  });

  it('follows aliases to what the anchor stands for', () => {
    assert.deepEqual(one('a: &x {b: [1, 2]}\nc: *x\nd: [*x]\n'), {
      a: { b: [1, 2] },
      c: { b: [1, 2] },
      d: [{ b: [1, 2] }],
    });
  });

  it('is refused when an alias contains itself or multiplies without end', () => {
    assert.match(errorsOf('a: &x [*x]\n').join(), /f\.yaml:1:\d+: .*contains it/);
    let bomb = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
    for (let i = 1; i < 12; i++)
      bomb += `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`;
    assert.match(errorsOf(bomb).join(), /aliases make the document too large/);
    assert.match(errorsOf('a: *nowhere\n').join(), /nowhere/);
  });

  it('is refused when a key is repeated, at the second one', () => {
    assert.deepEqual(errorsOf('a: 1\nb: 2\na: 3\n'), [
      'f.yaml:3:1: the key "a" is repeated; it stands in line 1 already; allowed: every key once',
    ]);
    assert.match(errorsOf('{"a": 1, "a": 2}').join(), /repeated/);
  });

  it('is refused when it is nested too deeply', () => {
    for (const text of ['['.repeat(500) + ']'.repeat(500), '- '.repeat(500)]) {
      assert.equal(errorsOf(text).length, 1, text.slice(0, 3));
    }
  });

  it('is refused with the position of a mistake of syntax', () => {
    assert.match(errorsOf('a:\n  b: [1\nc: 2\n')[0], /^f\.yaml:3:1: /);
    assert.match(errorsOf('a: "x\n')[0], /^f\.yaml:\d:\d+: /);
  });

  it('leaves the other documents of the file alone', () => {
    const { documents, errors } = readDocuments('f.yaml', 'a: 1\n---\na: 1\na: 2\n---\nb: 2\n', 'envoy');
    assert.deepEqual(
      documents.map((document) => document.value),
      [{ a: 1 }, { b: 2 }],
    );
    assert.equal(documents[1].position.line, 6);
    assert.equal(errors.length, 1);
  });

  it('may have a key that JavaScript treats as special', () => {
    const value = one('__proto__: {a: 1}\nconstructor: 2\n') as PlainObject;
    assert.deepEqual(Object.keys(value), ['__proto__', 'constructor']);
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
  });

  it('takes a tag for a string and no other tags', () => {
    assert.deepEqual(one('a: !!str 5\nb: ! 6\nc: !!int 7\n'), { a: '5', b: '6', c: 7 });
    assert.match(errorsOf('a: !ruby/object x\n')[0], /tag/);
  });
});

describe('an unquoted scalar', () => {
  it('is a boolean in all forms of YAML 1.1, quoted it is text', () => {
    for (const dialect of ['envoy', 'kubernetes'] as const) {
      for (const text of ['y', 'Y', 'yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']) {
        assert.equal(resolveScalar(text, dialect), true, text);
      }
      for (const text of ['n', 'N', 'no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']) {
        assert.equal(resolveScalar(text, dialect), false, text);
      }
      for (const text of ['oN', 'yEs', 'tRUE', 'yess']) assert.equal(resolveScalar(text, dialect), text);
      for (const text of ['', '~', 'null', 'Null', 'NULL']) assert.equal(resolveScalar(text, dialect), null);
      assert.deepEqual(one('a: "on"\nb: \'y\'\nc: |\n  no\n', dialect), { a: 'on', b: 'y', c: 'no\n' });
    }
  });

  it('is for Envoy an integer of 32 bits or text', () => {
    const of = (text: string) => resolveScalar(text, 'envoy');
    assert.deepEqual([of('12'), of('-12'), of('+12'), of('010'), of('0x10'), of('0')], [12, -12, 12, 8, 16, 0]);
    assert.deepEqual(
      [of('2147483647'), of('2147483648'), of('-2147483649')],
      [2147483647, '2147483648', '-2147483649'],
    );
    assert.deepEqual(
      [of('0xffffffff'), of('08'), of('1.5'), of('1e3'), of('1_000')],
      ['4294967295', '08', '1.5', '1e3', '1_000'],
    );
  });

  it('is for Kubernetes what go-yaml makes of it', () => {
    const of = (text: string) => resolveScalar(text, 'kubernetes');
    assert.deepEqual([of('12'), of('010'), of('0x10'), of('0b11'), of('0o17'), of('1_000')], [12, 8, 16, 3, 15, 1000]);
    assert.deepEqual([of('1.5'), of('.5'), of('1e3'), of('-2.5E-1'), of('1e999')], [1.5, 0.5, 1000, -0.25, '1e999']);
    assert.deepEqual(
      [of('9007199254740993'), of('1.2.3'), of('12s'), of('2020-01-01')],
      ['9007199254740993', '1.2.3', '12s', '2020-01-01'],
    );
  });

  it('is also resolved where it is a key of a Kubernetes document', () => {
    assert.deepEqual(one('on: 1\n010: 2\n"on": 3\n', 'kubernetes'), { true: 1, 8: 2, on: 3 });
    assert.deepEqual(one('on: 1\n', 'envoy'), { on: 1 });
  });

  it('merges mappings by << in Kubernetes documents only', () => {
    const text = 'a: &a {x: 1, w: 2}\nb: &b {x: 5, z: 6}\nc: {<<: [*a, *b], w: 9}\n';
    assert.deepEqual((one(text, 'kubernetes') as PlainObject).c, { w: 9, x: 1, z: 6 });
    assertPositions(one(text, 'kubernetes'));
    assert.deepEqual(one('c: {<<: {x: 1}}', 'envoy'), { c: { '<<': { x: 1 } } });
    assert.match(errorsOf('<<: 5\n', 'kubernetes')[0], /<< needs a mapping/);
  });
});

describe('JSON', () => {
  it('is read as JSON.parse reads it, with positions', () => {
    const random = seededRandom(3);
    for (let i = 0; i < 1500; i++) {
      const value = randomValue(random);
      const text = JSON.stringify(value, null, random.u32() % 3);
      const read = readJson('f.json', text);
      assert.deepEqual(read, JSON.parse(text));
      assertPositions(read);
    }
  });

  it('is refused where JSON.parse refuses it, and only with a ConfigError', () => {
    const random = seededRandom(4);
    let refused = 0;
    for (let i = 0; i < 4000; i++) {
      const text = mutate(random, JSON.stringify(randomValue(random)));
      let expected = true;
      try {
        JSON.parse(text);
      } catch {
        expected = false;
      }
      try {
        readJson('f.json', text);
        assert.equal(expected, true, text);
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
        assert.ok(error.position!.line >= 1 && error.position!.col >= 1);
        if (expected) assert.match(error.reason, /repeated|too large/, text);
        refused++;
      }
    }
    assert.ok(refused > 500);
  });

  it('keeps integers that a double cannot hold as text', () => {
    assert.deepEqual(readJson('f.json', '[9007199254740993, 9007199254740991, 1e2]'), [
      '9007199254740993',
      9007199254740991,
      100,
    ]);
  });

  it('counts lines and columns', () => {
    const value = readJson('f.json', '{\n  "a": [\n    1,\n    {"b": 2}\n  ]\n}') as PlainObject;
    const list = value.a as Plain[];
    assert.deepEqual(positionOf(list, '1'), { file: 'f.json', line: 4, col: 5 });
    assert.deepEqual(positionOf(list[1] as object, 'b'), { file: 'f.json', line: 4, col: 6 });
  });
});

describe('reading anything', () => {
  it('gives the same for a value in YAML as in JSON', () => {
    const random = seededRandom(5);
    for (let i = 0; i < 300; i++) {
      const value = { v: randomValue(random) };
      // A comment makes it YAML.
      const text = `${JSON.stringify(value, null, 1)}\n# end\n`;
      assert.deepEqual(one(text, 'kubernetes'), JSON.parse(JSON.stringify(value)));
    }
  });

  it('never fails otherwise than with errors that have a position', () => {
    const random = seededRandom(6);
    const seed = 'a: &x {b: [1, two, "three"]}\n---\n- c: *x\n  d: |\n    text\n- !!str e\n? f\n: g\n';
    for (let i = 0; i < 2500; i++) {
      const text =
        i % 3 === 0 ? Array.from({ length: 12 }, () => randomText(random)).join('\n') : mutate(random, seed, 4);
      const { documents, errors } = readDocuments('f.yaml', text, i % 2 === 0 ? 'envoy' : 'kubernetes');
      for (const error of errors) assert.ok(error instanceof ConfigError && error.position !== null);
      for (const document of documents) assertPositions(document.value);
    }
  });
});

describe('a configuration file', () => {
  const refused = (text: string) => {
    try {
      readMapping('f.yaml', text);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
    return 'accepted';
  };

  it('holds one mapping', () => {
    assert.deepEqual(readMapping('f.yaml', '---\na: 1\n---\n'), { a: 1 });
    assert.match(refused(''), /^f\.yaml:1:1: the document is empty/);
    assert.match(refused('- a\n'), /^f\.yaml:1:1: the document is no mapping/);
    assert.match(refused('a: 1\n---\nb: 2\n'), /^f\.yaml:3:1: there is a second document/);
  });

  it('may be a flow mapping of YAML, which is almost JSON', () => {
    assert.deepEqual(readMapping('f.yaml', '{a: 1, b: [c]}'), { a: 1, b: ['c'] });
  });
});
