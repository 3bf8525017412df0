import type { Messages } from './messages.js';
import { messageType } from './schema.js';
import type { Any } from './types.js';

export const TYPE_PREFIX = 'type.googleapis.com/';

const urls = new Map<string, string>();

/** `type.googleapis.com/…` of a message. */
export function typeUrl(name: keyof Messages): string {
  let url = urls.get(name);
  if (url === undefined) urls.set(name, (url = TYPE_PREFIX + messageType(name).fullName));
  return url;
}

/** True when an extension is the message of that short name. */
export function isType<K extends keyof Messages>(any: Any | undefined, name: K): any is Messages[K] & Any {
  return any !== undefined && any['@type'] === typeUrl(name);
}
