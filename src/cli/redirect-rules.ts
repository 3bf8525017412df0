/**
 * The packet filter rules that send a pod's connections to its sidecar, as istio-iptables writes them: what the application opens goes to the
 * outbound port, what comes in to the inbound port, and what the proxy itself opens (by its user, its group, or from 127.0.0.6) passes. One list of
 * rules, printed for iptables-restore or for nft. IPv4 only: the proxy listens there, and IPv6 passes by.
 */
export interface RedirectOptions {
  outboundPort: number;
  inboundPort: number;
  tunnelPort: number;
  uids: readonly string[];
  gids: readonly string[];
  mode: 'REDIRECT' | 'TPROXY';
  /** `*`, or ranges. Empty: nothing by address. */
  includeRanges: readonly string[];
  excludeRanges: readonly string[];
  /** `*`, or ports. Empty: nothing comes in through the proxy. */
  inboundPorts: readonly string[];
  excludeInboundPorts: readonly string[];
  includeOutboundPorts: readonly string[];
  excludeOutboundPorts: readonly string[];
  /** Interfaces of virtual machines: what they send counts as outbound. */
  virtualInterfaces: readonly string[];
  excludeInterfaces: readonly string[];
  tproxyMark: number;
  tproxyTable: number;
  dropInvalid: boolean;
}

interface Match {
  in?: string;
  out?: string;
  tcp?: boolean;
  source?: string;
  to?: string;
  notTo?: string;
  ports?: readonly string[];
  notPort?: string;
  uid?: string;
  gid?: string;
  notUid?: string;
  notGid?: string;
  mark?: number;
  notMark?: number;
  connectionMark?: number;
  state?: readonly ('RELATED' | 'ESTABLISHED' | 'INVALID')[];
}

type Action =
  | { return: true }
  | { accept: true }
  | { drop: true }
  | { jump: string }
  | { redirect: number }
  | { tproxy: number; mark: number }
  | { setMark: number }
  | { saveMark: true }
  | { restoreMark: true };

interface Rule {
  chain: string;
  /** Before what the chain has already. */
  first?: boolean;
  match: Match;
  action: Action;
}

interface Table {
  name: 'nat' | 'mangle';
  chains: readonly string[];
  rules: Rule[];
}

const RETURN: Action = { return: true };
const OWN = '127.0.0.6/32';
const LOOPBACK = '127.0.0.1/32';
const OUTBOUND_MARK = 1338;
const MULTIPORT = 15;

/** The rules of `options`, table by table. */
export function redirectTables(options: RedirectOptions): Table[] {
  const nat: Table = {
    name: 'nat',
    chains: ['ISTIO_INBOUND', 'ISTIO_REDIRECT', 'ISTIO_IN_REDIRECT', 'ISTIO_OUTPUT'],
    rules: [],
  };
  const mangle: Table = { name: 'mangle', chains: [], rules: [] };
  const tables = [nat, mangle];
  const add = (table: Table, chain: string, match: Match, action: Action, first = false) =>
    table.rules.push(first ? { chain, match, action, first } : { chain, match, action });
  if (options.mode === 'TPROXY') mangle.chains = ['ISTIO_DIVERT', 'ISTIO_TPROXY', 'ISTIO_INBOUND'];
  for (const table of tables) {
    for (const name of options.excludeInterfaces) {
      add(table, 'PREROUTING', { in: name }, RETURN);
      add(table, 'OUTPUT', { out: name }, RETURN);
    }
  }
  if (options.dropInvalid) add(mangle, 'PREROUTING', { state: ['INVALID'] }, { drop: true });
  for (const name of options.virtualInterfaces) add(nat, 'PREROUTING', { in: name }, RETURN, true);
  add(nat, 'ISTIO_INBOUND', { tcp: true, ports: [String(options.tunnelPort)] }, RETURN);
  add(nat, 'ISTIO_REDIRECT', { tcp: true }, { redirect: options.outboundPort });
  add(nat, 'ISTIO_IN_REDIRECT', { tcp: true }, { redirect: options.inboundPort });
  inbound(options, options.mode === 'TPROXY' ? mangle : nat, add);
  outbound(options, nat, add);
  return tables.filter(({ rules }) => rules.length > 0);
}

type Add = (table: Table, chain: string, match: Match, action: Action, first?: boolean) => void;

function inbound(options: RedirectOptions, table: Table, add: Add): void {
  const { inboundPorts, excludeInboundPorts, tproxyMark: mark } = options;
  const transparent = options.mode === 'TPROXY';
  const target: Action = { jump: transparent ? 'ISTIO_TPROXY' : 'ISTIO_IN_REDIRECT' };
  if (transparent) {
    add(table, 'ISTIO_DIVERT', {}, { setMark: mark });
    add(table, 'ISTIO_DIVERT', {}, { accept: true });
    add(table, 'ISTIO_TPROXY', { tcp: true, notTo: LOOPBACK }, { tproxy: options.inboundPort, mark });
  }
  if (inboundPorts.length === 0) return;
  if (transparent) {
    add(table, 'ISTIO_INBOUND', { tcp: true, mark }, RETURN);
    add(table, 'ISTIO_INBOUND', { tcp: true, source: OWN, in: 'lo' }, RETURN);
    add(table, 'ISTIO_INBOUND', { tcp: true, in: 'lo', notMark: OUTBOUND_MARK }, RETURN);
  }
  add(table, 'PREROUTING', { tcp: true }, { jump: 'ISTIO_INBOUND' });
  if (inboundPorts.includes('*')) {
    for (const ports of groups(excludeInboundPorts)) add(table, 'ISTIO_INBOUND', { tcp: true, ports }, RETURN);
    if (transparent)
      add(table, 'ISTIO_INBOUND', { tcp: true, state: ['RELATED', 'ESTABLISHED'] }, { jump: 'ISTIO_DIVERT' });
    add(table, 'ISTIO_INBOUND', { tcp: true }, target);
  } else {
    for (const ports of groups(inboundPorts)) {
      if (transparent)
        add(table, 'ISTIO_INBOUND', { tcp: true, ports, state: ['RELATED', 'ESTABLISHED'] }, { jump: 'ISTIO_DIVERT' });
      add(table, 'ISTIO_INBOUND', { tcp: true, ports }, target);
    }
  }
  if (!transparent) return;
  add(table, 'PREROUTING', { tcp: true, mark }, { saveMark: true });
  add(table, 'OUTPUT', { tcp: true, out: 'lo', mark }, RETURN);
  for (const uid of options.uids)
    add(table, 'OUTPUT', { tcp: true, out: 'lo', notTo: LOOPBACK, uid }, { setMark: OUTBOUND_MARK });
  for (const gid of options.gids)
    add(table, 'OUTPUT', { tcp: true, out: 'lo', notTo: LOOPBACK, gid }, { setMark: OUTBOUND_MARK });
  add(table, 'OUTPUT', { tcp: true, connectionMark: mark }, { restoreMark: true });
}

function outbound(options: RedirectOptions, nat: Table, add: Add): void {
  const chain = 'ISTIO_OUTPUT';
  const { includeRanges, virtualInterfaces } = options;
  add(nat, 'OUTPUT', { tcp: true }, { jump: chain });
  for (const ports of groups(options.excludeOutboundPorts)) add(nat, chain, { tcp: true, ports }, RETURN);
  add(nat, chain, { out: 'lo', source: OWN }, RETURN);
  // Whoever asks for a loopback range to be captured wants the application's calls to itself to be captured too.
  const toItself = includeRanges.some((range) => range.startsWith('127.'));
  const back: Match = { out: 'lo', tcp: true, notTo: LOOPBACK, notPort: String(options.tunnelPort) };
  for (const uid of options.uids) {
    add(nat, chain, { ...back, uid }, { jump: 'ISTIO_IN_REDIRECT' });
    if (!toItself) add(nat, chain, { out: 'lo', notUid: uid }, RETURN);
    add(nat, chain, { uid }, RETURN);
  }
  for (const gid of options.gids) {
    add(nat, chain, { ...back, gid }, { jump: 'ISTIO_IN_REDIRECT' });
    if (!toItself) add(nat, chain, { out: 'lo', notGid: gid }, RETURN);
    add(nat, chain, { gid }, RETURN);
  }
  add(nat, chain, { to: LOOPBACK }, RETURN);
  for (const range of options.excludeRanges) add(nat, chain, { to: range }, RETURN);
  const target: Action = { jump: 'ISTIO_REDIRECT' };
  for (const ports of groups(options.includeOutboundPorts)) add(nat, chain, { tcp: true, ports }, target);
  if (includeRanges.includes('*')) {
    for (const name of virtualInterfaces) add(nat, 'PREROUTING', { in: name }, target, true);
    add(nat, chain, {}, target);
    return;
  }
  for (const range of includeRanges) {
    for (const name of virtualInterfaces) add(nat, 'PREROUTING', { in: name, to: range }, target, true);
    add(nat, chain, { to: range }, target);
  }
}

function groups(ports: readonly string[]): string[][] {
  const out: string[][] = [];
  for (let i = 0; i < ports.length; i += MULTIPORT) out.push(ports.slice(i, i + MULTIPORT));
  return out;
}

// --- iptables

/** For `iptables-restore --noflush`. */
export function iptablesText(tables: readonly Table[]): string {
  const lines: string[] = [];
  for (const { name, chains, rules } of tables) {
    lines.push(`*${name}`, ...chains.map((chain) => `:${chain} - [0:0]`));
    for (const rule of rules)
      lines.push(`${rule.first ? `-I ${rule.chain} 1` : `-A ${rule.chain}`}${iptablesRule(rule)}`);
    lines.push('COMMIT');
  }
  return `${lines.join('\n')}\n`;
}

/** The arguments of the `iptables` calls that undo `iptablesText`. A call may fail: what it undoes need not be there. */
export function iptablesCleanup(tables: readonly Table[]): string[][] {
  const calls: string[][] = [];
  for (const { name, chains, rules } of tables) {
    for (const rule of rules)
      if (!chains.includes(rule.chain))
        calls.push([
          '-t',
          name,
          '-D',
          rule.chain,
          ...iptablesRule(rule)
            .split(' ')
            .filter((word) => word !== ''),
        ]);
    for (const chain of chains) calls.push(['-t', name, '-F', chain]);
    for (const chain of chains) calls.push(['-t', name, '-X', chain]);
  }
  return calls;
}

function iptablesRule({ match, action }: Rule): string {
  const words: string[] = [];
  const put = (value: string | number | undefined, ...before: string[]) => {
    if (value !== undefined) words.push(...before, String(value));
  };
  put(match.in, '-i');
  put(match.out, '-o');
  put(match.source, '-s');
  put(match.to, '-d');
  put(match.notTo, '!', '-d');
  if (match.tcp) words.push('-p', 'tcp');
  if (match.ports?.length === 1) words.push('--dport', match.ports[0]);
  else if (match.ports !== undefined) words.push('-m', 'multiport', '--dports', match.ports.join(','));
  put(match.notPort, '!', '--dport');
  put(match.uid, '-m', 'owner', '--uid-owner');
  put(match.gid, '-m', 'owner', '--gid-owner');
  put(match.notUid, '-m', 'owner', '!', '--uid-owner');
  put(match.notGid, '-m', 'owner', '!', '--gid-owner');
  put(match.mark, '-m', 'mark', '--mark');
  put(match.notMark, '-m', 'mark', '!', '--mark');
  put(match.connectionMark, '-m', 'connmark', '--mark');
  if (match.state !== undefined) words.push('-m', 'conntrack', '--ctstate', match.state.join(','));
  return ` ${[...words, '-j', ...iptablesAction(action)].join(' ')}`;
}

function iptablesAction(action: Action): string[] {
  if ('jump' in action) return [action.jump];
  if ('redirect' in action) return ['REDIRECT', '--to-ports', String(action.redirect)];
  if ('tproxy' in action)
    return ['TPROXY', '--tproxy-mark', `${action.mark}/0xffffffff`, '--on-port', String(action.tproxy)];
  if ('setMark' in action) return ['MARK', '--set-mark', String(action.setMark)];
  if ('saveMark' in action) return ['CONNMARK', '--save-mark'];
  if ('restoreMark' in action) return ['CONNMARK', '--restore-mark'];
  return ['accept' in action ? 'ACCEPT' : 'drop' in action ? 'DROP' : 'RETURN'];
}

// --- nft

const HOOKS: Record<Table['name'], Record<string, string>> = {
  nat: { PREROUTING: 'type nat hook prerouting priority -100;', OUTPUT: 'type nat hook output priority -100;' },
  mangle: { PREROUTING: 'type filter hook prerouting priority -150;', OUTPUT: 'type route hook output priority -150;' },
};

/** For `nft -f -`: replaces the tables as a whole, so that it may be applied again. */
export function nftText(tables: readonly Table[]): string {
  const lines: string[] = [];
  for (const { name, chains, rules } of tables) {
    const table = `halfopen-${name}`;
    lines.push(`table ip ${table} {}`, `delete table ip ${table}`, `table ip ${table} {`);
    // A chain is known before a rule jumps to it.
    for (const chain of chains) lines.push(`  chain ${chain} {}`);
    for (const chain of [...chains, 'PREROUTING', 'OUTPUT']) {
      const own = rules.filter((rule) => rule.chain === chain);
      if (own.length === 0) continue;
      const ordered = [...own.filter((rule) => rule.first).reverse(), ...own.filter((rule) => !rule.first)];
      lines.push(`  chain ${chain} {`);
      const hook = HOOKS[name][chain];
      if (hook !== undefined) lines.push(`    ${hook}`);
      for (const rule of ordered) lines.push(`    ${nftRule(rule)}`);
      lines.push('  }');
    }
    lines.push('}');
  }
  return `${lines.join('\n')}\n`;
}

/** For `nft -f -`: undoes `nftText`, applied or not. */
export function nftCleanup(): string {
  return ['nat', 'mangle'].map((name) => `table ip halfopen-${name} {}\ndelete table ip halfopen-${name}\n`).join('');
}

function nftRule({ match, action }: Rule): string {
  const words: string[] = [];
  const put = (value: string | number | undefined, before: string) => {
    if (value !== undefined) words.push(before, String(value));
  };
  put(match.in, 'iifname');
  put(match.out, 'oifname');
  put(match.source, 'ip saddr');
  put(match.to, 'ip daddr');
  put(match.notTo, 'ip daddr !=');
  const ports = match.ports?.map((port) => port.replace(':', '-'));
  if (ports !== undefined) words.push(`tcp dport { ${ports.join(', ')} }`);
  else if (match.notPort !== undefined) words.push(`tcp dport != ${match.notPort}`);
  else if (match.tcp) words.push('meta l4proto tcp');
  put(match.uid, 'meta skuid');
  put(match.gid, 'meta skgid');
  put(match.notUid, 'meta skuid !=');
  put(match.notGid, 'meta skgid !=');
  put(match.mark, 'meta mark');
  put(match.notMark, 'meta mark !=');
  put(match.connectionMark, 'ct mark');
  if (match.state !== undefined) words.push(`ct state ${match.state.join(',').toLowerCase()}`);
  return [...words, nftAction(action)].join(' ');
}

function nftAction(action: Action): string {
  if ('jump' in action) return `jump ${action.jump}`;
  if ('redirect' in action) return `redirect to :${action.redirect}`;
  if ('tproxy' in action) return `tproxy to :${action.tproxy} meta mark set ${action.mark} accept`;
  if ('setMark' in action) return `meta mark set ${action.setMark}`;
  if ('saveMark' in action) return 'ct mark set meta mark';
  if ('restoreMark' in action) return 'meta mark set ct mark';
  return 'accept' in action ? 'accept' : 'drop' in action ? 'drop' : 'return';
}
