import { type EnumType, typeOf } from '../xds/schema.js';
import type { HttpStatus } from '../xds/types.js';

/** The number of `envoy.type.v3.HttpStatus`; 0 for `Empty`. */
export function statusNumber(status: HttpStatus): number {
  return (typeOf('StatusCode') as EnumType).numbers.get(status.code) ?? 0;
}
