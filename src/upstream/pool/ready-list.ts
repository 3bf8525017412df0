import type { ActiveClient } from './active-client.js';

/** Connections that can take a stream; the one that became ready last is used first. */
export class ReadyList {
  first: ActiveClient | null = null;

  push(client: ActiveClient): void {
    client.readyPrev = null;
    client.readyNext = this.first;
    if (this.first !== null) this.first.readyPrev = client;
    this.first = client;
  }

  remove(client: ActiveClient): void {
    if (client.readyPrev !== null) client.readyPrev.readyNext = client.readyNext;
    else this.first = client.readyNext;
    if (client.readyNext !== null) client.readyNext.readyPrev = client.readyPrev;
    client.readyPrev = client.readyNext = null;
  }
}
