/**
 * Resource definitions of networking.istio.io, made by scripts/crd-schemas.mjs from those of Istio 1.31 and Gateway API (Apache License 2.0).
 * The notation is described in ../notation.ts.
 */
export const NETWORKING = `
kind DestinationRule v1,v1alpha3,v1beta1 object
  spec object
    exportTo array
      - string
    host! string
    subsets array
      - object
        labels object
          * string
        name! string
        trafficPolicy @TrafficPolicy
    trafficPolicy @TrafficPolicy
    workloadSelector @WorkloadSelector
  status @Status
kind EnvoyFilter v1alpha3 object
  spec object
    ! only one of targetRefs or workloadSelector can be set :: (has(self.workloadSelector) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1
    configPatches array
      - object
        applyTo string {"enum":["INVALID","LISTENER","FILTER_CHAIN","NETWORK_FILTER","HTTP_FILTER","ROUTE_CONFIGURATION","VIRTUAL_HOST","HTTP_ROUTE","CLUSTER","EXTENSION_CONFIG","BOOTSTRAP","LISTENER_FILTER"]}
        match object {"oneOf":[["listener","routeConfiguration","cluster","waypoint"]]}
          ! only support waypointMatch when context is WAYPOINT :: has(self.context) ? ((self.context == "WAYPOINT") ? has(self.waypoint) : !has(self.waypoint)) : !has(self.waypoint)
          cluster object
            name string
            portNumber integer {"minimum":0,"maximum":4294967295}
            service string
            subset string
          context string {"enum":["ANY","SIDECAR_INBOUND","SIDECAR_OUTBOUND","GATEWAY","WAYPOINT"]}
          listener object
            filterChain object
              applicationProtocols string
              destinationPort integer {"minimum":0,"maximum":4294967295}
              filter @Filter
              name string
              sni string
              transportProtocol string
            listenerFilter string
            name string
            portName string
            portNumber integer {"minimum":0,"maximum":4294967295}
          proxy object
            metadata object
              * string
            proxyVersion string
          routeConfiguration object
            gateway string
            name string
            portName string
            portNumber integer {"minimum":0,"maximum":4294967295}
            vhost object
              domainName string
              name string
              route object
                action string {"enum":["ANY","ROUTE","REDIRECT","DIRECT_RESPONSE"]}
                name string
          waypoint object
            filter @Filter
            portNumber integer {"minimum":0,"maximum":4294967295}
              ! port must be between 1-65535 :: 0 < self && self <= 65535
            route object
              name string
        patch object
          filterClass string {"enum":["UNSPECIFIED","AUTHN","AUTHZ","STATS"]}
          operation string {"enum":["INVALID","MERGE","ADD","REMOVE","INSERT_BEFORE","INSERT_AFTER","INSERT_FIRST","REPLACE","MERGE_AND_REPLACE_LIST"]}
          value object {"open":true}
    priority integer {"format":"int32"}
    targetRefs array {"maxItems":16}
      - object
        group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
        kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
        name! string {"minLength":1,"maxLength":253}
        namespace string
          ! cross namespace referencing is not currently supported :: self.size() == 0
    workloadSelector @WorkloadSelector2
  status @Status
kind Gateway v1,v1alpha3,v1beta1 object
  spec object
    selector object
      * string
    servers array
      - object
        bind string
        defaultEndpoint string
        hosts! array
          - string
        name string
        port! object
          name! string
          number! integer {"minimum":0,"maximum":4294967295}
          protocol! string
          targetPort integer {"minimum":0,"maximum":4294967295}
        tls @Tls2
  status @Status
kind ProxyConfig v1beta1 object
  spec object
    concurrency integer {"minimum":0,"nullable":true,"format":"int32"}
    environmentVariables object
      * string {"maxLength":2048}
    image object
      imageType string
    selector @WorkloadSelector
  status @Status
kind ServiceEntry v1,v1alpha3,v1beta1 object
  spec! object
    ! only one of WorkloadSelector or Endpoints can be set :: (has(self.workloadSelector) ? 1 : 0) + (has(self.endpoints) ? 1 : 0) <= 1
    ! CIDR addresses are allowed only for NONE/STATIC resolution types :: !((has(self.addresses) ? self.addresses : []).exists(k, k.contains("/")) && !((has(self.resolution) ? self.resolution : "NONE") in ["STATIC", "NONE"]))
    ! NONE mode cannot set endpoints :: ((has(self.resolution) ? self.resolution : "NONE") == "NONE") ? !has(self.endpoints) : true
    ! DNS_ROUND_ROBIN mode cannot have multiple endpoints :: ((has(self.resolution) ? self.resolution : "") == "DNS_ROUND_ROBIN") ? ((has(self.endpoints) ? self.endpoints : []).size() <= 1) : true
    addresses array {"maxItems":256}
      - string {"maxLength":64}
    endpoints array {"maxItems":4096}
      - @Endpoints
    exportTo array
      - string
    hosts! array {"minItems":1,"maxItems":256}
      - string
        ! hostname cannot be wildcard :: self != "*"
    location string {"enum":["MESH_EXTERNAL","MESH_INTERNAL"]}
    ports array {"maxItems":256,"keys":["name"]}
      ! port number cannot be duplicated :: self.all(l1, self.exists_one(l2, l1.number == l2.number))
      - object
        name! string {"maxLength":256}
        number! integer {"minimum":0,"maximum":4294967295}
          ! port must be between 1-65535 :: 0 < self && self <= 65535
        protocol string {"maxLength":256}
        targetPort integer {"minimum":0,"maximum":4294967295}
          ! port must be between 1-65535 :: 0 < self && self <= 65535
    resolution string {"enum":["NONE","STATIC","DNS","DNS_ROUND_ROBIN","DYNAMIC_DNS"]}
    subjectAltNames array
      - string
    workloadSelector @WorkloadSelector2
  status @Status
kind Sidecar v1,v1alpha3,v1beta1 object
  spec object
    egress array
      - object
        bind string
        captureMode string {"enum":["DEFAULT","IPTABLES","NONE"]}
        hosts! array
          - string
        port @Port
    inboundConnectionPool @ConnectionPool
    ingress array
      - object
        bind string
        captureMode string {"enum":["DEFAULT","IPTABLES","NONE"]}
        connectionPool @ConnectionPool
        defaultEndpoint string
        port! @Port
        tls @Tls2
    outboundTrafficPolicy object
      egressProxy @EgressProxy
      mode string {"enum":["REGISTRY_ONLY","ALLOW_ANY"]}
    workloadSelector @WorkloadSelector2
  status @Status
kind VirtualService v1,v1alpha3,v1beta1 object
  spec object
    exportTo array
      - string
    gateways array
      - string
    hosts array
      - string
    http array
      - object
        corsPolicy object
          allowCredentials boolean {"nullable":true}
          allowHeaders array
            - string
          allowMethods array
            - string
          allowOrigin array
            - string
          allowOrigins array
            - @AllowOrigins
          exposeHeaders array
            - string
          maxAge string
            ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
          unmatchedPreflights string {"enum":["UNSPECIFIED","FORWARD","IGNORE"]}
        delegate object
          name string
          namespace string
        directResponse object
          body object {"oneOf":[["string","bytes"]]}
            bytes string {"format":"byte"}
            string string
          status! integer {"minimum":0,"maximum":4294967295}
        fault object
          abort object {"oneOf":[["httpStatus","grpcStatus","http2Error"]]}
            grpcStatus string
            http2Error string
            httpStatus integer {"format":"int32"}
            percentage object
              value number
          delay object {"oneOf":[["fixedDelay","exponentialDelay"]]}
            exponentialDelay string
              ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
            fixedDelay string
              ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
            percent integer {"format":"int32"}
            percentage object
              value number
        headers @Headers
        match array
          - object
            authority @AllowOrigins
            gateways array
              - string
            headers @Headers2
            ignoreUriCase boolean
            method @AllowOrigins
            name string
            port integer {"minimum":0,"maximum":4294967295}
            queryParams @Headers2
            scheme @AllowOrigins
            sourceLabels object
              * string
            sourceNamespace string
            statPrefix string
            uri @AllowOrigins
            withoutHeaders @Headers2
        mirror @EgressProxy
        mirror_percent integer {"minimum":0,"maximum":4294967295,"nullable":true}
        mirrorPercent integer {"minimum":0,"maximum":4294967295,"nullable":true}
        mirrorPercentage object
          value number
        mirrors array
          - object
            destination! @EgressProxy
            percentage object
              value number
        name string
        redirect object {"oneOf":[["port","derivePort"]]}
          authority string
          derivePort string {"enum":["FROM_PROTOCOL_DEFAULT","FROM_REQUEST_PORT"]}
          port integer {"minimum":0,"maximum":4294967295}
          prefixRewrite string
          redirectCode integer {"minimum":0,"maximum":4294967295}
          scheme string
          uri string
        retries object
          attempts integer {"format":"int32"}
          backoff string
            ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
          perTryTimeout string
            ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
          retryIgnorePreviousHosts boolean {"nullable":true}
          retryOn string
          retryRemoteLocalities boolean {"nullable":true}
        rewrite object
          authority string
          uri string
          uriRegexRewrite object
            match string
            rewrite string
        route array
          - object
            destination! @EgressProxy
            headers @Headers
            weight integer {"format":"int32"}
        timeout string
          ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
    tcp array
      - object
        match array
          - object
            destinationSubnets array
              - string
            gateways array
              - string
            port integer {"minimum":0,"maximum":4294967295}
            sourceLabels object
              * string
            sourceNamespace string
            sourceSubnet string
        route @Route
    tls array
      - object
        match! array
          - object
            destinationSubnets array
              - string
            gateways array
              - string
            port integer {"minimum":0,"maximum":4294967295}
            sniHosts! array
              - string
            sourceLabels object
              * string
            sourceNamespace string
        route @Route
  status @Status
kind WorkloadEntry v1,v1alpha3,v1beta1 object
  spec! @Endpoints
  status @Status
kind WorkloadGroup v1,v1alpha3,v1beta1 object
  spec! object
    metadata object
      annotations object {"maxProperties":256}
        * string
      labels object {"maxProperties":256}
        * string
    probe object {"oneOf":[["httpGet","tcpSocket","exec","grpc"]]}
      exec object
        command! array
          - string {"minLength":1}
      failureThreshold integer {"minimum":0,"format":"int32"}
      grpc object
        port integer {"minimum":0,"maximum":4294967295}
          ! port must be between 1-65535 :: 0 < self && self <= 65535
        service string
      httpGet object
        host string
        httpHeaders array
          - object
            name string {"pattern":"^[-_A-Za-z0-9]+$"}
            value string
        path string
        port! integer {"minimum":0,"maximum":4294967295}
          ! port must be between 1-65535 :: 0 < self && self <= 65535
        scheme string
          ! scheme must be one of [HTTP, HTTPS] :: self in ["", "HTTP", "HTTPS"]
      initialDelaySeconds integer {"minimum":0,"format":"int32"}
      periodSeconds integer {"minimum":0,"format":"int32"}
      successThreshold integer {"minimum":0,"format":"int32"}
      tcpSocket object
        host string
        port! integer {"minimum":0,"maximum":4294967295}
          ! port must be between 1-65535 :: 0 < self && self <= 65535
      timeoutSeconds integer {"minimum":0,"format":"int32"}
    template! object
      ! UDS may not include ports :: (has(self.address) ? self.address : "").startsWith("unix://") ? !has(self.ports) : true
      address @Address
      labels object {"maxProperties":256}
        * string
      locality string {"maxLength":2048}
      network string {"maxLength":2048}
      ports @Ports
      serviceAccount string {"maxLength":253}
      weight integer {"minimum":0,"maximum":4294967295}
  status @Status
type Address string {"maxLength":256}
  ! UDS must be an absolute path or abstract socket :: self.startsWith("unix://") ? (self.substring(7, 8) == "/" || self.substring(7, 8) == "@") : true
  ! UDS may not be a dir :: self.startsWith("unix://") ? !self.endsWith("/") : true
type AllowOrigins object {"oneOf":[["exact","prefix","regex"]]}
  exact string
  prefix string
  regex string
type ConnectionPool object
  http object
    h2UpgradePolicy string {"enum":["DEFAULT","DO_NOT_UPGRADE","UPGRADE"]}
    http1MaxPendingRequests integer {"format":"int32"}
    http2KeepAlive object
      interval string
        ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
      timeout string
        ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
    http2MaxRequests integer {"format":"int32"}
    idleTimeout string
      ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
    maxConcurrentStreams integer {"format":"int32"}
    maxRequestsPerConnection integer {"format":"int32"}
    maxRetries integer {"format":"int32"}
    useClientProtocol boolean
  tcp object
    connectTimeout string
      ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
    idleTimeout string
    maxConnectionDuration string
      ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
    maxConnections integer {"format":"int32"}
    tcpKeepalive object
      interval string
        ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
      probes integer {"minimum":0,"maximum":4294967295}
      time string
        ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
type EgressProxy object
  host! string
  port object
    number integer {"minimum":0,"maximum":4294967295}
  subset string
type Endpoints object
  ! Address is required :: has(self.address) || has(self.network)
  ! UDS may not include ports :: (has(self.address) ? self.address : "").startsWith("unix://") ? !has(self.ports) : true
  address @Address
  labels object {"maxProperties":256}
    * string
  locality string {"maxLength":2048}
  network string {"maxLength":2048}
  ports @Ports
  serviceAccount string {"maxLength":253}
  weight integer {"minimum":0,"maximum":4294967295}
type Failover array
  - object
    from string
    to string
type Filter object
  name string
  subFilter object
    name string
type Headers object
  request @Request
  response @Request
type Headers2 object
  * @AllowOrigins
type LoadBalancer object {"oneOf":[["simple","consistentHash"]]}
  consistentHash object {"oneOf":[["httpHeaderName","httpCookie","useSourceIp","httpQueryParameterName"],["ringHash","maglev"]]}
    httpCookie object
      attributes array
        - object
          name! string
          value string
      name! string
      path string
      ttl string
    httpHeaderName string
    httpQueryParameterName string
    maglev object
      tableSize integer {"minimum":0}
    minimumRingSize integer {"minimum":0}
    ringHash object
      minimumRingSize integer {"minimum":0}
    useSourceIp boolean
  localityLbSetting object
    distribute array
      - object
        from string
        to object
          * integer {"minimum":0,"maximum":4294967295}
    enabled boolean {"nullable":true}
    failover @Failover
    failoverPriority array
      - string
  simple string {"enum":["UNSPECIFIED","LEAST_CONN","RANDOM","PASSTHROUGH","ROUND_ROBIN","LEAST_REQUEST"]}
  warmup object
    aggression number {"minimum":0,"nullable":true}
    duration! string
      ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
    minimumPercent number {"minimum":0,"maximum":100,"nullable":true}
  warmupDurationSecs string
    ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
  zoneAwareLbSetting object
    enabled boolean {"nullable":true}
    failover @Failover
    failoverPriority array
      - string
    minClusterSize integer {"minimum":1,"maximum":4294967295,"nullable":true}
type OutlierDetection object
  baseEjectionTime string
    ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
  consecutive5xxErrors integer {"minimum":0,"maximum":4294967295,"nullable":true}
  consecutiveErrors integer {"format":"int32"}
  consecutiveGatewayErrors integer {"minimum":0,"maximum":4294967295,"nullable":true}
  consecutiveLocalOriginFailures integer {"minimum":0,"maximum":4294967295,"nullable":true}
  interval string
    ! must be a valid duration greater than 1ms :: duration(self) >= duration('1ms')
  maxEjectionPercent integer {"format":"int32"}
  minHealthPercent integer {"format":"int32"}
  outlierDetectionHttpErrorCodes array
    - integer {"minimum":100,"maximum":599}
  splitExternalLocalOriginErrors boolean
type Port object
  name string
  number integer {"minimum":0,"maximum":4294967295}
  protocol string
  targetPort integer {"minimum":0,"maximum":4294967295}
type Ports object {"maxProperties":128}
  ! port name must be valid :: self.all(key, size(key) < 63 && key.matches("^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$"))
  * integer {"minimum":0,"maximum":4294967295}
    ! port must be between 1-65535 :: 0 < self && self <= 65535
type Request object
  add object
    * string
  remove array
    - string
  set object
    * string
type Route array
  - object
    destination! @EgressProxy
    weight integer {"format":"int32"}
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
type Tls object
  caCertificates string
  caCrl string
  clientCertificate string
  credentialName string
  insecureSkipVerify boolean {"nullable":true}
  mode string {"enum":["DISABLE","SIMPLE","MUTUAL","ISTIO_MUTUAL"]}
  privateKey string
  sni string
  subjectAltNames array
    - string
type Tls2 object
  ! only one of credentialNames or tlsCertificates can be set :: (has(self.tlsCertificates) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1
  ! only one of credentialName or credentialNames can be set :: (has(self.credentialName) ? 1 : 0) + (has(self.credentialNames) ? 1 : 0) <= 1
  ! only one of credentialName or tlsCertificates can be set :: (has(self.credentialNames) ? 1 : 0) + (has(self.tlsCertificates) ? 1 : 0) <= 1
  caCertCredentialName string
  caCertificates string
  caCrl string
  cipherSuites array
    - string
  credentialName string
  credentialNames array {"minItems":1,"maxItems":2}
    - string
  httpsRedirect boolean
  insecureSkipVerify boolean {"nullable":true}
  maxProtocolVersion string {"enum":["TLS_AUTO","TLSV1_0","TLSV1_1","TLSV1_2","TLSV1_3"]}
  minProtocolVersion string {"enum":["TLS_AUTO","TLSV1_0","TLSV1_1","TLSV1_2","TLSV1_3"]}
  mode string {"enum":["PASSTHROUGH","SIMPLE","MUTUAL","AUTO_PASSTHROUGH","ISTIO_MUTUAL","OPTIONAL_MUTUAL"]}
  privateKey string
  serverCertificate string
  subjectAltNames array
    - string
  tlsCertificates array {"minItems":1,"maxItems":2}
    - object
      caCertificates string
      privateKey string
      serverCertificate string
  verifyCertificateHash array
    - string
  verifyCertificateSpki array
    - string
type TrafficPolicy object
  connectionPool @ConnectionPool
  loadBalancer @LoadBalancer
  outlierDetection @OutlierDetection
  portLevelSettings array {"maxItems":4096}
    - object
      connectionPool @ConnectionPool
      loadBalancer @LoadBalancer
      outlierDetection @OutlierDetection
      port object
        number integer {"minimum":0,"maximum":4294967295}
      tls @Tls
  proxyProtocol object
    version string {"enum":["V1","V2"]}
  retryBudget object
    budgetInterval string
    minRetryConcurrency integer {"minimum":0,"maximum":4294967295}
    percent number {"minimum":0,"maximum":100,"nullable":true}
  tls @Tls
  tunnel object
    protocol string
    targetHost! string
    targetPort! integer {"minimum":0,"maximum":4294967295}
type WorkloadSelector object
  matchLabels object {"maxProperties":4096}
    ! wildcard not allowed in label key match :: self.all(key, !key.contains("*"))
    ! key must not be empty :: self.all(key, key.size() != 0)
    * string {"maxLength":63}
      ! wildcard not allowed in label value match :: !self.contains("*")
type WorkloadSelector2 object
  labels object {"maxProperties":256}
    * string {"maxLength":63}
      ! wildcard is not supported in selector :: !self.contains("*")
`;
