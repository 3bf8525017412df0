import type { Matcher, RE2JS } from 're2js';
import { compileRegex } from '../xds/regex.js';
import type { TypedExtensionConfig, UriTemplateMatchConfig, UriTemplateRewriteConfig } from '../xds/types.js';
import { byteString } from './regex.js';
import { type PathRewrite, pathLength } from './rewrite.js';

/** Characters of a segment, and so of literals of a template: RFC 3986 pchar without `*`. */
const SEGMENT = "a-zA-Z0-9\\-._~%!$&'()+,;:@=";
const LITERAL = new RegExp(`^[${SEGMENT}]+$`);
const NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,15}$/;
const MOST_VARIABLES = 5;

/**
 * `path_template` of envoy.path.match.uri_template: segments of literals, `*` (one segment or a part of one, not empty), `**`
 * (anything, the end of the path) and variables `{name}`, `{name=pattern}`. The whole path without its query must match.
 */
export class UriTemplate {
  readonly variables: string[] = [];
  private readonly regex: RE2JS;

  static fromPolicy(policy: TypedExtensionConfig): UriTemplate {
    return new UriTemplate((policy.typed_config as unknown as UriTemplateMatchConfig).path_template);
  }

  /** @throws Error when the template is malformed */
  constructor(template: string) {
    if (!template.startsWith('/')) throw new Error('a path template must begin with /');
    let source = '';
    let at = 0;
    while (at < template.length) {
      if (template[at] === '{') {
        const end = template.indexOf('}', at);
        if (end < 0) throw new Error('a variable of a path template lacks its }');
        source += this.variable(template.slice(at + 1, end));
        at = end + 1;
      } else {
        let end = template.indexOf('{', at);
        if (end < 0) end = template.length;
        source += pattern(template.slice(at, end));
        at = end;
      }
    }
    const rest = template.indexOf('**');
    if (
      rest >= 0 &&
      template
        .slice(rest + 2)
        .replace('}', '')
        .includes('*')
    )
      throw new Error('no * may follow ** in a path template');
    this.regex = compileRegex(source);
  }

  private variable(text: string): string {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    if (!NAME.test(name)) throw new Error(`'${name}' cannot be a variable of a path template`);
    if (this.variables.includes(name)) throw new Error(`the path template names '${name}' twice`);
    this.variables.push(name);
    if (this.variables.length > MOST_VARIABLES) throw new Error('a path template may have at most 5 variables');
    return `(${pattern(equals < 0 ? '*' : text.slice(equals + 1))})`;
  }

  /** `path` has no query. */
  test(path: string): boolean {
    return this.regex.matches(path);
  }

  /** The match with its variables as groups 1, 2, …; null when the path does not match. */
  match(path: string): Matcher | null {
    const matcher = this.regex.matcher(path);
    return matcher.matches() ? matcher : null;
  }
}

function pattern(text: string): string {
  let source = '';
  for (const part of text.split(/(\*\*|\*|\/)/)) {
    if (part === '') continue;
    if (part === '**') source += `[${SEGMENT}/]*`;
    else if (part === '*') source += `[${SEGMENT}]+`;
    else if (part === '/' || LITERAL.test(part)) source += byteString(part).replaceAll(/[.$()+]/g, '\\$&');
    else throw new Error(`'${part}' may not stand in a path template`);
  }
  return source;
}

/** path_rewrite_policy of the same extension: a path with `{name}` of the route's template. */
export class UriTemplateRewrite implements PathRewrite {
  /** Literal texts and numbers of groups. */
  private readonly parts: (string | number)[] = [];
  private readonly template: UriTemplate;

  /** @throws Error when the route has no template or its template lacks a variable */
  constructor(policy: TypedExtensionConfig, template: UriTemplate | null) {
    if (template === null) throw new Error('a path template rewrite needs a path template match');
    this.template = template;
    const text = (policy.typed_config as unknown as UriTemplateRewriteConfig).path_template_rewrite;
    if (!text.startsWith('/')) throw new Error('a path template rewrite must begin with /');
    for (const [i, part] of text.split(/[{}]/).entries()) {
      if (i % 2 === 0) {
        if (part !== '') this.parts.push(byteString(part));
        continue;
      }
      const variable = template.variables.indexOf(part);
      if (variable < 0) throw new Error(`the path template match has no variable '${part}'`);
      this.parts.push(variable + 1);
    }
  }

  rewrite(path: string): string | null {
    const end = pathLength(path);
    const match = this.template.match(path.slice(0, end));
    if (match === null) return null;
    let out = '';
    for (const part of this.parts) out += typeof part === 'string' ? part : (match.group(part) ?? '');
    return out + path.slice(end);
  }
}
