import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config/error.js';
import { loadBootstrap } from './bootstrap.js';

interface Case {
  name: string;
  accepted: boolean;
  /** What is put into the places of the base document. */
  parts?: Record<string, string>;
  /** A whole document instead. */
  text?: string;
}

const FILE = fileURLToPath(new URL('../../src/xds/goldens/config-verdicts.json', import.meta.url));
const goldens = JSON.parse(readFileSync(FILE, 'utf8')) as { base: string; cases: Case[] };

/** Envoy takes these; they are refused because a part of them would have no effect, or is not supported. */
const STRICTER: Record<string, RegExp> = {
  both: /stream_idle_timeout repeats streamIdleTimeout/,
  dup: /the key "stream_idle_timeout" is repeated/,
  'two docs': /there is a second document/,
  'repeated null': /internal_only_headers\[1\]: null is not allowed here/,
  'map null': /filter_metadata\[a\]: null is not allowed here/,
  'double str nan': /NaN/,
  'dup thresholds': /thresholds of priority DEFAULT are repeated/,
  'no filters http': /there is no HTTP filter/,
  'filter optional unknown': /not supported: google.protobuf.Struct as http filter/,
  'dup names': /the listener a is given twice/,
  'retry prio': /update_frequency is missing/,
  'hdr raw+value': /value and raw_value exclude each other/,
  tracing: /not supported: tracing$/,
  'flush admin': /not supported: statistics are flushed by interval/,
  'dns endpoint no addr': /the endpoint has no address/,
};

/** Envoy refuses these when it compiles formats or opens files, which happens after the configuration was read. */
const LATER = new Set([
  'header bad fmt',
  'access log bad fmt',
  'tls up missing file',
  'tp filters',
  'uri template bad',
  'direct body big',
  'direct body file none',
  'direct body env none',
]);

function textOf(one: Case): string {
  if (one.text !== undefined) return one.text;
  return goldens.base.replace(/\{([A-Z]+)\}/g, (_, place: string) => one.parts![place] ?? '');
}

function verdict(one: Case): ConfigError | null {
  try {
    loadBootstrap([{ path: 'bootstrap.yaml', text: textOf(one) }]);
    return null;
  } catch (error) {
    assert.ok(error instanceof ConfigError, `${one.name}: ${(error as Error).stack}`);
    return error;
  }
}

describe('a bootstrap', () => {
  it('is taken or refused as Envoy takes or refuses it', () => {
    const wrong: string[] = [];
    for (const one of goldens.cases) {
      if (one.name in STRICTER || LATER.has(one.name)) continue;
      const error = verdict(one);
      if ((error === null) !== one.accepted) wrong.push(`${one.name}: ${error?.message ?? 'taken'}`);
    }
    assert.deepEqual(wrong, []);
  });

  it('is refused with the position of every mistake', () => {
    let seen = 0;
    for (const one of goldens.cases) {
      const error = verdict(one);
      for (const mistake of error?.all ?? []) {
        assert.equal(mistake.position?.file, 'bootstrap.yaml', `${one.name}: ${mistake.message}`);
        seen++;
      }
    }
    assert.ok(seen > 200);
  });

  it('is refused in the few known cases where Envoy would drop something', () => {
    for (const one of goldens.cases) {
      if (!(one.name in STRICTER)) continue;
      assert.equal(one.accepted, true, one.name);
      assert.match(verdict(one)?.message ?? 'taken', STRICTER[one.name], one.name);
    }
    for (const one of goldens.cases) if (LATER.has(one.name)) assert.equal(verdict(one), null, one.name);
  });
});
