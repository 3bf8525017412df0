/** A JSON value (google.protobuf.Value). */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

/** A JSON object (google.protobuf.Struct). */
export interface Struct {
  [key: string]: Value;
}

/**
 * A decoded extension message (google.protobuf.Any): its fields stand beside `@type`, which is always written with the prefix
 * `type.googleapis.com/`. Ask `isType(any, 'Router')` of `decode.ts` which message it is.
 */
export interface Any {
  '@type': string;
}
