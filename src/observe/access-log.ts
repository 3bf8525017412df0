import {
  type AccessLogFilterConfig,
  compileLogFilter,
  type FilterDeps,
  type LogPredicate,
} from './access-log-filter.js';
import { ENVOY_DEFAULT_FORMAT } from './access-log-formats.js';
import { compileFormat, compileJsonFormat, type Format } from './format.js';
import type { AccessLogType } from './format-types.js';
import type { LogFile, LogFiles } from './log-file.js';
import type { StreamInfo } from './stream-info.js';

export { compileFormat } from './format.js';
export type { AccessLogType } from './format-types.js';

/** `envoy.config.core.v3.SubstitutionFormatString`, as far as logs use it; unset fields may be absent. */
export interface LogFormatConfig {
  text_format?: string;
  text_format_source?: {
    inline_string?: string;
    inline_bytes?: string;
    filename?: string;
    environment_variable?: string;
  };
  json_format?: object;
  omit_empty_values?: boolean;
}

/** `envoy.config.accesslog.v3.AccessLog` with its decoded `typed_config`. */
export interface AccessLogConfig {
  name: string;
  filter?: AccessLogFilterConfig;
  typed_config?: object;
}

interface LoggerConfig {
  '@type': string;
  path?: string;
  format?: string;
  json_format?: object;
  typed_json_format?: object;
  log_format?: LogFormatConfig;
}

export interface AccessLogDeps extends FilterDeps {
  files: LogFiles;
}

/** The loggers of one place (a connection manager, a router's `upstream_log`, a listener). */
export interface AccessLog {
  log(info: StreamInfo, type?: AccessLogType): void;
}

const FILE = 'envoy.extensions.access_loggers.file.v3.FileAccessLog';
const STDOUT = 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog';
const STDERR = 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog';

class Logger {
  constructor(
    private readonly filter: LogPredicate | null,
    private readonly format: Format,
    private readonly file: LogFile,
  ) {}

  log(info: StreamInfo, type: AccessLogType): void {
    if (this.filter !== null && !this.filter(info, type)) return;
    this.file.write(this.format.format(info, type));
  }
}

class Loggers implements AccessLog {
  constructor(private readonly loggers: readonly Logger[]) {}

  log(info: StreamInfo, type: AccessLogType = 'DownstreamEnd'): void {
    const { loggers } = this;
    for (let i = 0; i < loggers.length; i++) loggers[i].log(info, type);
  }
}

/**
 * Compiles access loggers and opens their files. null when there are none, so that a stream pays nothing.
 * @throws Error whose message begins with the path below `access_log`, such as `[0].filter: …`
 */
export function createAccessLog(configs: readonly AccessLogConfig[], deps: AccessLogDeps): AccessLog | null {
  if (configs.length === 0) return null;
  return new Loggers(configs.map((config, at) => createLogger(config, `[${at}]`, deps)));
}

function createLogger(config: AccessLogConfig, path: string, deps: AccessLogDeps): Logger {
  const typed = config.typed_config as LoggerConfig | undefined;
  const type = typed?.['@type'].replace(/^.*\//, '') ?? config.name;
  const filter = within(`${path}.filter`, () =>
    config.filter === undefined ? null : compileLogFilter(config.filter, deps),
  );
  let target: string;
  if (type === FILE) {
    if (typed?.path === undefined || typed.path === '') throw new Error(`${path}.typed_config.path: is required`);
    target = typed.path;
  } else if (type === STDOUT) target = '/dev/stdout';
  else if (type === STDERR) target = '/dev/stderr';
  else throw new Error(`${path}.typed_config: ${type} is not supported; allowed: ${FILE}, ${STDOUT}, ${STDERR}`);
  const format = within(`${path}.typed_config`, () => loggerFormat(typed ?? { '@type': type }, deps));
  return new Logger(
    filter,
    format,
    within(`${path}.typed_config.path`, () => deps.files.open(target)),
  );
}

function within<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

function loggerFormat(config: LoggerConfig, deps: AccessLogDeps): Format {
  const json = config.json_format ?? config.typed_json_format;
  if (json !== undefined && Object.keys(json).length > 0) return compileJsonFormat(json, { deps });
  if (config.format !== undefined && config.format !== '') return compileFormat(config.format, { deps });
  const format = config.log_format;
  if (format === undefined) return compileFormat(ENVOY_DEFAULT_FORMAT, { deps });
  return compileLogFormat(format, deps);
}

/** A `SubstitutionFormatString` of a log; Envoy's default line when none is set. */
export function compileLogFormat(format: LogFormatConfig, deps: FilterDeps): Format {
  const omit = format.omit_empty_values === true;
  const text = formatText(format, deps);
  if (text !== null) return compileFormat(text, { deps, missing: omit ? '' : '-' });
  if (format.json_format !== undefined && Object.keys(format.json_format).length > 0) {
    return compileJsonFormat(format.json_format, { deps, omitEmpty: omit });
  }
  return compileFormat(ENVOY_DEFAULT_FORMAT, { deps });
}

function formatText(
  { text_format: text, text_format_source: source }: LogFormatConfig,
  { env }: FilterDeps,
): string | null {
  if (source?.inline_string !== undefined) return source.inline_string;
  if (source?.inline_bytes !== undefined) return Buffer.from(source.inline_bytes, 'base64').toString('utf8');
  if (source?.environment_variable !== undefined) {
    const value = env[source.environment_variable];
    if (value === undefined) throw new Error(`Environment variable doesn't exist: ${source.environment_variable}`);
    return value;
  }
  if (source?.filename !== undefined) {
    throw new Error(
      'text_format_source.filename is not supported; allowed: inline_string, inline_bytes, environment_variable',
    );
  }
  return text !== undefined && text !== '' ? text : null;
}
