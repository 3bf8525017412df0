import type { ResponseHeaders } from '../base/headers.js';
import { compileLogFilter, type FilterDeps, type LogPredicate } from '../observe/access-log-filter.js';
import { compileFormat, compileJsonFormat, type Format } from '../observe/format.js';
import type { StreamInfo } from '../observe/stream-info.js';
import { readData } from '../router/direct-response.js';
import { HeaderMutation } from '../router/header-mutation.js';
import { reporting } from '../router/refuse.js';
import type { LocalReplyConfig, ResponseMapper, SubstitutionFormatString } from '../xds/types.js';

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain';

/** What makes the body of a reply. */
class BodyFormat {
  private readonly format: Format;
  readonly contentType: string;

  /** @throws ConfigError for an unknown operator */
  constructor(config: SubstitutionFormatString, deps: FilterDeps) {
    const json = Object.keys(config.json_format ?? {}).length > 0;
    const options = { deps, localReplyBody: true };
    const omit = config.omit_empty_values;
    const source = config.text_format_source;
    this.format = reporting(config, json ? 'json_format' : 'text_format', () => {
      if (json) return compileJsonFormat(config.json_format, { ...options, omitEmpty: omit });
      const text = source === undefined ? (config.text_format ?? '') : readData(source).toString('utf8');
      return compileFormat(text, { ...options, missing: omit ? '' : '-' });
    });
    this.contentType = config.content_type !== '' ? config.content_type : json ? JSON_TYPE : TEXT_TYPE;
  }

  make(info: StreamInfo): string {
    return this.format.format(info);
  }
}

/** Changes the replies that its filter chooses. */
class Mapper {
  readonly status: number | null;
  readonly body: string | null;
  readonly headers: HeaderMutation | null;
  readonly format: BodyFormat | null;
  readonly chooses: LogPredicate;

  constructor(config: ResponseMapper, deps: FilterDeps) {
    this.chooses = reporting(config, 'filter', () => compileLogFilter(config.filter, deps));
    this.status = config.status_code ?? null;
    this.body = config.body === undefined ? null : readData(config.body).toString('utf8');
    this.headers = HeaderMutation.compile(
      { add: config.headers_to_add, remove: [], owner: config, removeKey: 'headers_to_add' },
      (text, options) => compileFormat(text, { ...options, deps, localReplyBody: true }),
    );
    this.format = config.body_format_override === undefined ? null : new BodyFormat(config.body_format_override, deps);
  }
}

/** A local reply as the configuration wants it. */
export interface RewrittenReply {
  status: number;
  body: string;
  contentType: string;
  /** `body` is a byte string, made by a format. */
  formatted: boolean;
}

/** HttpConnectionManager.local_reply_config: the first mapper that chooses a reply changes it, then the body is formatted. */
export class LocalReplyRewriter {
  private readonly mappers: readonly Mapper[];
  private readonly format: BodyFormat | null;

  /** @throws ConfigError */
  constructor(config: LocalReplyConfig, deps: FilterDeps) {
    this.mappers = config.mappers.map((mapper) => new Mapper(mapper, deps));
    this.format = config.body_format === undefined ? null : new BodyFormat(config.body_format, deps);
  }

  /** @param headers of the reply; the mapper's are added to them */
  rewrite(headers: ResponseHeaders, info: StreamInfo, status: number, body: string): RewrittenReply {
    const reply = { status, body, contentType: TEXT_TYPE, formatted: false };
    info.responseCode = status;
    info.responseHeaders = headers;
    let { format } = this;
    for (const mapper of this.mappers) {
      if (!mapper.chooses(info, 'NotSet')) continue;
      if (mapper.body !== null) reply.body = mapper.body;
      info.localReplyBody = reply.body;
      mapper.headers?.apply(headers, info);
      if (mapper.status !== null) info.responseCode = reply.status = mapper.status;
      if (mapper.format !== null) format = mapper.format;
      break;
    }
    info.localReplyBody = reply.body;
    if (format === null) return reply;
    reply.body = format.make(info);
    reply.contentType = format.contentType;
    reply.formatted = true;
    return reply;
  }
}
