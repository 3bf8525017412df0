import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { readMapping } from '../config/documents.js';
import { ConfigError, gather, Unreadable } from '../config/error.js';
import type { PlainObject } from '../config/plain.js';
import { decode } from './decode.js';
import { mergeDocuments } from './merge.js';
import { checkReferences } from './references.js';
import { messageType } from './schema.js';
import type { Bootstrap } from './types.js';

/** Where a part of the bootstrap comes from. */
export interface BootstrapSource {
  /** File to read (`.yaml`, `.yml`, `.json`); with `text` only its name in error messages. */
  path?: string;
  /** The document itself. */
  text?: string;
  /** A document that is merged over this source, as `--config-yaml` over the file. */
  merge?: string;
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/**
 * Reads the bootstrap; later sources are merged over earlier ones. Everything that Envoy would refuse when it starts is refused, and
 * every field that this proxy does not carry.
 *
 * @param warnings receives remarks on deprecated fields
 * @throws ConfigError with every mistake that was found
 */
export function loadBootstrap(sources: BootstrapSource[], warnings: ConfigError[] = []): Bootstrap {
  const documents = sources.flatMap(readSource);
  if (documents.length === 0) throw new ConfigError('no configuration is given', '', null, 'a file or a document');
  const type = messageType('Bootstrap');
  const document = documents.reduce((base, over) => mergeDocuments(type, base, over));
  const bootstrap = decode('Bootstrap', document, '', warnings);
  const errors = checkReferences(bootstrap);
  if (errors.length > 0) throw gather(errors);
  return bootstrap;
}

function readSource(source: BootstrapSource): PlainObject[] {
  const documents: PlainObject[] = [];
  if (source.text !== undefined) documents.push(readMapping(source.path ?? '--config-yaml', source.text));
  else if (source.path !== undefined) documents.push(readMapping(source.path, readFile(source.path)));
  if (source.merge !== undefined) documents.push(readMapping('--config-yaml', source.merge));
  return documents;
}

function readFile(path: string): string {
  const position = { file: path, line: 1, col: 1 };
  if (!EXTENSIONS.includes(extname(path))) {
    throw new ConfigError(
      `the kind of file ${extname(path) || 'without extension'} is not known`,
      '',
      position,
      EXTENSIONS.join(', '),
    );
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Unreadable(path, `the file cannot be read: ${(error as Error).message}`);
  }
}
