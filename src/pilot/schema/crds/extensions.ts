/**
 * Resource definitions of extensions.istio.io, made by scripts/crd-schemas.mjs from those of Istio 1.31 and Gateway API (Apache License 2.0).
 * The notation is described in ../notation.ts.
 */
export const EXTENSIONS = `
kind TrafficExtension v1alpha1 object
  spec! object {"oneOf":[["wasm","lua"]]}
    ! only one of targetRefs or selector can be set :: (has(self.selector) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1
    ! exactly one of wasm or lua must be set :: has(self.wasm) != has(self.lua)
    lua object
      inlineCode! string {"minLength":1,"maxLength":65536}
    match @Match
    phase string {"enum":["UNSPECIFIED","AUTHN","AUTHZ","STATS"]}
    priority integer {"nullable":true,"format":"int32"}
    selector @Selector
    targetRefs @TargetRefs
    wasm object
      failStrategy string {"enum":["FAIL_CLOSE","FAIL_OPEN","FAIL_RELOAD"]}
      imagePullPolicy string {"enum":["UNSPECIFIED_POLICY","IfNotPresent","Always"]}
      imagePullSecret string {"minLength":1,"maxLength":253}
      pluginConfig object {"open":true}
      pluginName string {"minLength":1,"maxLength":256}
      sha256 string {"pattern":"(^$|^[a-f0-9]{64}$)"}
      type string {"enum":["UNSPECIFIED_PLUGIN_TYPE","HTTP","NETWORK"]}
      url! string {"minLength":1}
        ! url must have schema one of [http, https, file, oci] :: isURL(self) ? (url(self).getScheme() in ["", "http", "https", "file", "oci"]) : (isURL("http://" + self) && url("http://" + self).getScheme() in ["", "http", "https", "file", "oci"])
      verificationKey string
      vmConfig @VmConfig
  status @Status
kind WasmPlugin v1alpha1 object
  spec! object
    ! only one of targetRefs or selector can be set :: (has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1
    failStrategy string {"enum":["FAIL_CLOSE","FAIL_OPEN","FAIL_RELOAD"]}
    imagePullPolicy string {"enum":["UNSPECIFIED_POLICY","IfNotPresent","Always"]}
    imagePullSecret string {"minLength":1,"maxLength":253}
    match @Match
    phase string {"enum":["UNSPECIFIED_PHASE","AUTHN","AUTHZ","STATS"]}
    pluginConfig object {"open":true}
    pluginName string {"minLength":1,"maxLength":256}
    priority integer {"nullable":true,"format":"int32"}
    selector @Selector
    sha256 string {"pattern":"(^$|^[a-f0-9]{64}$)"}
    targetRef @TargetRefs2
    targetRefs @TargetRefs
    type string {"enum":["UNSPECIFIED_PLUGIN_TYPE","HTTP","NETWORK"]}
    url! string {"minLength":1}
      ! url must have schema one of [http, https, file, oci] :: isURL(self) ? (url(self).getScheme() in ["", "http", "https", "oci", "file"]) : (isURL("http://" + self) && url("http://" + self).getScheme() in ["", "http", "https", "oci", "file"])
    verificationKey string
    vmConfig @VmConfig
  status @Status
type Match array
  - object
    mode string {"enum":["UNDEFINED","CLIENT","SERVER","CLIENT_AND_SERVER"]}
    ports array {"keys":["number"]}
      - object
        number! integer {"minimum":1,"maximum":65535}
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
type TargetRefs array {"maxItems":16}
  - @TargetRefs2
type TargetRefs2 object
  group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
  kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
  name! string {"minLength":1,"maxLength":253}
  namespace string
    ! cross namespace referencing is not currently supported :: self.size() == 0
type VmConfig object
  env array {"maxItems":256,"keys":["name"]}
    - object
      ! value may only be set when valueFrom is INLINE :: (has(self.valueFrom) ? self.valueFrom : "") != "HOST" || !has(self.value)
      name! string {"minLength":1,"maxLength":256}
      value string {"maxLength":2048}
      valueFrom string {"enum":["INLINE","HOST"]}
`;
