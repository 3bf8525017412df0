import { hostname } from 'node:os';
import { type Clock, systemClock } from '../base/clock.js';
import { type Random, systemRandom } from '../base/random.js';
import type { StreamInfo } from './stream-info.js';

/** What kind of line is written (`envoy.data.accesslog.v3.AccessLogType`). */
export type AccessLogType =
  | 'NotSet'
  | 'DownstreamStart'
  | 'DownstreamPeriodic'
  | 'DownstreamEnd'
  | 'DownstreamTunnelSuccessfullyEstablished'
  | 'UpstreamPoolReady'
  | 'UpstreamPeriodic'
  | 'UpstreamEnd'
  | 'TcpConnectionStart'
  | 'TcpConnectionEnd'
  | 'TcpPeriodic'
  | 'TcpUpstreamConnected';

/** A value of a JSON line; null is missing. */
export type Value = string | number | boolean | object | null;

/** Reads one fact of a stream. Strings are byte strings (one character per byte). */
export type Operator = (info: StreamInfo, type: AccessLogType) => Value;

export interface FormatDeps {
  clock: Clock;
  random: Random;
  hostname: string;
  env: Readonly<Record<string, string | undefined>>;
}

export function systemFormatDeps(): FormatDeps {
  return { clock: systemClock, random: systemRandom(), hostname: hostname(), env: process.env };
}

export interface OperatorOptions {
  deps: FormatDeps;
  /** `%LOCAL_REPLY_BODY%` prints the body (body formats of local replies); in access logs it is empty, as in Envoy. */
  localReplyBody: boolean;
}

/** How an operator takes parameters. */
type Syntax = 'none' | 'optional' | 'required';
export interface Definition {
  param: Syntax;
  length: boolean;
  make(param: string, length: number | undefined, options: OperatorOptions): Operator;
}

export const plain = (read: Operator): Definition => ({ param: 'none', length: false, make: () => read });
export const some = (text: string): string | null => (text === '' ? null : text);
export const underscored = (text: string): string => (text.includes(' ') ? text.replaceAll(' ', '_') : text);
export const cut = (text: string, length: number | undefined): string =>
  length !== undefined && text.length > length ? text.slice(0, length) : text;
