/**
 * Resource definitions of security.istio.io, made by scripts/crd-schemas.mjs from those of Istio 1.31 and Gateway API (Apache License 2.0).
 * The notation is described in ../notation.ts.
 */
export const SECURITY = `
kind AuthorizationPolicy v1,v1beta1 object
  spec object {"oneOf":[["provider"]]}
    ! only one of targetRefs or selector can be set :: (has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1
    action string {"enum":["ALLOW","DENY","AUDIT","CUSTOM"]}
    provider object
      name string
    rules array {"maxItems":512}
      - object
        from array {"maxItems":512}
          - object
            source object
              ! Cannot set serviceAccounts with namespaces or principals :: (has(self.serviceAccounts) || has(self.notServiceAccounts)) ? (!has(self.principals) && !has(self.notPrincipals) && !has(self.namespaces) && !has(self.notNamespaces)) : true
              ipBlocks array
                - string
              namespaces array
                - string
              notIpBlocks array
                - string
              notNamespaces array
                - string
              notPrincipals array
                - string
              notRemoteIpBlocks array
                - string
              notRequestPrincipals array
                - string
              notServiceAccounts array {"maxItems":16}
                - string {"maxLength":320}
              notTrustDomains array
                - string
              principals array
                - string
              remoteIpBlocks array
                - string
              requestPrincipals array
                - string
              serviceAccounts array {"maxItems":16}
                - string {"maxLength":320}
              trustDomains array
                - string
        to array
          - object
            operation object
              hosts array
                - string
              methods array
                - string
              notHosts array
                - string
              notMethods array
                - string
              notPaths array
                - string
              notPorts array
                - string
              paths array
                - string
              ports array
                - string
        when array
          - object
            key! string
            notValues array
              - string
            values array
              - string
    selector @Selector
    targetRef @TargetRef
    targetRefs @TargetRefs
  status @Status
kind PeerAuthentication v1,v1beta1 object
  spec object
    ! portLevelMtls requires selector :: has(self.portLevelMtls) ? (((has(self.selector) && has(self.selector.matchLabels)) ? self.selector.matchLabels : {}).size() > 0) : true
    mtls object
      mode string {"enum":["UNSET","DISABLE","PERMISSIVE","STRICT"]}
    portLevelMtls object {"minProperties":1}
      ! port must be between 1-65535 :: self.all(key, 0 < int(key) && int(key) <= 65535)
      * object
        mode string {"enum":["UNSET","DISABLE","PERMISSIVE","STRICT"]}
    selector @Selector
  status @Status
kind RequestAuthentication v1,v1beta1 object
  spec object
    ! only one of targetRefs or selector can be set :: (has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1
    jwtRules array {"maxItems":4096}
      - object
        ! only one of jwks or jwksUri can be set :: (has(self.jwksUri) ? 1 : 0) + (has(self.jwks_uri) ? 1 : 0) + (has(self.jwks) ? 1 : 0) <= 1
        audiences array
          - string {"minLength":1}
        forwardOriginalToken boolean
        fromCookies array
          - string {"minLength":1}
        fromHeaders array
          - object
            name! string {"minLength":1}
            prefix string
        fromParams array
          - string {"minLength":1}
        issuer string {"minLength":1}
        jwks string
        jwks_uri string {"minLength":1,"maxLength":2048}
          ! url must have scheme http:// or https:// :: url(self).getScheme() in ["http", "https"]
        jwksUri string {"minLength":1,"maxLength":2048}
          ! url must have scheme http:// or https:// :: url(self).getScheme() in ["http", "https"]
        outputClaimToHeaders array
          - object
            claim! string {"minLength":1}
            header! string {"minLength":1,"pattern":"^[-_A-Za-z0-9]+$"}
        outputPayloadToHeader string
        spaceDelimitedClaims array {"maxItems":64}
          - string {"minLength":1}
        timeout string
          ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
    selector @Selector
    targetRef @TargetRef
    targetRefs @TargetRefs
  status @Status
type Selector object
  matchLabels object {"maxProperties":4096}
    ! wildcard not allowed in label key match :: self.all(key, !key.contains("*"))
    ! key must not be empty :: self.all(key, key.size() != 0)
    * string {"maxLength":63}
      ! wildcard not allowed in label value match :: !self.contains("*")
type Status object {"open":true}
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
type TargetRef object
  group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
  kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
  name! string {"minLength":1,"maxLength":253}
  namespace string
    ! cross namespace referencing is not currently supported :: self.size() == 0
type TargetRefs array {"maxItems":16}
  - @TargetRef
`;
