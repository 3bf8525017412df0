import { spawnSync } from 'node:child_process';
import { isIPv4, isIPv6 } from 'node:net';
import { parseArgs } from 'node:util';
import {
  iptablesCleanup,
  iptablesText,
  nftCleanup,
  nftText,
  type RedirectOptions,
  redirectTables,
} from './redirect-rules.js';

const USAGE = `usage: halfopen redirect [--print | --apply | --cleanup] [options]

Sends the connections of this network namespace to the sidecar, as istio-iptables does. The flags are its own.

      --print                 write the rules to standard output (default)
      --apply                 put them in force; needs root with NET_ADMIN, and iptables or nft
      --cleanup               take them away
      --backend NAME          iptables or nft; what is there, iptables first
  -p, --envoy-port N          15001: outbound connections go here
  -z, --inbound-capture-port N
                              15006: inbound connections go here
  -e, --inbound-tunnel-port N 15008: never captured
  -u, --proxy-uid LIST        1337: users whose connections pass
  -g, --proxy-gid LIST        the users' numbers: groups whose connections pass
  -m, --istio-inbound-interception-mode MODE
                              REDIRECT (default) or TPROXY
  -b, --istio-inbound-ports LIST
                              inbound ports to capture; * for all, '' for none ('')
  -d, --istio-local-exclude-ports LIST
                              inbound ports to leave, with -b '*'
  -i, --istio-service-cidr LIST
                              outbound ranges to capture; * for all ('')
  -x, --istio-service-exclude-cidr LIST
                              outbound ranges to leave
  -q, --istio-outbound-ports LIST
                              outbound ports to capture whatever -i says
  -o, --istio-local-outbound-ports-exclude LIST
                              outbound ports to leave
  -k, --kube-virt-interfaces LIST
                              interfaces whose traffic counts as outbound
  -c, --istio-exclude-interfaces LIST
                              interfaces to leave
  -t, --inbound-tproxy-mark N, -r, --inbound-tproxy-route-table N
                              1337 and 133: mark and routing table of TPROXY
      --drop-invalid          drop packets that belong to no connection
  -h, --help

IPv4 is captured; IPv6 passes by.
`;

class UsageError extends Error {}

export async function main(args: string[]): Promise<number> {
  try {
    return run(args);
  } catch (error) {
    const usage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
    process.stderr.write(`halfopen redirect: ${(error as Error).message}\n${usage ? `\n${USAGE}` : ''}`);
    return usage ? 2 : 1;
  }
}

const text = (short?: string) => ({ type: 'string' as const, ...(short !== undefined && { short }) });

function run(args: string[]): number {
  const { values } = parseArgs({
    args,
    options: {
      print: { type: 'boolean' },
      apply: { type: 'boolean' },
      cleanup: { type: 'boolean' },
      backend: text(),
      'envoy-port': text('p'),
      'inbound-capture-port': text('z'),
      'inbound-tunnel-port': text('e'),
      'proxy-uid': text('u'),
      'proxy-gid': text('g'),
      'istio-inbound-interception-mode': text('m'),
      'istio-inbound-ports': text('b'),
      'istio-local-exclude-ports': text('d'),
      'istio-service-cidr': text('i'),
      'istio-service-exclude-cidr': text('x'),
      'istio-outbound-ports': text('q'),
      'istio-local-outbound-ports-exclude': text('o'),
      'kube-virt-interfaces': text('k'),
      'istio-exclude-interfaces': text('c'),
      'inbound-tproxy-mark': text('t'),
      'inbound-tproxy-route-table': text('r'),
      'drop-invalid': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  if ([values.print, values.apply, values.cleanup].filter((given) => given === true).length > 1)
    throw new UsageError('--print, --apply and --cleanup exclude each other');
  const options = readOptions(values as Record<string, string | undefined>, values['drop-invalid'] === true);
  const tables = redirectTables(options);
  const wanted = values.backend;
  if (wanted !== undefined && wanted !== 'iptables' && wanted !== 'nft')
    throw new UsageError(`--backend: '${wanted}' is neither iptables nor nft`);
  if (values.apply !== true && values.cleanup !== true) {
    process.stdout.write(wanted === 'nft' ? nftText(tables) : iptablesText(tables));
    return 0;
  }
  const backend = wanted ?? backendHere();
  if (backend === 'nft') call('nft', ['-f', '-'], values.apply === true ? nftText(tables) : nftCleanup());
  else {
    for (const undo of iptablesCleanup(tables)) spawnSync('iptables', ['-w', ...undo]);
    if (values.apply === true) call('iptables-restore', ['-w', '--noflush'], iptablesText(tables));
  }
  if (options.mode === 'TPROXY') routeMarked(options, values.apply === true);
  return 0;
}

/** Marked packets are delivered here, whatever their address. */
function routeMarked({ tproxyMark, tproxyTable }: RedirectOptions, apply: boolean): void {
  const rule = ['fwmark', String(tproxyMark), 'lookup', String(tproxyTable)];
  const route = ['local', 'default', 'dev', 'lo', 'table', String(tproxyTable)];
  spawnSync('ip', ['-f', 'inet', 'rule', 'del', ...rule]);
  spawnSync('ip', ['-f', 'inet', 'route', 'del', ...route]);
  if (!apply) return;
  call('ip', ['-f', 'inet', 'rule', 'add', ...rule]);
  call('ip', ['-f', 'inet', 'route', 'add', ...route]);
}

function backendHere(): 'iptables' | 'nft' {
  for (const [backend, program] of [
    ['iptables', 'iptables-restore'],
    ['nft', 'nft'],
  ] as const)
    if (spawnSync(program, ['--version']).error === undefined) return backend;
  throw new Error('neither iptables-restore nor nft is in PATH: no rules can be set');
}

function call(program: string, args: readonly string[], input = ''): void {
  const { status, stderr, error } = spawnSync(program, args, { input, encoding: 'utf8' });
  if (error !== undefined) throw new Error(`${program} cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${program} ended with status ${status}: ${stderr.trim()}`);
}

// --- reading flags

function readOptions(flags: Record<string, string | undefined>, dropInvalid: boolean): RedirectOptions {
  const list = (name: string, otherwise = '') =>
    (flags[name] ?? otherwise)
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== '');
  const number = (name: string, otherwise: number, max = 65535) => {
    const value = Number(flags[name] ?? otherwise);
    if (!Number.isInteger(value) || value < 1 || value > max)
      throw new UsageError(`--${name}: '${flags[name]}' is no number from 1 to ${max}`);
    return value;
  };
  const checked = (name: string, what: string, is: (part: string) => boolean, otherwise = '') => {
    const parts = list(name, otherwise);
    for (const part of parts) if (!is(part)) throw new UsageError(`--${name}: '${part}' is no ${what}`);
    return parts;
  };
  const ports = (name: string) => checked(name, 'port', isPort);
  const uids = checked('proxy-uid', 'number of a user', isId, '1337');
  const mode = flags['istio-inbound-interception-mode'] ?? 'REDIRECT';
  if (mode !== 'REDIRECT' && mode !== 'TPROXY')
    throw new UsageError(`--istio-inbound-interception-mode: '${mode}' is neither REDIRECT nor TPROXY`);
  const ranges = (name: string) =>
    // Of a list for both families, that of IPv4 counts.
    checked(name, 'range of addresses', isRange).filter((range) => range === '*' || !range.includes(':'));
  const interfaces = (name: string) => checked(name, 'name of an interface', (part) => /^[\w.@-]{1,15}$/.test(part));
  return {
    outboundPort: number('envoy-port', 15001),
    inboundPort: number('inbound-capture-port', 15006),
    tunnelPort: number('inbound-tunnel-port', 15008),
    uids,
    gids: checked('proxy-gid', 'number of a group', isId, uids.join(',')),
    mode,
    includeRanges: ranges('istio-service-cidr'),
    excludeRanges: ranges('istio-service-exclude-cidr'),
    inboundPorts: checked('istio-inbound-ports', 'port', (part) => part === '*' || isPort(part)),
    excludeInboundPorts: ports('istio-local-exclude-ports'),
    includeOutboundPorts: ports('istio-outbound-ports'),
    excludeOutboundPorts: ports('istio-local-outbound-ports-exclude'),
    virtualInterfaces: interfaces('kube-virt-interfaces'),
    excludeInterfaces: interfaces('istio-exclude-interfaces'),
    tproxyMark: number('inbound-tproxy-mark', 1337, 0xffffffff),
    tproxyTable: number('inbound-tproxy-route-table', 133, 0xffffffff),
    dropInvalid,
  };
}

const isId = (part: string): boolean => /^\d{1,10}$/.test(part);

/** A port, or `8000:8010`. */
function isPort(part: string): boolean {
  const ends = part.split(':').map(Number);
  return /^\d+(:\d+)?$/.test(part) && ends.every((port) => port <= 65535);
}

function isRange(part: string): boolean {
  if (part === '*') return true;
  const [ip, bits, ...more] = part.split('/');
  if (more.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return false;
  return (isIPv4(ip) && Number(bits ?? 32) <= 32) || (isIPv6(ip) && Number(bits ?? 128) <= 128);
}
