/** The grammar of Envoy's command operators: `%NAME%`, `%NAME(parameters)%`, `%NAME(parameters):length%`; `%%` is a percent sign. */
export interface Command {
  readonly name: string;
  /** Text between the parentheses; undefined without parentheses. */
  readonly param: string | undefined;
  /** Longest output in bytes; undefined when not given. */
  readonly length: number | undefined;
}

const COMMAND = /%([A-Z0-9_]+)(?:\((.*?)\))?(?::([0-9]+))?%/y;

/**
 * Literal texts and commands, in order; neighbouring literals are joined.
 * @throws Error `Incorrect configuration: …. Couldn't find valid command at position N`
 */
export function parseFormat(format: string): (string | Command)[] {
  const out: (string | Command)[] = [];
  let literal = '';
  let at = 0;
  while (at < format.length) {
    const percent = format.indexOf('%', at);
    if (percent < 0) {
      literal += format.slice(at);
      break;
    }
    literal += format.slice(at, percent);
    if (format[percent + 1] === '%') {
      literal += '%';
      at = percent + 2;
      continue;
    }
    COMMAND.lastIndex = percent;
    const found = COMMAND.exec(format);
    if (found === null) {
      throw new Error(`Incorrect configuration: ${format}. Couldn't find valid command at position ${percent}`);
    }
    if (literal !== '') out.push(literal);
    literal = '';
    out.push({ name: found[1], param: found[2], length: found[3] === undefined ? undefined : Number(found[3]) });
    at = COMMAND.lastIndex;
  }
  if (literal !== '') out.push(literal);
  return out;
}
