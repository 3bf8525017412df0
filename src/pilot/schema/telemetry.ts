import { choice, DURATION, FLAG, list, map, message, number, TEXT, text } from './types.js';

const FILTER = message({
  expression: TEXT,
});

const ACCESS_LOGGINGMATCH = message({
  mode: choice('CLIENT_AND_SERVER', 'CLIENT', 'SERVER'),
});

const PROVIDERS = message(
  {
    name: text({ min: 1 }),
  },
  { required: ['name'] },
);

const ACCESS_LOGGING = message({
  disabled: FLAG,
  filter: FILTER,
  match: ACCESS_LOGGINGMATCH,
  providers: list(PROVIDERS),
});

const OVERRIDESMATCH = message(
  {
    customMetric: text({ min: 1 }),
    metric: choice(
      'ALL_METRICS',
      'REQUEST_COUNT',
      'REQUEST_DURATION',
      'REQUEST_SIZE',
      'RESPONSE_SIZE',
      'TCP_OPENED_CONNECTIONS',
      'TCP_CLOSED_CONNECTIONS',
      'TCP_SENT_BYTES',
      'TCP_RECEIVED_BYTES',
      'GRPC_REQUEST_MESSAGES',
      'GRPC_RESPONSE_MESSAGES',
    ),
    mode: choice('CLIENT_AND_SERVER', 'CLIENT', 'SERVER'),
  },
  { oneOf: [['metric', 'customMetric']] },
);

const TAG_OVERRIDES = message({
  operation: choice('UPSERT', 'REMOVE'),
  value: TEXT,
});

const OVERRIDES = message({
  disabled: FLAG,
  match: OVERRIDESMATCH,
  tagOverrides: map(TAG_OVERRIDES),
});

const METRICS = message({
  overrides: list(OVERRIDES),
  providers: list(PROVIDERS),
  reportingInterval: DURATION,
});

const SELECTOR = message({
  matchLabels: map(text({ max: 63 })),
});

const TARGET_REF = message(
  {
    group: text({ max: 253, pattern: /^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/ }),
    kind: text({ min: 1, max: 63, pattern: /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/ }),
    name: text({ min: 1, max: 253 }),
    namespace: TEXT,
  },
  { required: ['kind', 'name'] },
);

const ENVIRONMENT = message(
  {
    defaultValue: TEXT,
    name: text({ min: 1 }),
  },
  { required: ['name'] },
);

const FORMATTER = message(
  {
    value: text({ min: 1 }),
  },
  { required: ['value'] },
);

const CUSTOM_TAGS = message(
  {
    environment: ENVIRONMENT,
    formatter: FORMATTER,
    header: ENVIRONMENT,
    literal: FORMATTER,
  },
  { oneOf: [['literal', 'environment', 'header', 'formatter']] },
);

const TRACING = message({
  customTags: map(CUSTOM_TAGS),
  disableContextPropagation: FLAG,
  disableSpanReporting: FLAG,
  enableIstioTags: FLAG,
  match: ACCESS_LOGGINGMATCH,
  providers: list(PROVIDERS),
  randomSamplingPercentage: number(),
  useRequestIdForTraceSampling: FLAG,
});

/** `spec` of a Telemetry, as the custom resource's schema has it. */
export const TELEMETRY_SPEC = message({
  accessLogging: list(ACCESS_LOGGING),
  metrics: list(METRICS),
  selector: SELECTOR,
  targetRef: TARGET_REF,
  targetRefs: list(TARGET_REF, { max: 16 }),
  tracing: list(TRACING),
});
