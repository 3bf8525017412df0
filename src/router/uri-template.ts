import type { Matcher, RE2JS } from 're2js';
import { compileRegex } from '../xds/regex.js';
import type { TypedExtensionConfig, UriTemplateMatchConfig, UriTemplateRewriteConfig } from '../xds/types.js';
import { byteString } from './regex.js';
import { type PathRewrite, pathLength } from './rewrite.js';

/** Characters that `*` stands for: RFC 3986 pchar. Literals of a template may hold all of them but `*`. */
const PCHAR = "a-zA-Z0-9\\-._~%!$&'()+,;:@=*";
const LITERAL = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]*$/;
const NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,15}$/;
const MOST_VARIABLES = 5;

/**
 * `path_template` of envoy.path.match.uri_template: segments that begin with `*` (one segment or the rest of one, not empty) or
 * `**` (anything) and go on with literal text, literals, and segments with one variable `{name}` or `{name=pattern}`. The
 * whole path without its query must match.
 */
export class UriTemplate {
  readonly variables: string[] = [];
  private readonly regex: RE2JS;
  /** A `**` was met: nothing that varies may follow. */
  private anything = false;

  static fromPolicy(policy: TypedExtensionConfig): UriTemplate {
    return new UriTemplate((policy.typed_config as unknown as UriTemplateMatchConfig).path_template);
  }

  /** @throws Error when the template is malformed */
  constructor(template: string) {
    if (!template.startsWith('/')) throw new Error('a path template must begin with /');
    // A slash inside braces belongs to the pattern of the variable.
    const segments = template.slice(1).match(/(?:\{[^}]*\}?|[^/{])+|(?<=\/|^)(?=\/|$)/g) ?? [''];
    let source = '';
    for (const [i, segment] of segments.entries()) {
      if (segment === '' && i < segments.length - 1) throw new Error('a path template may not have empty segments');
      source += `/${this.segment(segment)}`;
    }
    this.regex = compileRegex(source);
  }

  private segment(text: string): string {
    const open = text.indexOf('{');
    if (open < 0) return this.pattern(text);
    const close = text.indexOf('}', open);
    if (close < 0) throw new Error('a variable of a path template lacks its }');
    return literal(text.slice(0, open)) + this.variable(text.slice(open + 1, close)) + literal(text.slice(close + 1));
  }

  private variable(text: string): string {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text : text.slice(0, equals);
    if (!NAME.test(name)) throw new Error(`'${name}' cannot be a variable of a path template`);
    if (this.variables.includes(name)) throw new Error(`the path template names '${name}' twice`);
    this.variables.push(name);
    if (this.variables.length > MOST_VARIABLES) throw new Error('a path template may have at most 5 variables');
    if (equals === text.length - 1) throw new Error(`the variable '${name}' of the path template has an empty pattern`);
    const patterns = equals < 0 ? ['*'] : text.slice(equals + 1).split('/');
    return `(${patterns.map((one) => this.pattern(one)).join('/')})`;
  }

  /** A segment without variables. */
  private pattern(text: string): string {
    const stars = text.startsWith('**') ? 2 : text.startsWith('*') ? 1 : 0;
    if (stars > 0 && this.anything) throw new Error('no * may follow ** in a path template');
    if (stars === 2) this.anything = true;
    const glob = stars === 0 ? '' : stars === 1 ? `[${PCHAR}]+` : `[${PCHAR}/]*`;
    return glob + literal(text.slice(stars));
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

function literal(text: string): string {
  if (!LITERAL.test(text)) throw new Error(`'${text}' may not stand in a path template`);
  return text.replaceAll(/[.$()+]/g, '\\$&');
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
