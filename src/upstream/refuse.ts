import { ConfigError } from '../config/error.js';
import { pathOf, positionOf } from '../config/position.js';

/** The configuration asks for something that is not implemented. Names the field and where it stands. */
export function unsupported(object: object, field: string, cluster: string, what: string): never {
  throw refusal(object, field, cluster, `not supported: ${what}`);
}

/** The configuration contradicts itself or Envoy's rules. */
export function invalid(object: object, field: string, cluster: string, why: string): never {
  throw refusal(object, field, cluster, why);
}

function refusal(object: object, field: string, cluster: string, reason: string): ConfigError {
  const position = positionOf(object, field) ?? positionOf(object, '');
  return new ConfigError(`cluster ${cluster}: ${reason}`, pathOf(object, field), position);
}
