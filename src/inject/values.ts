import { isIPv4, isIPv6 } from 'node:net';

/** Checks of the values that annotations carry: null when good, else what is wrong. As Istio's injector has them. */
export type Check = (value: string) => string | null;

export const bool: Check = (value) => (parseBool(value) === null ? `'${value}' is neither true nor false` : null);

/** As strconv.ParseBool; null for another text. */
export function parseBool(value: string): boolean | null {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true;
  return ['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value) ? false : null;
}

export const uint32: Check = (value) =>
  /^\d+$/.test(value) && Number(value) < 2 ** 32 ? null : `'${value}' is not a whole number`;

export const port: Check = (value) =>
  /^\d+$/.test(value.trim()) && Number(value) < 65536 ? null : `'${value}' is not a port`;

/** Ports with commas between them; none is fine. */
export const ports: Check = (value) => {
  if (value.trim() === '') return null;
  return (
    value
      .split(',')
      .map(port)
      .find((problem) => problem !== null) ?? null
  );
};

export const portsOrAll: Check = (value) => (value === '*' ? null : ports(value));

/** Networks in CIDR notation with commas between them; none is fine. */
export const networks: Check = (value) => {
  if (value === '') return null;
  for (const network of value.split(',')) {
    const [address, length, more] = network.split('/');
    const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
    if (more !== undefined || !/^\d{1,3}$/.test(length ?? '') || Number(length) > bits)
      return `'${network}' is not a network such as 10.0.0.0/8`;
  }
  return null;
};

export const networksOrAll: Check = (value) => (value === '*' ? null : networks(value));

/** Names of network interfaces with commas between them. */
export const interfaces: Check = (value) => {
  for (const name of value.split(',')) {
    if (!/^[^\s/:]{1,15}$/.test(name.trim())) return `'${name}' is not the name of an interface`;
  }
  return null;
};

/** resource.Quantity. */
export const quantity: Check = (value) =>
  /^[+-]?(\d+\.?\d*|\.\d+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?$/.test(value)
    ? null
    : `'${value}' is not a quantity such as 100m or 128Mi`;

export const mode: Check = (value) =>
  ['REDIRECT', 'TPROXY', 'NONE'].includes(value)
    ? null
    : `'${value}' is no interception mode; allowed: REDIRECT, TPROXY, NONE`;

export const jsonObject: Check = (value) => {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? null : 'not a JSON object';
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
};

export const logLevel: Check = (value) =>
  ['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off'].includes(value)
    ? null
    : `'${value}' is no log level`;

export const image: Check = (value) => (value === '' || /\s/.test(value) ? `'${value}' is no image` : null);
