/** Response flags, short and long; the order a stream sets them is the order a log prints them. */
export const FLAGS = {
  LH: 'FailedLocalHealthCheck',
  UH: 'NoHealthyUpstream',
  UT: 'UpstreamRequestTimeout',
  LR: 'LocalReset',
  UR: 'UpstreamRemoteReset',
  UF: 'UpstreamConnectionFailure',
  UC: 'UpstreamConnectionTermination',
  UO: 'UpstreamOverflow',
  NR: 'NoRouteFound',
  DI: 'DelayInjected',
  FI: 'FaultInjected',
  RL: 'RateLimited',
  UAEX: 'UnauthorizedExternalService',
  RLSE: 'RateLimitServiceError',
  DC: 'DownstreamConnectionTermination',
  URX: 'UpstreamRetryLimitExceeded',
  SI: 'StreamIdleTimeout',
  IH: 'InvalidEnvoyRequestHeaders',
  DPE: 'DownstreamProtocolError',
  UMSDR: 'UpstreamMaxStreamDurationReached',
  RFCF: 'ResponseFromCacheFilter',
  NFCF: 'NoFilterConfigFound',
  DT: 'DurationTimeout',
  UPE: 'UpstreamProtocolError',
  NC: 'NoClusterFound',
  OM: 'OverloadManagerTerminated',
  DF: 'DnsResolutionFailed',
  DO: 'DropOverload',
  DR: 'DownstreamRemoteReset',
  UDO: 'UnconditionalDropOverload',
} as const;
export type Flag = keyof typeof FLAGS;

/** `URX,UF`, or `-` when there is none. */
export function flagsText(flags: readonly Flag[]): string {
  return flags.length === 0 ? '-' : flags.join(',');
}

export function flagsLongText(flags: readonly Flag[]): string {
  return flags.length === 0 ? '-' : flags.map((flag) => FLAGS[flag]).join(',');
}

/** Sets a flag once; the order of setting is kept. */
export function addFlag(info: { flags: Flag[] }, flag: Flag): void {
  if (!info.flags.includes(flag)) info.flags.push(flag);
}
