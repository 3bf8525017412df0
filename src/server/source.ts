import type { Dispatcher } from '../base/dispatcher.js';
import { type FileWatcher, snapshotOf, watchFiles } from '../config/watch.js';
import { type Loaded, type LoadOptions, loadConfiguration } from './load.js';

/** Where the configuration of a running process comes from. */
export interface ConfigSource {
  /**
   * Resolves when everything has arrived, and the first `read` can be made. Listeners are not bound before.
   */
  ready(): Promise<void>;
  /**
   * What the configuration is now.
   * @throws ConfigError; `Unreadable` when it may be readable a moment later
   */
  read(): Loaded;
  /** From now on calls `onChange` after every change; one that returns false is called again later. Once. */
  follow(onChange: () => boolean): void;
  /**
   * What was read cannot be put in force. True when the source knows which part of it that concerns, and will leave it out of what
   * `read` gives from now on.
   */
  leaveOut?(error: unknown): boolean;
  close(): void;
}

/** Files and folders, watched. */
export class FileSource implements ConfigSource {
  /** The state of the files before they were last read. */
  private seen: string | null = null;
  private watcher: FileWatcher | null = null;
  private readonly paths: readonly string[];

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly options: LoadOptions,
  ) {
    this.paths = options.bootstrapPath === null ? options.paths : [options.bootstrapPath, ...options.paths];
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  read(): Loaded {
    this.seen = snapshotOf(this.paths);
    return loadConfiguration(this.options);
  }

  follow(onChange: () => boolean): void {
    this.watcher = watchFiles(this.dispatcher, this.paths, onChange, this.seen);
  }

  close(): void {
    this.watcher?.close();
  }
}
