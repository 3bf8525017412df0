/**
 * Resource definitions of telemetry.istio.io, made by scripts/crd-schemas.mjs from those of Istio 1.31 and Gateway API (Apache License 2.0).
 * The notation is described in ../notation.ts.
 */
export const TELEMETRY = `
kind Telemetry v1,v1alpha1 object
  spec object
    ! only one of targetRefs or selector can be set :: (has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1
    accessLogging array
      - object
        disabled boolean {"nullable":true}
        filter object
          expression string
        match object
          mode string {"enum":["CLIENT_AND_SERVER","CLIENT","SERVER"]}
        providers @Providers
    metrics array
      - object
        overrides array
          - object
            disabled boolean {"nullable":true}
            match object {"oneOf":[["metric","customMetric"]]}
              customMetric string {"minLength":1}
              metric string {"enum":["ALL_METRICS","REQUEST_COUNT","REQUEST_DURATION","REQUEST_SIZE","RESPONSE_SIZE","TCP_OPENED_CONNECTIONS","TCP_CLOSED_CONNECTIONS","TCP_SENT_BYTES","TCP_RECEIVED_BYTES","GRPC_REQUEST_MESSAGES","GRPC_RESPONSE_MESSAGES"]}
              mode string {"enum":["CLIENT_AND_SERVER","CLIENT","SERVER"]}
            tagOverrides object
              * object
                ! value must be set when operation is UPSERT :: ((has(self.operation) ? self.operation : "") == "UPSERT") ? (self.value != "") : true
                ! value must not be set when operation is REMOVE :: ((has(self.operation) ? self.operation : "") == "REMOVE") ? !has(self.value) : true
                operation string {"enum":["UPSERT","REMOVE"]}
                value string
        providers @Providers
        reportingInterval string
          ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
    selector object
      matchLabels object {"maxProperties":4096}
        ! wildcard not allowed in label key match :: self.all(key, !key.contains("*"))
        ! key must not be empty :: self.all(key, key.size() != 0)
        * string {"maxLength":63}
          ! wildcard not allowed in label value match :: !self.contains("*")
    targetRef @TargetRef
    targetRefs array {"maxItems":16}
      - @TargetRef
    tracing array
      - object
        customTags object
          * object {"oneOf":[["literal","environment","header","formatter"]]}
            environment @Environment
            formatter object
              value! string {"minLength":1}
            header @Environment
            literal object
              value! string {"minLength":1}
        disableContextPropagation boolean {"nullable":true}
        disableSpanReporting boolean {"nullable":true}
        enableIstioTags boolean {"nullable":true}
        match object
          mode string {"enum":["CLIENT_AND_SERVER","CLIENT","SERVER"]}
        providers @Providers
        randomSamplingPercentage number {"minimum":0,"maximum":100,"nullable":true}
        useRequestIdForTraceSampling boolean {"nullable":true}
  status object {"open":true}
    conditions array
      - object
        lastProbeTime string {"format":"date-time"}
        lastTransitionTime string {"format":"date-time"}
        message string
        observedGeneration int-or-string
        reason string
        status string
        type string
    observedGeneration int-or-string
    validationMessages array
      - object
        documentationUrl string
        level string {"enum":["UNKNOWN","ERROR","WARNING","INFO"]}
        type object
          code string
          name string
type Environment object
  defaultValue string
  name! string {"minLength":1}
type Providers array
  - object
    name! string {"minLength":1}
type TargetRef object
  group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
  kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
  name! string {"minLength":1,"maxLength":253}
  namespace string
    ! cross namespace referencing is not currently supported :: self.size() == 0
`;
