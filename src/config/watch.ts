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
 * `..data` beside the links to its files. Every folder on the way of a symbolic link is watched too. A sign only starts a comparison:
 * nothing is called when the inode, size and time of every file are as they were.
 */
export function watchFiles(
  dispatcher: Dispatcher,
  paths: readonly string[],
  onChange: () => void,
  watchFolder: WatchFolder = watchWithSystem,
): FileWatcher {
  return new Watcher(dispatcher, paths, onChange, watchFolder);
}

interface Watched {
  /** A folder that was removed and made anew has another inode, and its old watch is dead. */
  inode: number;
  watcher: { close(): void };
}

const SETTLE = 0;
const POLL = 1;

class Watcher implements FileWatcher, TimerOwner {
  private readonly folders = new Map<string, Watched>();
  /** Armed by a sign, put off by further signs up to the limit; when it fires the files are compared. */
  private readonly settle = new Timer(this, SETTLE);
  /** Armed while a folder cannot be watched; when it fires the files are compared. */
  private readonly poll = new Timer(this, POLL);
  private firstSign = 0;
  private seen: string;
  private closed = false;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly paths: readonly string[],
    private readonly onChange: () => void,
    private readonly watchFolder: WatchFolder,
  ) {
    dispatcher.enter();
    try {
      this.follow();
    } finally {
      dispatcher.leave();
    }
    this.seen = this.signature();
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
    const now = this.signature();
    if (now === this.seen) return;
    this.seen = now;
    this.onChange();
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
    const wanted = new Map<string, number>();
    let complete = true;
    for (const path of this.paths) complete = collectFolders(path, wanted) && complete;
    for (const [folder, watched] of this.folders) {
      if (wanted.get(folder) === watched.inode) continue;
      watched.watcher.close();
      this.folders.delete(folder);
    }
    for (const [folder, inode] of wanted) {
      if (!this.folders.has(folder)) complete = this.watch(folder, inode) && complete;
    }
    if (!complete) this.dispatcher.timers.arm(this.poll, POLL_MS, this.dispatcher.now);
  }

  private watch(folder: string, inode: number): boolean {
    const failed = () => {
      this.folders.get(folder)?.watcher.close();
      this.folders.delete(folder);
      this.sign();
    };
    try {
      this.folders.set(folder, { inode, watcher: this.watchFolder(folder, this.sign, failed) });
      return true;
    } catch {
      return false;
    }
  }

  private signature(): string {
    return this.paths.map((path) => signatureOf(path)).join('\n');
  }
}

const MAX_LINKS = 40;

/** Adds the folder of a path, of every link on its way and, of a folder, the folder itself. False when the path leads nowhere. */
function collectFolders(path: string, into: Map<string, number>): boolean {
  let at = resolve(path);
  try {
    for (let hops = 0; hops < MAX_LINKS; hops++) {
      const folder = dirname(at);
      into.set(folder, statSync(folder).ino);
      const link = linkOn(at);
      if (link === null) {
        const stat = statSync(at);
        if (stat.isDirectory()) into.set(at, stat.ino);
        return true;
      }
      into.set(dirname(link.path), statSync(dirname(link.path)).ino);
      at = link.target;
    }
    return false;
  } catch {
    return false;
  }
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
