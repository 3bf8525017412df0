import { parseArgs } from 'node:util';
import { fetchOnce } from '../admin/agent/fetch.js';
import { Dispatcher } from '../base/dispatcher.js';
import { Timer } from '../base/timer-wheel.js';

const USAGE = `usage: halfopen wait [options]

  Waits until the sidecar is ready: the postStart hook of a sidecar for which the application must wait.

      --timeoutSeconds N           60: seconds until it gives up
      --requestTimeoutMillis N     500: milliseconds that one answer may take
      --periodMillis N             500: milliseconds from one attempt to the next
      --url URL                    http://localhost:15021/healthz/ready
  -h, --help
`;

const OPTIONS = {
  timeoutSeconds: { type: 'string', default: '60' },
  requestTimeoutMillis: { type: 'string', default: '500' },
  periodMillis: { type: 'string', default: '500' },
  url: { type: 'string', default: 'http://localhost:15021/healthz/ready' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** Exit status 0 when ready, 1 when the time is over, 2 for wrong flags. */
export async function main(args: string[]): Promise<number> {
  let url: URL;
  let timeout: number;
  let perRequest: number;
  let period: number;
  try {
    const { values } = parseArgs({ args, options: OPTIONS });
    if (values.help === true) {
      process.stdout.write(USAGE);
      return 0;
    }
    url = new URL(values.url);
    timeout = whole(values.timeoutSeconds, 'timeoutSeconds') * 1000;
    perRequest = whole(values.requestTimeoutMillis, 'requestTimeoutMillis');
    period = whole(values.periodMillis, 'periodMillis');
  } catch (error) {
    process.stderr.write(`halfopen wait: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const dispatcher = new Dispatcher();
  const now = () => dispatcher.clock.monotonic();
  const end = now() + timeout;
  for (;;) {
    const began = now();
    const problem = await ask(url, perRequest);
    if (problem === '') return 0;
    const wait = Math.max(0, began + period - now());
    if (now() + wait >= end) {
      process.stderr.write(`halfopen wait: not ready after ${timeout / 1000}s: ${problem}\n`);
      return 1;
    }
    await new Promise<void>((resolve) => {
      dispatcher.timers.arm(new Timer({ onTimer: () => resolve() }, 0), wait, now());
    });
  }
}

/** '' when it answers 200. */
async function ask(url: URL, ms: number): Promise<string> {
  try {
    const { status } = await fetchOnce({
      https: url.protocol === 'https:',
      host: url.hostname,
      port: url.port,
      path: url.pathname + url.search,
      signal: AbortSignal.timeout(ms),
      limit: 1024,
      over: 'cut',
    });
    return status === 200 ? '' : `status ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function whole(value: string, name: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new Error(`--${name} takes a whole number, not '${value}'`);
  return Number(value);
}
