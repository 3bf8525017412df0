import { Bit, type HeaderName, permanentName } from '../base/header-names.js';
import type { RequestHeaders } from '../base/headers.js';
import { addFlag } from '../observe/flags.js';
import { parseRetryGrpcOn, parseRetryOn } from './retry-policy.js';
import type { RouterCallbacks } from './router-callbacks.js';

/** A request header whose value must parse (Router.strict_check_headers). */
export class StrictHeader {
  private readonly name: HeaderName;

  /** @param text one of those that the field allows */
  constructor(readonly text: string) {
    this.name = permanentName(text);
  }

  /** The value when it does not parse, else null. */
  fault(headers: RequestHeaders): string | null {
    const value = headers.get(this.name);
    return value === undefined || this.parses(value) ? null : value;
  }

  private parses(value: string): boolean {
    if (this.text === 'x-envoy-retry-on') return parseRetryOn(value).valid;
    if (this.text === 'x-envoy-retry-grpc-on') return parseRetryGrpcOn(value).valid;
    return isWholeNumber(value);
  }
}

/** Digits and nothing else, at least one. */
function isWholeNumber(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return value.length > 0;
}

/** The first header that does not parse, null when all do. */
export function strictFault(checks: readonly StrictHeader[], headers: RequestHeaders): StrictHeader | null {
  if ((headers.bits & Bit.X_ENVOY) === 0) return null;
  for (let i = 0; i < checks.length; i++) if (checks[i].fault(headers) !== null) return checks[i];
  return null;
}

/** False when a header does not parse; the request has been answered then: 400, IH. */
export function passesStrictly(
  checks: readonly StrictHeader[],
  headers: RequestHeaders,
  callbacks: RouterCallbacks,
): boolean {
  const wrong = strictFault(checks, headers);
  if (wrong === null) return true;
  const { text } = wrong;
  addFlag(callbacks.info, 'IH');
  callbacks.sendLocalReply(
    400,
    `invalid header '${text}' with value '${wrong.fault(headers)}'`,
    `request_headers_failed_strict_check{${text}}`,
  );
  return false;
}
