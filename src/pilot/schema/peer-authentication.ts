import { choice, map, message, text } from './types.js';

const MTLS = message({
  mode: choice('UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT'),
});

const SELECTOR = message({
  matchLabels: map(text({ max: 63 })),
});

/** `spec` of a PeerAuthentication, as the custom resource's schema has it. */
export const PEER_AUTHENTICATION_SPEC = message({
  mtls: MTLS,
  portLevelMtls: map(MTLS),
  selector: SELECTOR,
});
