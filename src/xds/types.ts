/**
 * The Envoy v3 configuration model that the proxy runs from (API of Envoy 1.40).
 *
 * - Field names are the proto names. `google.protobuf.Duration` is a number of milliseconds, with fractions.
 * - A plain scalar or enum is always there, with the proto default (0, '', false, the first enum value) when it was not
 *   written. A wrapper (`UInt32Value`, `BoolValue`), a message and a member of a oneof is undefined when it was not written.
 * - Repeated fields are arrays and maps are records; they are empty when they were not written.
 * - Enums are the names of their values; bytes are base64 text; 64-bit integers are numbers.
 * - `google.protobuf.Any` is the decoded message with its `@type`.
 *
 * Only fields that are carried stand here; every other field of the API is refused by name (the tables in `schema-*.ts`).
 * Objects of the model know where their fields were written: `positionOf(object, 'field')`.
 */

export type * from './types-accesslog.js';
export type * from './types-any.js';
export type * from './types-bootstrap.js';
export type * from './types-cluster.js';
export type * from './types-core.js';
export type * from './types-endpoint.js';
export type * from './types-filter.js';
export type * from './types-hcm.js';
export type * from './types-lb-policy.js';
export type * from './types-listener.js';
export type * from './types-matcher.js';
export type * from './types-protocol.js';
export type * from './types-ratelimit.js';
export type * from './types-rbac.js';
export type * from './types-route.js';
export type * from './types-route-policy.js';
export type * from './types-tls.js';
