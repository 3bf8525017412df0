import type { AdminHost } from './host.js';

/** A request to an admin path. */
export interface AdminRequest {
  method: string;
  /** Path as sent, with the query. */
  target: string;
  query: Query;
  /** Parameters of an urlencoded body. */
  body: Query;
}

export interface AdminReply {
  status: number;
  body: string;
  /** Default `text/plain; charset=UTF-8`. */
  contentType?: string;
  /** Runs when the answer has been sent. */
  after?: () => void;
  /** Envoy sends `x-content-type-options` twice on some errors of /config_dump. */
  nosniffTwice?: boolean;
}

export interface Parameter {
  id: string;
  description: string;
}

export interface AdminHandler {
  path: string;
  help: string;
  /** Changes something: POST only. */
  mutates: boolean;
  params: readonly Parameter[];
  run(request: AdminRequest, host: AdminHost): AdminReply | Promise<AdminReply>;
}

export const TEXT = 'text/plain; charset=UTF-8';
export const JSON_TYPE = 'application/json';
export const HTML = 'text/html; charset=UTF-8';

export const ok = (body = 'OK\n'): AdminReply => ({ status: 200, body });
export const text = (status: number, body: string): AdminReply => ({ status, body });

/** JSON as Envoy prints its messages: one blank of indentation, a newline at the end. */
export function json(value: object): AdminReply {
  return { status: 200, body: prettyJson(value), contentType: JSON_TYPE };
}

export function prettyJson(value: object): string {
  return `${JSON.stringify(value, null, 1)}\n`;
}

/** Query parameters; the first of a repeated name counts. */
export class Query {
  readonly values = new Map<string, string>();

  constructor(source: string) {
    for (const pair of source.split('&')) {
      if (pair === '') continue;
      const equals = pair.indexOf('=');
      const name = decode(equals < 0 ? pair : pair.slice(0, equals));
      if (!this.values.has(name)) this.values.set(name, equals < 0 ? '' : decode(pair.slice(equals + 1)));
    }
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  /** undefined when absent or empty. */
  get(name: string): string | undefined {
    const value = this.values.get(name);
    return value === '' ? undefined : value;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Address as a message of `envoy.config.core.v3.Address`. */
export function socketAddress(address: string): object {
  const colon = address.lastIndexOf(':');
  const ip = address.slice(0, colon).replace(/^\[|\]$/g, '');
  const port = Number(address.slice(colon + 1));
  return { socket_address: { address: ip, ...(port === 0 ? {} : { port_value: port }) } };
}
