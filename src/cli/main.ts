/** `halfopen <command>`: one file per command, loaded when asked for. */
interface Command {
  summary: string;
  load(): Promise<{ main(args: string[]): Promise<number> }>;
}

const COMMANDS: Record<string, Command> = {
  run: { summary: 'run the proxy from Istio YAML or an Envoy bootstrap', load: () => import('./run.js') },
  inject: { summary: 'put the sidecar into the workloads of Kubernetes documents', load: () => import('./inject.js') },
  webhook: { summary: 'serve the admission webhook that injects new pods', load: () => import('./webhook.js') },
  redirect: {
    summary: "write the rules that send a pod's connections to its sidecar",
    load: () => import('./redirect.js'),
  },
  wait: { summary: 'wait until the sidecar is ready', load: () => import('./wait.js') },
  request: { summary: 'ask an admin or agent path of the sidecar', load: () => import('./request.js') },
  check: {
    summary: "istiod's verdict on documents, and what the arithmetic of their timers shows",
    load: () => import('./check.js'),
  },
  explain: { summary: 'which route, cluster and timers a request meets', load: () => import('./explain.js') },
  envoy: { summary: 'print the Envoy bootstrap that Istio documents come to', load: () => import('./envoy.js') },
  lab: { summary: 'reproduce the field report and show what each cure does', load: () => import('./lab.js') },
};

function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, command]) => `  ${name.padEnd(10)} ${command.summary}`);
  return `usage: halfopen <command> [options]\n\ncommands:\n${lines.join('\n')}\n\n\`halfopen <command> --help\` tells more of each.\n`;
}

async function main(argv: string[]): Promise<number> {
  const [name, ...args] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage());
    return name === undefined ? 2 : 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    process.stderr.write(`halfopen: unknown command '${name}'\n\n${usage()}`);
    return 2;
  }
  return (await command.load()).main(args);
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`halfopen: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
