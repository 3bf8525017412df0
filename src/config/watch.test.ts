import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Dispatcher } from '../base/dispatcher.js';
import { POLL_MS, SETTLE_LIMIT_MS, SETTLE_MS, snapshotOf, type WatchFolder, watchFiles } from './watch.js';

let folder: string;
let time: number;
let dispatcher: Dispatcher;
let changes: number;
let signs: Map<string, () => void>;
let refuse: Set<string>;
let readable: boolean;

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
  return readable;
};

/** Version `n` of a mounted ConfigMap, as the kubelet writes it (AtomicWriter): files, links to them, and one link that is swapped. */
function writeConfigMap(n: number, files: Record<string, string>): void {
  const name = `..2026_01_01_00_00_00.${n}`;
  mkdirSync(join(folder, name));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
  symlinkSync(name, join(folder, '..data_tmp'));
  const old = existsSync(join(folder, '..data')) ? readlinkSync(join(folder, '..data')) : null;
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  for (const file of Object.keys(files)) {
    if (!existsSync(join(folder, file))) symlinkSync(`..data/${file}`, join(folder, file));
  }
  for (const file of readdirSync(folder)) {
    if (!file.startsWith('..') && !(file in files)) unlinkSync(join(folder, file));
  }
  if (old !== null) rmSync(join(folder, old), { recursive: true });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'halfopen-watch-'));
  time = 1000;
  dispatcher = new Dispatcher({ monotonic: () => time, wall: () => time }, undefined, true);
  changes = 0;
  signs = new Map();
  refuse = new Set();
  readable = true;
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('watching files', () => {
  it('calls once, after the quiet time, however many signs come', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const watcher = watchFiles(dispatcher, [file], onChange, null, fake);
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
    const watcher = watchFiles(dispatcher, [file], onChange, null, fake);
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
    const watcher = watchFiles(dispatcher, [file], onChange, null, fake);
    writeFileSync(join(folder, 'b.yaml'), 'b');
    settle(folder);
    assert.equal(changes, 0);
    watcher.close();
  });

  it('sees a new file renamed over the old one, as editors write', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const watcher = watchFiles(dispatcher, [file], onChange, null, fake);
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
    const watcher = watchFiles(dispatcher, [join(folder, 'a.yaml')], onChange, null, fake);
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
    const watcher = watchFiles(dispatcher, [folder], onChange, null, fake);
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
    const watcher = watchFiles(dispatcher, [join(inner, 'a.yaml')], onChange, null, fake);
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
    const watcher = watchFiles(dispatcher, [join(folder, 'a')], onChange, null, fake);
    assert.equal(changes, 0);
    watcher.close();
  });

  it('sees what changed between the first reading and the first watch', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const seen = snapshotOf([folder]);
    writeFileSync(file, 'ab');
    const watcher = watchFiles(dispatcher, [folder], onChange, seen, fake);
    assert.equal(changes, 0);
    advance(SETTLE_MS + 4);
    assert.equal(changes, 1);
    watcher.close();
  });

  it('asks again for what could not be read, without a sign, until it could', () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, 'a');
    const watcher = watchFiles(dispatcher, [folder], onChange, null, fake);
    readable = false;
    writeFileSync(file, 'ab');
    settle(folder);
    assert.equal(changes, 1);
    advance(POLL_MS + 4);
    assert.equal(changes, 2);
    readable = true;
    advance(POLL_MS + 4);
    assert.equal(changes, 3);
    advance(POLL_MS + 4);
    assert.equal(changes, 3);
    assert.equal(dispatcher.timers.size, 0);
    watcher.close();
  });

  it('watches where the links of a folder lead', () => {
    const elsewhere = join(folder, 'elsewhere');
    const named = join(folder, 'named');
    mkdirSync(elsewhere);
    mkdirSync(named);
    writeFileSync(join(elsewhere, 'a.yaml'), 'a');
    symlinkSync(join(elsewhere, 'a.yaml'), join(named, 'a.yaml'));
    const watcher = watchFiles(dispatcher, [named], onChange, null, fake);
    writeFileSync(join(elsewhere, 'a.yaml'), 'ab');
    settle(elsewhere);
    assert.equal(changes, 1);
    watcher.close();
  });

  it('watches a folder anew that was removed and made again', () => {
    const inner = join(folder, 'conf');
    mkdirSync(inner);
    writeFileSync(join(inner, 'a.yaml'), 'a');
    const watcher = watchFiles(dispatcher, [inner], onChange, null, fake);
    const before = signs.get(inner);
    rmSync(inner, { recursive: true });
    mkdirSync(inner);
    writeFileSync(join(inner, 'a.yaml'), 'a');
    settle(folder);
    assert.notEqual(signs.get(inner), undefined);
    assert.equal(changes, 1);
    writeFileSync(join(inner, 'b.yaml'), 'b');
    settle(inner);
    assert.equal(changes, 2);
    assert.ok(before);
    watcher.close();
  });

  it('follows a mounted ConfigMap with the signs of the system: swaps, new keys, keys that go', async () => {
    const real = new Dispatcher();
    // Neither watches nor timers of the dispatcher keep a process; this does.
    const keeps = watch(folder);
    writeConfigMap(1, { 'a.yaml': 'a1' });
    let told: () => void = () => {};
    const read = () => {
      const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
      return files.map((name) => `${name}=${readFileSync(join(folder, name), 'utf8')}`).join(' ');
    };
    let last = read();
    const watcher = watchFiles(real, [folder], () => {
      last = read();
      told();
      return true;
    });
    const until = async (text: string) => {
      while (last !== text) await new Promise<void>((done) => (told = done));
    };
    writeConfigMap(2, { 'a.yaml': 'a2' });
    await until('a.yaml=a2');
    writeConfigMap(3, { 'a.yaml': 'a3', 'b.yaml': 'b3' });
    await until('a.yaml=a3 b.yaml=b3');
    // Several swaps within the quiet time are one change.
    for (let n = 4; n < 8; n++) writeConfigMap(n, { 'a.yaml': `a${n}`, 'b.yaml': `b${n}` });
    await until('a.yaml=a7 b.yaml=b7');
    writeConfigMap(8, { 'b.yaml': 'b8' });
    await until('b.yaml=b8');
    keeps.close();
    watcher.close();
    real.timers.stop();
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
