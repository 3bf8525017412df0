import { request } from 'node:http';
import { parseArgs } from 'node:util';

const USAGE = `usage: halfopen request [options] METHOD PATH

  Asks a path of the sidecar from inside its container, whose image has no shell: \`request POST drain --debug-port 15020\`
  is the preStop hook, \`request GET explain\` shows the failed requests.

      --debug-port N    15000, the admin port; 15020 is the agent's
  -h, --help
`;

/** Prints the body. Exit status 0 for an answer below 400, 1 for another or none, 2 for wrong flags. */
export async function main(args: string[]): Promise<number> {
  let method: string | undefined;
  let path: string | undefined;
  let port: number;
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { 'debug-port': { type: 'string', default: '15000' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      return 0;
    }
    [method, path] = positionals;
    port = Number(values['debug-port']);
    if (positionals.length !== 2) throw new Error('a method and a path are wanted');
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`'${values['debug-port']}' is not a port`);
  } catch (error) {
    process.stderr.write(`halfopen request: ${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  return new Promise((resolve) => {
    const target = path?.startsWith('/') ? path : `/${path}`;
    const asked = request({ host: '127.0.0.1', port, method: method?.toUpperCase(), path: target, agent: false });
    asked.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const out = status < 400 ? process.stdout : process.stderr;
      response.on('data', (chunk) => out.write(chunk));
      response.on('end', () => resolve(status < 400 ? 0 : 1));
    });
    asked.on('error', (error) => {
      process.stderr.write(`halfopen request: ${error.message}\n`);
      resolve(1);
    });
    asked.end();
  });
}
