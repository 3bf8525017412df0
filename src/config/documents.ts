import { ConfigError, gather } from './error.js';
import { readJson } from './json-reader.js';
import { isObject, type Plain, type PlainObject } from './plain.js';
import type { Position } from './position.js';
import type { Dialect } from './scalars.js';
import { readYaml, type YamlDocument } from './yaml-reader.js';

/** Every document of a file, YAML or JSON; documents with mistakes are left out. Never throws for what the text holds. */
export function readDocuments(
  file: string,
  text: string,
  dialect: Dialect,
): { documents: YamlDocument[]; errors: ConfigError[] } {
  if (looksLikeJson(text)) {
    try {
      const value = readJson(file, text);
      return { documents: [{ value, position: { file, line: 1, col: 1 } }], errors: [] };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (file.endsWith('.json')) return { documents: [], errors: [error] };
      // A flow mapping of YAML also begins with a brace.
    }
  }
  return readYaml(file, text, dialect);
}

/** The one mapping that a file holds, as Envoy reads a configuration file. Throws ConfigError. */
export function readMapping(file: string, text: string): PlainObject {
  const { documents, errors } = readDocuments(file, text, 'envoy');
  if (errors.length > 0) throw gather(errors);
  const filled = documents.filter((document) => document.value !== null);
  const start: Position = { file, line: 1, col: 1 };
  if (filled.length === 0) throw new ConfigError('the document is empty', '', start, 'a mapping');
  if (filled.length > 1)
    throw new ConfigError('there is a second document', '', filled[1].position, 'one document in a file');
  const value: Plain = filled[0].value;
  if (!isObject(value)) throw new ConfigError('the document is no mapping', '', filled[0].position, 'a mapping');
  return value;
}

function looksLikeJson(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0xfeff || c === 32 || c === 9 || c === 10 || c === 13) continue;
    return c === 123 || c === 91;
  }
  return false;
}
