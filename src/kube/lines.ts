/** Cuts a text that comes in pieces into its lines. */
export class Lines {
  private readonly open: string[] = [];

  /** The lines that are complete now, without empty ones. */
  push(text: string): string[] {
    const out: string[] = [];
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.open.push(text.slice(from, at));
      const line = this.open.length === 1 ? this.open[0] : this.open.join('');
      this.open.length = 0;
      if (line !== '') out.push(line);
      from = at + 1;
    }
    if (from < text.length) this.open.push(text.slice(from));
    return out;
  }
}
