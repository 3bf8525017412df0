/**
 * Durations as proto3 JSON writes them: `1.5s`, `0s`, `-0.25s`, at most nine digits after the point (google.protobuf.Duration).
 * In the model they are milliseconds with fractions.
 */

/** Envoy refuses durations of 2^63 nanoseconds and more. */
export const MAX_DURATION_SECONDS = 9223372035;

export const DURATION_FORM = 'seconds with the unit s, such as 5s or 0.25s';

const FORM = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** Milliseconds, or null when `text` is no duration. The sign and the size are the caller's to judge. */
export function parseDuration(text: string): number | null {
  const match = FORM.exec(text);
  if (match === null) return null;
  const ms = milliseconds(Number(match[2]), match[3] === undefined ? 0 : Number(match[3].padEnd(9, '0')));
  return match[1] === '-' && ms !== 0 ? -ms : ms;
}

/** Milliseconds of whole seconds and nanoseconds. */
export function milliseconds(seconds: number, nanos: number): number {
  return (seconds * 1e9 + nanos) / 1e6 === seconds * 1000 ? seconds * 1000 : seconds * 1000 + nanos / 1e6;
}

/** The proto3 JSON text of a number of milliseconds: 250 is `0.250s`, 5000 is `5s`; digits in groups of three, as proto does. */
export function formatDuration(ms: number): string {
  const nanos = Math.round(Math.abs(ms) * 1e6);
  const seconds = Math.floor(nanos / 1e9);
  const rest = String(nanos % 1e9).padStart(9, '0');
  const digits = rest.endsWith('000000') ? 3 : rest.endsWith('000') ? 6 : 9;
  const fraction = nanos % 1e9 === 0 ? '' : `.${rest.slice(0, digits)}`;
  return `${ms < 0 && nanos !== 0 ? '-' : ''}${seconds}${fraction}s`;
}

/** What goes wrong with durations that proto allows and Envoy does not; null when it is fine. */
export function durationFault(ms: number): string | null {
  if (ms < 0) return 'a duration must not be negative';
  if (ms >= (MAX_DURATION_SECONDS + 1) * 1000) return 'the duration is too long';
  return null;
}
