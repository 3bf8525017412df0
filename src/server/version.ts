import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Version of this program; the behaviour is that of Envoy 1.40. */
export const VERSION = `halfopen/${manifest.version}/Envoy-1.40`;
