import { readFileSync } from 'node:fs';
import type { DataSource, DirectResponseAction } from '../xds/types.js';
import type { CompileFormat } from './header-mutation.js';
import { refuse, reporting } from './refuse.js';
import type { DirectResponse } from './route-entry.js';

/**
 * The fixed answer of a route.
 * @param maxBody RouteConfiguration.max_direct_response_body_size_bytes
 * @throws ConfigError for a body that is too large or cannot be read, for json_format
 */
export function compileDirectResponse(
  config: DirectResponseAction,
  maxBody: number,
  compileFormat: CompileFormat,
): DirectResponse {
  const body = config.body === undefined ? Buffer.alloc(0) : readData(config.body);
  if (body.length > maxBody)
    refuse(config, 'body', `response body size is ${body.length} bytes; maximum is ${maxBody}`);
  const format = config.body_format;
  let bodyFormat: DirectResponse['bodyFormat'] = null;
  if (format !== undefined) {
    if (Object.keys(format.json_format ?? {}).length > 0)
      refuse(format, 'json_format', 'a JSON body of a direct response is not supported');
    const source = format.text_format_source;
    const text = source === undefined ? (format.text_format ?? '') : readData(source).toString('utf8');
    bodyFormat = reporting(format, 'text_format', () =>
      compileFormat(text, { missing: format.omit_empty_values ? '' : '-' }),
    );
  }
  return {
    status: config.status,
    body,
    text: body.toString('latin1'),
    bodyFormat,
    contentType: format?.content_type ?? '',
  };
}

/** The bytes of a DataSource, read once. */
export function readData(source: DataSource): Buffer {
  if (source.inline_string !== undefined) return Buffer.from(source.inline_string, 'utf8');
  if (source.inline_bytes !== undefined) return Buffer.from(source.inline_bytes, 'base64');
  if (source.filename !== undefined) {
    const { filename } = source;
    try {
      return readFileSync(filename);
    } catch {
      return refuse(source, 'filename', `file ${filename} does not exist`);
    }
  }
  const name = source.environment_variable ?? '';
  const value = process.env[name];
  if (value === undefined) return refuse(source, 'environment_variable', `Environment variable doesn't exist: ${name}`);
  return Buffer.from(value, 'utf8');
}
