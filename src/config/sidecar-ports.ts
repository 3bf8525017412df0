/** Ports of a sidecar that are no application's, by what is behind them. */
export const SIDECAR_PORTS: ReadonlyMap<number, string> = new Map([
  [15000, 'admin'],
  [15001, 'outbound capture'],
  [15004, 'debug'],
  [15006, 'inbound capture'],
  [15008, 'HBONE'],
  [15020, 'the agent'],
  [15021, 'readiness'],
  [15053, 'DNS'],
  [15090, "the proxy's own metrics"],
]);
