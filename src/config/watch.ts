import { lstatSync, readdirSync, readlinkSync, statSync, watch } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Dispatcher } from '../base/dispatcher.js';
import { Timer, type TimerOwner } from '../base/timer-wheel.js';

/** Quiet time after the last sign of a change, ms: an editor or the kubelet makes several in a row. */
export const SETTLE_MS = 50;
/** Longest wait while signs keep coming, ms. */
export const SETTLE_LIMIT_MS = 1000;
/** How often files are looked at where the system gives no signs (a folder is gone, no watches are left), ms. */
export const POLL_MS = 2000;

export interface FileWatcher {
  /** Stops for good; may be called twice. */
  close(): void;
}

/**
 * What is read through `paths` at this moment, as a text to compare with. Take it before reading: what changes while the reading
 * goes on is noticed then.
 */
export function snapshotOf(paths: readonly string[]): string {
  return paths.map((path) => signatureOf(path)).join('\n');
}

/** Watches one folder. Throws when it cannot; calls `onFailure` when it no longer can. */
export type WatchFolder = (folder: string, onSign: () => void, onFailure: () => void) => { close(): void };

const watchWithSystem: WatchFolder = (folder, onSign, onFailure) => {
  const watcher = watch(folder, { persistent: false }, onSign);
  watcher.on('error', onFailure);
  return watcher;
};

/**
 * Calls `onChange` when what is read through one of `paths` has changed: the content of a file; of a folder also which files it has.
 *
 * Folders are watched, not files: an editor renames a new file over the old one, and a Kubernetes ConfigMap swaps the symbolic link
 * `..data` beside the links to its files. Every folder on the way of a symbolic link is watched too, of a folder's files as well. A sign
 * only starts a comparison: nothing is called when the inode, size and time of every file are as they were.
 *
 * @param onChange reads what is there now. False: it could not be read (a file is gone or forbidden for a moment), so it is called again
 *   after `POLL_MS` although nothing has changed
 * @param seen `snapshotOf(paths)` from before the last reading; the present state when it is left out
 */
export function watchFiles(
  dispatcher: Dispatcher,
  paths: readonly string[],
  onChange: () => boolean | undefined,
  seen: string | null = null,
  watchFolder: WatchFolder = watchWithSystem,
): FileWatcher {
  return new Watcher(dispatcher, paths, onChange, seen, watchFolder);
}

interface Watched {
  /** A folder that was removed and made anew is another one, and its old watch is dead. */
  identity: string;
  watcher: { close(): void };
}

const SETTLE = 0;
const POLL = 1;

class Watcher implements FileWatcher, TimerOwner {
  private readonly folders = new Map<string, Watched>();
  /** Armed by a sign, put off by further signs up to the limit; when it fires the files are compared. */
  private readonly settle = new Timer(this, SETTLE);
  /** Armed while a folder cannot be watched or the files cannot be read; when it fires the files are compared. */
  private readonly poll = new Timer(this, POLL);
  private firstSign = 0;
  private seen: string;
  /** The last reading failed: the next comparison counts as a change. */
  private unread = false;
  private closed = false;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly paths: readonly string[],
    private readonly onChange: () => boolean | undefined,
    seen: string | null,
    private readonly watchFolder: WatchFolder,
  ) {
    dispatcher.enter();
    try {
      this.follow();
      const now = snapshotOf(paths);
      this.seen = seen ?? now;
      if (this.seen !== now) dispatcher.timers.arm(this.settle, SETTLE_MS, dispatcher.now);
    } finally {
      dispatcher.leave();
    }
  }

  close(): void {
    this.closed = true;
    this.dispatcher.timers.cancel(this.settle);
    this.dispatcher.timers.cancel(this.poll);
    for (const watched of this.folders.values()) watched.watcher.close();
    this.folders.clear();
  }

  onTimer(): void {
    this.follow();
    const now = snapshotOf(this.paths);
    if (now === this.seen && !this.unread) return;
    this.seen = now;
    this.unread = this.onChange() === false;
    if (this.unread && !this.closed) this.dispatcher.timers.arm(this.poll, POLL_MS, this.dispatcher.now);
  }

  private readonly sign = () => {
    if (this.closed) return;
    const { dispatcher } = this;
    dispatcher.enter();
    try {
      if (!this.settle.armed) this.firstSign = dispatcher.now;
      const left = this.firstSign + SETTLE_LIMIT_MS - dispatcher.now;
      dispatcher.timers.arm(this.settle, Math.max(0, Math.min(SETTLE_MS, left)), dispatcher.now);
    } finally {
      dispatcher.leave();
    }
  };

  /** Watches the folders that the paths now lead through, and no others. */
  private follow(): void {
    const wanted = new Map<string, string>();
    let complete = true;
    for (const path of this.paths) complete = collectFolders(path, wanted, true) && complete;
    for (const [folder, watched] of this.folders) {
      if (wanted.get(folder) === watched.identity) continue;
      watched.watcher.close();
      this.folders.delete(folder);
    }
    for (const [folder, identity] of wanted) {
      if (!this.folders.has(folder)) complete = this.watch(folder, identity) && complete;
    }
    if (!complete) this.dispatcher.timers.arm(this.poll, POLL_MS, this.dispatcher.now);
  }

  private watch(folder: string, identity: string): boolean {
    const failed = () => {
      this.folders.get(folder)?.watcher.close();
      this.folders.delete(folder);
      this.sign();
    };
    try {
      this.folders.set(folder, { identity, watcher: this.watchFolder(folder, this.sign, failed) });
      return true;
    } catch {
      return false;
    }
  }
}

const MAX_LINKS = 40;

/**
 * Adds the folder of a path, of every link on its way and, of a folder, the folder itself and where the links in it lead. False when
 * the path leads nowhere.
 */
function collectFolders(path: string, into: Map<string, string>, inside: boolean): boolean {
  let at = resolve(path);
  try {
    for (let hops = 0; hops < MAX_LINKS; hops++) {
      const folder = dirname(at);
      into.set(folder, identityOf(folder));
      const link = linkOn(at);
      if (link !== null) {
        into.set(dirname(link.path), identityOf(dirname(link.path)));
        at = link.target;
        continue;
      }
      if (!statSync(at).isDirectory()) return true;
      into.set(at, identityOf(at));
      if (!inside) return true;
      let complete = true;
      for (const entry of readdirSync(at, { withFileTypes: true })) {
        if (entry.name.startsWith('.') || !entry.isSymbolicLink()) continue;
        complete = collectFolders(join(at, entry.name), into, false) && complete;
      }
      return complete;
    }
    return false;
  } catch {
    return false;
  }
}

/** Inode and time of birth: the number alone can be given again to the next folder of that name. */
function identityOf(folder: string): string {
  const { dev, ino, birthtimeMs } = statSync(folder);
  return `${dev} ${ino} ${birthtimeMs}`;
}

/** The first symbolic link among the parts of a path, and where the path leads when it is followed; null when there is none. */
function linkOn(path: string): { path: string; target: string } | null {
  const parts = path.split('/').filter(Boolean);
  let at = '/';
  for (let i = 0; i < parts.length; i++) {
    at = join(at, parts[i]);
    if (!lstatSync(at).isSymbolicLink()) continue;
    return { path: at, target: join(resolve(dirname(at), readlinkSync(at)), ...parts.slice(i + 1)) };
  }
  return null;
}

/** Text that changes when a file, or a file of a folder, is another one or has other content. */
function signatureOf(path: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isDirectory()) return `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
    const names = readdirSync(path)
      .filter((name) => !name.startsWith('.'))
      .sort();
    return names.map((name) => `${name} ${fileSignature(join(path, name))}`).join(';');
  } catch {
    return 'absent';
  }
}

function fileSignature(path: string): string {
  try {
    const stat = statSync(path);
    return stat.isDirectory() ? 'folder' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`;
  } catch {
    return 'absent';
  }
}
