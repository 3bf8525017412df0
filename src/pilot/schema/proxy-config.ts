import { integer, map, message, TEXT, text } from './types.js';

const IMAGE = message({
  imageType: TEXT,
});

const SELECTOR = message({
  matchLabels: map(text({ max: 63 })),
});

/** `spec` of a ProxyConfig, as the custom resource's schema has it. */
export const PROXY_CONFIG_SPEC = message({
  concurrency: integer(0),
  environmentVariables: map(text({ max: 2048 })),
  image: IMAGE,
  selector: SELECTOR,
});
