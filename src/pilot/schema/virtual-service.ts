import { choice, DURATION, FLAG, integer, list, map, message, number, TEXT } from './types.js';

const STRING_MATCH = message(
  {
    exact: TEXT,
    prefix: TEXT,
    regex: TEXT,
  },
  { oneOf: [['exact', 'prefix', 'regex']] },
);

const CORS_POLICY = message({
  allowCredentials: FLAG,
  allowHeaders: list(TEXT),
  allowMethods: list(TEXT),
  allowOrigin: list(TEXT),
  allowOrigins: list(STRING_MATCH),
  exposeHeaders: list(TEXT),
  maxAge: DURATION,
  unmatchedPreflights: choice('UNSPECIFIED', 'FORWARD', 'IGNORE'),
});

const DELEGATE = message({
  name: TEXT,
  namespace: TEXT,
});

const BODY = message(
  {
    bytes: TEXT,
    string: TEXT,
  },
  { oneOf: [['string', 'bytes']] },
);

const DIRECT_RESPONSE = message(
  {
    body: BODY,
    status: integer(0, 4294967295),
  },
  { required: ['status'] },
);

const PERCENTAGE = message({
  value: number(),
});

const ABORT = message(
  {
    grpcStatus: TEXT,
    http2Error: TEXT,
    httpStatus: integer(),
    percentage: PERCENTAGE,
  },
  { oneOf: [['httpStatus', 'grpcStatus', 'http2Error']] },
);

const DELAY = message(
  {
    exponentialDelay: DURATION,
    fixedDelay: DURATION,
    percent: integer(),
    percentage: PERCENTAGE,
  },
  { oneOf: [['fixedDelay', 'exponentialDelay']] },
);

const FAULT = message({
  abort: ABORT,
  delay: DELAY,
});

const REQUEST = message({
  add: map(TEXT),
  remove: list(TEXT),
  set: map(TEXT),
});

const HEADERS = message({
  request: REQUEST,
  response: REQUEST,
});

const HTTPMATCH = message({
  authority: STRING_MATCH,
  gateways: list(TEXT),
  headers: map(STRING_MATCH),
  ignoreUriCase: FLAG,
  method: STRING_MATCH,
  name: TEXT,
  port: integer(0, 4294967295),
  queryParams: map(STRING_MATCH),
  scheme: STRING_MATCH,
  sourceLabels: map(TEXT),
  sourceNamespace: TEXT,
  statPrefix: TEXT,
  uri: STRING_MATCH,
  withoutHeaders: map(STRING_MATCH),
});

const MIRRORPORT = message({
  number: integer(0, 4294967295),
});

const MIRROR = message(
  {
    host: TEXT,
    port: MIRRORPORT,
    subset: TEXT,
  },
  { required: ['host'] },
);

const MIRRORS = message(
  {
    destination: MIRROR,
    percentage: PERCENTAGE,
  },
  { required: ['destination'] },
);

const REDIRECT = message(
  {
    authority: TEXT,
    derivePort: choice('FROM_PROTOCOL_DEFAULT', 'FROM_REQUEST_PORT'),
    port: integer(0, 4294967295),
    prefixRewrite: TEXT,
    redirectCode: integer(0, 4294967295),
    scheme: TEXT,
    uri: TEXT,
  },
  { oneOf: [['port', 'derivePort']] },
);

const RETRIES = message({
  attempts: integer(),
  backoff: DURATION,
  perTryTimeout: DURATION,
  retryIgnorePreviousHosts: FLAG,
  retryOn: TEXT,
  retryRemoteLocalities: FLAG,
});

const URI_REGEX_REWRITE = message({
  match: TEXT,
  rewrite: TEXT,
});

const REWRITE = message({
  authority: TEXT,
  uri: TEXT,
  uriRegexRewrite: URI_REGEX_REWRITE,
});

const HTTPROUTE = message(
  {
    destination: MIRROR,
    headers: HEADERS,
    weight: integer(),
  },
  { required: ['destination'] },
);

const HTTP = message({
  corsPolicy: CORS_POLICY,
  delegate: DELEGATE,
  directResponse: DIRECT_RESPONSE,
  fault: FAULT,
  headers: HEADERS,
  match: list(HTTPMATCH),
  mirror: MIRROR,
  mirrorPercent: integer(0, 4294967295),
  mirrorPercentage: PERCENTAGE,
  mirror_percent: integer(0, 4294967295),
  mirrors: list(MIRRORS),
  name: TEXT,
  redirect: REDIRECT,
  retries: RETRIES,
  rewrite: REWRITE,
  route: list(HTTPROUTE),
  timeout: DURATION,
});

const TCPMATCH = message({
  destinationSubnets: list(TEXT),
  gateways: list(TEXT),
  port: integer(0, 4294967295),
  sourceLabels: map(TEXT),
  sourceNamespace: TEXT,
  sourceSubnet: TEXT,
});

const TCPROUTE = message(
  {
    destination: MIRROR,
    weight: integer(),
  },
  { required: ['destination'] },
);

const TCP = message({
  match: list(TCPMATCH),
  route: list(TCPROUTE),
});

const TLSMATCH = message(
  {
    destinationSubnets: list(TEXT),
    gateways: list(TEXT),
    port: integer(0, 4294967295),
    sniHosts: list(TEXT),
    sourceLabels: map(TEXT),
    sourceNamespace: TEXT,
  },
  { required: ['sniHosts'] },
);

const TLS = message(
  {
    match: list(TLSMATCH),
    route: list(TCPROUTE),
  },
  { required: ['match'] },
);

/** `spec` of a VirtualService, as the custom resource's schema has it. */
export const VIRTUAL_SERVICE_SPEC = message({
  exportTo: list(TEXT),
  gateways: list(TEXT),
  hosts: list(TEXT),
  http: list(HTTP),
  tcp: list(TCP),
  tls: list(TLS),
});
