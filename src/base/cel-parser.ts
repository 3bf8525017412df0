/** Parser of the part of the Common Expression Language that access log filters and resource definitions use. */
export type Node =
  | { t: 'literal'; value: string | number | boolean | null }
  | { t: 'name'; name: string; at: number }
  | { t: 'select'; of: Node; field: string; at: number }
  | { t: 'index'; of: Node; key: Node; at: number }
  | { t: 'call'; name: string; target: Node | null; args: Node[]; at: number }
  | { t: 'list'; items: Node[] }
  | { t: 'map'; entries: [Node, Node][] }
  | { t: 'not' | 'minus'; of: Node }
  | { t: 'binary'; op: string; left: Node; right: Node; at: number }
  | { t: 'choice'; when: Node; yes: Node; no: Node };

interface Token {
  kind: 'number' | 'string' | 'name' | 'op' | 'end';
  text: string;
  at: number;
}

const TOKEN =
  /\s*(?:(\d+\.\d+(?:[eE][+-]?\d+)?|0[xX][0-9a-fA-F]+u?|\d+u?)|(r?"""[\s\S]*?"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([A-Za-z_]\w*)|(&&|\|\||[=!<>]=|[-!<>?:.,()[\]{}+*/%]))/y;
const DEPTH_LIMIT = 64;

function tokenize(source: string): Token[] {
  const out: Token[] = [];
  TOKEN.lastIndex = 0;
  for (;;) {
    const from = TOKEN.lastIndex;
    if (source.slice(from).trim() === '') break;
    const found = TOKEN.exec(source);
    if (found === null) throw new Error(`CEL: unexpected character at ${from + 1} of '${source}'`);
    const [, number, string, name, op] = found;
    const kind = number !== undefined ? 'number' : string !== undefined ? 'string' : name !== undefined ? 'name' : 'op';
    const text = number ?? string ?? name ?? op;
    out.push({ kind, text, at: TOKEN.lastIndex - text.length + 1 });
  }
  out.push({ kind: 'end', text: '', at: source.length + 1 });
  return out;
}

const RELATIONS = new Set(['==', '!=', '<', '<=', '>', '>=', 'in']);
const CONSTANTS: Record<string, boolean | null> = { true: true, false: false, null: null };
const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

class Parser {
  private readonly tokens: Token[];
  private next = 0;
  private depth = 0;

  constructor(private readonly source: string) {
    this.tokens = tokenize(source);
  }

  parse(): Node {
    const node = this.choice();
    if (this.token.kind !== 'end') this.fail();
    return node;
  }

  private get token(): Token {
    return this.tokens[this.next];
  }

  private fail(): never {
    const { text, at, kind } = this.token;
    throw new Error(`CEL: ${kind === 'end' ? 'unexpected end' : `unexpected '${text}' at ${at}`} of '${this.source}'`);
  }

  private take(text: string): boolean {
    const { token } = this;
    if (token.kind === 'string' || token.text !== text) return false;
    this.next++;
    return true;
  }

  private expect(text: string): void {
    if (!this.take(text)) this.fail();
  }

  private choice(): Node {
    if (++this.depth > DEPTH_LIMIT) throw new Error(`CEL: '${this.source}' is nested too deeply`);
    const when = this.or();
    let node = when;
    if (this.take('?')) {
      const yes = this.choice();
      this.expect(':');
      node = { t: 'choice', when, yes, no: this.choice() };
    }
    this.depth--;
    return node;
  }

  private or(): Node {
    let left = this.and();
    for (let { at } = this.token; this.take('||'); { at } = this.token) {
      left = { t: 'binary', op: '||', left, right: this.and(), at };
    }
    return left;
  }

  private and(): Node {
    let left = this.relation();
    for (let { at } = this.token; this.take('&&'); { at } = this.token) {
      left = { t: 'binary', op: '&&', left, right: this.relation(), at };
    }
    return left;
  }

  private relation(): Node {
    let left = this.sum();
    while (this.token.kind !== 'string' && RELATIONS.has(this.token.text)) {
      const { text: op, at } = this.token;
      this.next++;
      left = { t: 'binary', op, left, right: this.sum(), at };
    }
    return left;
  }

  private sum(): Node {
    let left = this.product();
    while (this.token.kind === 'op' && (this.token.text === '+' || this.token.text === '-')) {
      const { text: op, at } = this.token;
      this.next++;
      left = { t: 'binary', op, left, right: this.product(), at };
    }
    return left;
  }

  private product(): Node {
    let left = this.unary();
    while (this.token.kind === 'op' && ['*', '/', '%'].includes(this.token.text)) {
      const { text: op, at } = this.token;
      this.next++;
      left = { t: 'binary', op, left, right: this.unary(), at };
    }
    return left;
  }

  private unary(): Node {
    if (++this.depth > DEPTH_LIMIT) throw new Error(`CEL: '${this.source}' is nested too deeply`);
    const node: Node = this.take('!')
      ? { t: 'not', of: this.unary() }
      : this.take('-')
        ? { t: 'minus', of: this.unary() }
        : this.member();
    this.depth--;
    return node;
  }

  private member(): Node {
    let node = this.primary();
    for (;;) {
      const { at } = this.token;
      if (this.take('.')) {
        const { kind, text } = this.token;
        if (kind !== 'name') this.fail();
        this.next++;
        if (this.take('(')) node = { t: 'call', name: text, target: node, args: this.items(')'), at };
        else node = { t: 'select', of: node, field: text, at };
      } else if (this.take('[')) {
        const key = this.choice();
        this.expect(']');
        node = { t: 'index', of: node, key, at };
      } else return node;
    }
  }

  private items(end: string): Node[] {
    const out: Node[] = [];
    if (this.take(end)) return out;
    do out.push(this.choice());
    while (this.take(','));
    this.expect(end);
    return out;
  }

  private entries(): [Node, Node][] {
    const out: [Node, Node][] = [];
    if (this.take('}')) return out;
    do {
      const key = this.choice();
      this.expect(':');
      out.push([key, this.choice()]);
    } while (this.take(','));
    this.expect('}');
    return out;
  }

  private primary(): Node {
    const { kind, text, at } = this.token;
    if (kind === 'number') {
      this.next++;
      return { t: 'literal', value: Number(text.replace(/u$/, '')) };
    }
    if (kind === 'string') {
      this.next++;
      if (text.startsWith('r"')) return { t: 'literal', value: text.slice(4, -3) };
      const value = text
        .slice(text.startsWith('"""') ? 3 : 1, text.startsWith('"""') ? -3 : -1)
        .replace(/\\(.)/g, (_, c: string) => ESCAPES[c] ?? c);
      return { t: 'literal', value };
    }
    if (kind === 'name') {
      this.next++;
      if (Object.hasOwn(CONSTANTS, text)) return { t: 'literal', value: CONSTANTS[text] };
      if (this.take('(')) return { t: 'call', name: text, target: null, args: this.items(')'), at };
      return { t: 'name', name: text, at };
    }
    if (this.take('(')) {
      const node = this.choice();
      this.expect(')');
      return node;
    }
    if (this.take('[')) return { t: 'list', items: this.items(']') };
    if (this.take('{')) return { t: 'map', entries: this.entries() };
    return this.fail();
  }
}

/** @throws Error with the place when the text is no expression */
export function parseCel(source: string): Node {
  return new Parser(source).parse();
}
