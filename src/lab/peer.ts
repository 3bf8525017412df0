import type { ChildProcess } from 'node:child_process';

/** A process of the lab that tells and is told things: by IPC when it is Node, by lines of JSON otherwise. */
export class Peer {
  /** What it wrote to standard error, the last part. */
  said = '';
  private buffered = '';
  private ended = false;

  constructor(
    readonly name: string,
    readonly child: ChildProcess,
    private readonly onMessage: (message: unknown) => void,
  ) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-4000);
    });
    child.on('error', (error) => {
      this.said += error.message;
    });
    child.on('exit', () => {
      this.ended = true;
    });
    if (child.channel) child.on('message', (message) => this.onMessage(message));
    else child.stdout?.setEncoding('utf8').on('data', (text: string) => this.onText(text));
    child.stdin?.on('error', () => {});
  }

  private onText(text: string): void {
    const lines = (this.buffered + text).split('\n');
    this.buffered = lines.pop()!;
    for (const line of lines) if (line !== '') this.onMessage(JSON.parse(line));
  }

  send(message: string | object): void {
    if (this.ended) return;
    if (this.child.channel) this.child.send(message);
    else this.child.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** Calls once when the process has ended by itself. */
  onEnd(listener: (why: Error) => void): void {
    this.child.once('exit', (code, signal) =>
      listener(new Error(`${this.name} ended (${code ?? signal}): ${this.said}`)),
    );
  }

  signal(name: NodeJS.Signals): void {
    if (!this.ended) this.child.kill(name);
  }

  stop(): void {
    this.child.removeAllListeners('exit');
    // A stopped process does not see SIGTERM.
    this.child.kill('SIGCONT');
    this.child.kill('SIGTERM');
  }
}
