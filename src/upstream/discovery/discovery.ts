/** Where the hosts of a cluster come from. */
export interface Discovery {
  /** Begins; `ready` is called once, when the first answer (good or bad) has been dealt with, possibly inside the call. */
  start(ready: () => void): void;
  stop(): void;
}
