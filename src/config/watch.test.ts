import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Dispatcher } from '../base/dispatcher.js';
import { POLL_MS, SETTLE_LIMIT_MS, SETTLE_MS, type WatchFolder, watchFiles } from './watch.js';

let folder: string;
let time: number;
let dispatcher: Dispatcher;
let changes: number;
let signs: Map<string, () => void>;
let refuse: Set<string>;

const fake: WatchFolder = (name, onSign) => {
  if (refuse.has(name)) throw new Error('ENOSPC');
  signs.set(name, onSign);
  return { close: () => signs.delete(name) };
};

function advance(ms: number): void {
  time += ms;
  dispatcher.timers.run();
}

/** The folder tells that something happened, and the quiet time passes. */
function settle(name: string): void {
  signs.get(name)!();
  advance(SETTLE_MS + 4);
}

const onChange = () => {
  changes++;
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'halfopen-watch-'));
  time = 1000;
  dispatcher = new Dispatcher({ monotonic: () => time, wall: () => time }, undefined, true);
  changes = 0;
  signs = new Map();
  refuse = new Set();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('watching files', () => {
  it('calls once, after the quiet time, however many signs come', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const watcher = watchFiles(dispatcher, [file], onChange, fake);
    writeFileSync(file, 'ab');
    for (let i = 0; i < 5; i++) {
      signs.get(folder)!();
      advance(SETTLE_MS / 2);
    }
    assert.equal(changes, 0);
    advance(SETTLE_MS);
    assert.equal(changes, 1);
    watcher.close();
    assert.equal(signs.size, 0);
    assert.equal(dispatcher.timers.size, 0);
  });

  it('waits no longer than the limit while signs keep coming', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const watcher = watchFiles(dispatcher, [file], onChange, fake);
    writeFileSync(file, 'ab');
    let waited = 0;
    while (changes === 0 && waited < 2 * SETTLE_LIMIT_MS) {
      signs.get(folder)!();
      advance(20);
      waited += 20;
    }
    assert.equal(changes, 1);
    assert.ok(waited <= SETTLE_LIMIT_MS + 40, `waited ${waited}`);
    watcher.close();
  });

  it('does not call when another file of the folder changed', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const watcher = watchFiles(dispatcher, [file], onChange, fake);
    writeFileSync(join(folder, 'b.yaml'), 'b');
    settle(folder);
    assert.equal(changes, 0);
    watcher.close();
  });

  it('sees a new file renamed over the old one, as editors write', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const watcher = watchFiles(dispatcher, [file], onChange, fake);
    writeFileSync(join(folder, '.a.yaml.swp'), 'b');
    renameSync(join(folder, '.a.yaml.swp'), file);
    settle(folder);
    assert.equal(changes, 1);
    watcher.close();
  });

  it('sees the swapped link of a ConfigMap, again and again', () => {
    const version = (n: number) => {
      mkdirSync(join(folder, `..v${n}`));
      writeFileSync(join(folder, `..v${n}`, 'a.yaml'), `version ${n}`);
      symlinkSync(`..v${n}`, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
      if (n > 1) rmSync(join(folder, `..v${n - 1}`), { recursive: true });
    };
    version(1);
    symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
    const watcher = watchFiles(dispatcher, [join(folder, 'a.yaml')], onChange, fake);
    for (let n = 2; n < 5; n++) {
      version(n);
      settle(folder);
      assert.equal(changes, n - 1);
      assert.ok(signs.has(join(folder, `..v${n}`)), 'the new folder is watched');
      assert.ok(!signs.has(join(folder, `..v${n - 1}`)), 'the old one no longer');
    }
    watcher.close();
  });

  it('sees files that come and go in a folder', () => {
    const watcher = watchFiles(dispatcher, [folder], onChange, fake);
    writeFileSync(join(folder, 'a.yaml'), 'a');
    settle(folder);
    assert.equal(changes, 1);
    rmSync(join(folder, 'a.yaml'));
    settle(folder);
    assert.equal(changes, 2);
    watcher.close();
  });

  it('looks by itself while the folder is missing or cannot be watched', () => {
    const inner = join(folder, 'conf');
    const watcher = watchFiles(dispatcher, [join(inner, 'a.yaml')], onChange, fake);
    refuse.add(inner);
    mkdirSync(inner);
    writeFileSync(join(inner, 'a.yaml'), 'a');
    advance(POLL_MS + 4);
    assert.equal(changes, 1);
    writeFileSync(join(inner, 'a.yaml'), 'ab');
    advance(POLL_MS + 4);
    assert.equal(changes, 2);
    refuse.clear();
    advance(POLL_MS + 4);
    assert.ok(signs.has(inner));
    advance(POLL_MS + 4);
    assert.equal(dispatcher.timers.size, 0, 'nothing is polled once the folder is watched');
    watcher.close();
  });

  it('does not go round in circles of links', () => {
    symlinkSync('b', join(folder, 'a'));
    symlinkSync('a', join(folder, 'b'));
    const watcher = watchFiles(dispatcher, [join(folder, 'a')], onChange, fake);
    assert.equal(changes, 0);
    watcher.close();
  });

  it('gets its signs from the system', async () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const watcher = watchFiles(dispatcher, [file], onChange);
    await new Promise<void>((done) => {
      const beside = watch(folder, () => {
        beside.close();
        done();
      });
      writeFileSync(file, 'ab');
    });
    assert.equal(dispatcher.timers.size, 1);
    advance(SETTLE_MS + 4);
    assert.equal(changes, 1);
    watcher.close();
  });
});
