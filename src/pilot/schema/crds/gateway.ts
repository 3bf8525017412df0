/**
 * Resource definitions of gateway.networking.k8s.io, made by scripts/crd-schemas.mjs from those of Istio 1.31 and Gateway API (Apache License 2.0).
 * The notation is described in ../notation.ts.
 */
export const GATEWAY = `
kind BackendTLSPolicy v1,v1alpha3 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    options object {"maxProperties":16}
      * string {"minLength":0,"maxLength":4096}
    targetRefs! array {"minItems":1,"maxItems":16}
      ! sectionName must be specified when targetRefs includes 2 or more references to the same target :: self.all(p1, self.all(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name ? ((!has(p1.sectionName) || p1.sectionName == '') == (!has(p2.sectionName) || p2.sectionName == '')) : true))
      ! sectionName must be unique when targetRefs includes 2 or more references to the same target :: self.all(p1, self.exists_one(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && (((!has(p1.sectionName) || p1.sectionName == '') && (!has(p2.sectionName) || p2.sectionName == '')) || (has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName))))
      - object
        group! string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
        kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
        name! string {"minLength":1,"maxLength":253}
        sectionName string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
    validation! object
      ! must not contain both CACertificateRefs and WellKnownCACertificates :: !(has(self.caCertificateRefs) && size(self.caCertificateRefs) > 0 && has(self.wellKnownCACertificates) && self.wellKnownCACertificates != "")
      ! must specify either CACertificateRefs or WellKnownCACertificates :: (has(self.caCertificateRefs) && size(self.caCertificateRefs) > 0 || has(self.wellKnownCACertificates) && self.wellKnownCACertificates != "")
      caCertificateRefs array {"maxItems":8}
        - @CaCertificateRefs
      hostname! string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
      subjectAltNames array {"maxItems":5}
        - object
          ! SubjectAltName element must contain Hostname, if Type is set to Hostname :: !(self.type == "Hostname" && (!has(self.hostname) || self.hostname == ""))
          ! SubjectAltName element must not contain Hostname, if Type is not set to Hostname :: !(self.type != "Hostname" && has(self.hostname) && self.hostname != "")
          ! SubjectAltName element must contain URI, if Type is set to URI :: !(self.type == "URI" && (!has(self.uri) || self.uri == ""))
          ! SubjectAltName element must not contain URI, if Type is not set to URI :: !(self.type != "URI" && has(self.uri) && self.uri != "")
          hostname string {"minLength":1,"maxLength":253,"pattern":"^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
          type! string {"enum":["Hostname","URI"]}
          uri string {"minLength":1,"maxLength":253,"pattern":"^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\\\?([^#]*))?(#(.*))?"}
      wellKnownCACertificates string {"minLength":1,"maxLength":253,"pattern":"^(System|([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$"}
  status object
    ancestors! array {"maxItems":16}
      - object
        ancestorRef! @AncestorRef
        conditions! @Conditions
        controllerName! string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\\\/[A-Za-z0-9\\\\/\\\\-._~%!$&'()*+,;=:]+$"}
kind GatewayClass v1,v1beta1 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    controllerName! string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\\\/[A-Za-z0-9\\\\/\\\\-._~%!$&'()*+,;=:]+$"}
    description string {"maxLength":64}
    parametersRef @ParametersRef
  status object {"default":{"conditions":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting for controller","reason":"Pending","status":"Unknown","type":"Accepted"}]}}
    conditions array {"maxItems":8,"default":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting for controller","reason":"Pending","status":"Unknown","type":"Accepted"}],"keys":["type"]}
      - @Conditions2
    supportedFeatures array {"maxItems":64,"keys":["name"]}
      - object
        name! string
kind Gateway v1,v1beta1 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    addresses array {"maxItems":16}
      ! IPAddress values must be unique :: self.all(a1, a1.type == 'IPAddress' && has(a1.value) ? self.exists_one(a2, a2.type == a1.type && has(a2.value) && a2.value == a1.value) : true )
      ! Hostname values must be unique :: self.all(a1, a1.type == 'Hostname' && has(a1.value) ? self.exists_one(a2, a2.type == a1.type && has(a2.value) && a2.value == a1.value) : true )
      - object
        ! value must be an IP address :: self.type == "IPAddress" && has(self.value) ? isIP(self.value) : true
        ! Hostname value must be empty or contain only valid characters (matching ^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$) :: self.type == 'Hostname' ? (!has(self.value) || self.value.matches(r"""^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$""")): true
        type string {"minLength":1,"maxLength":253,"pattern":"^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\\\/[A-Za-z0-9\\\\/\\\\-._~%!$&'()*+,;=:]+$","default":"IPAddress"}
        value string {"maxLength":253}
    allowedListeners object
      namespaces object {"default":{"from":"None"}}
        from string {"enum":["All","Selector","Same","None"],"default":"None"}
        selector @Selector
    defaultScope string {"enum":["All","None"]}
    gatewayClassName! string {"minLength":1,"maxLength":253}
    infrastructure object
      annotations object {"maxProperties":16}
        ! Annotation keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters. :: self.all(key, key.matches(r"""^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$"""))
        ! If specified, the annotation key's prefix must be a DNS subdomain not longer than 253 characters in total. :: self.all(key, key.split("/")[0].size() < 253)
        * string {"minLength":0,"maxLength":4096}
      labels object {"maxProperties":8}
        ! Label keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters. :: self.all(key, key.matches(r"""^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$"""))
        ! If specified, the label key's prefix must be a DNS subdomain not longer than 253 characters in total. :: self.all(key, key.split("/")[0].size() < 253)
        * string {"minLength":0,"maxLength":63,"pattern":"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"}
      parametersRef @CaCertificateRefs
    listeners! array {"minItems":1,"maxItems":64,"keys":["name"]}
      ! tls must not be specified for protocols ['HTTP', 'TCP', 'UDP'] :: self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)
      ! tls mode must be Terminate for protocol HTTPS :: self.all(l, (l.protocol == 'HTTPS' && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)
      ! tls mode must be set for protocol TLS :: self.all(l, (l.protocol == 'TLS' ? has(l.tls) && has(l.tls.mode) && l.tls.mode != '' : true))
      ! hostname must not be specified for protocols ['TCP', 'UDP'] :: self.all(l, l.protocol in ['TCP', 'UDP'] ? (!has(l.hostname) || l.hostname == '') : true)
      ! Listener name must be unique within the Gateway :: self.all(l1, self.exists_one(l2, l1.name == l2.name))
      ! Combination of port, protocol and hostname must be unique for each listener :: self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))
      - @Listeners
    tls object
      backend object
        clientCertificateRef @CertificateRefs
      frontend object
        default! @Default
        perPort array {"maxItems":64,"keys":["port"]}
          ! Port for TLS configuration must be unique within the Gateway :: self.all(t1, self.exists_one(t2, t1.port == t2.port))
          - object
            port! integer {"minimum":1,"maximum":65535,"format":"int32"}
            tls! @Default
  status object {"default":{"conditions":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting for controller","reason":"Pending","status":"Unknown","type":"Accepted"},{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting for controller","reason":"Pending","status":"Unknown","type":"Programmed"}]}}
    addresses array {"maxItems":16}
      - object
        ! value must be an IP address :: self.type == "IPAddress" && has(self.value) ? isIP(self.value) : true
        ! Hostname value must only contain valid characters (matching ^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$) :: self.type == 'Hostname' ? self.value.matches(r"""^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"""): true
        type string {"minLength":1,"maxLength":253,"pattern":"^Hostname|IPAddress|NamedAddress|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\\\/[A-Za-z0-9\\\\/\\\\-._~%!$&'()*+,;=:]+$","default":"IPAddress"}
        value! string {"minLength":1,"maxLength":253}
    attachedListenerSets integer {"format":"int32"}
    conditions @Conditions3
    listeners @Listeners2
kind GRPCRoute v1 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    hostnames array {"maxItems":16}
      - string {"minLength":1,"maxLength":253,"pattern":"^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
    parentRefs @ParentRefs
    rules array {"maxItems":16}
      ! While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128 :: (self.size() > 0 ? (has(self[0].matches) ? self[0].matches.size() : 0) : 0) + (self.size() > 1 ? (has(self[1].matches) ? self[1].matches.size() : 0) : 0) + (self.size() > 2 ? (has(self[2].matches) ? self[2].matches.size() : 0) : 0) + (self.size() > 3 ? (has(self[3].matches) ? self[3].matches.size() : 0) : 0) + (self.size() > 4 ? (has(self[4].matches) ? self[4].matches.size() : 0) : 0) + (self.size() > 5 ? (has(self[5].matches) ? self[5].matches.size() : 0) : 0) + (self.size() > 6 ? (has(self[6].matches) ? self[6].matches.size() : 0) : 0) + (self.size() > 7 ? (has(self[7].matches) ? self[7].matches.size() : 0) : 0) + (self.size() > 8 ? (has(self[8].matches) ? self[8].matches.size() : 0) : 0) + (self.size() > 9 ? (has(self[9].matches) ? self[9].matches.size() : 0) : 0) + (self.size() > 10 ? (has(self[10].matches) ? self[10].matches.size() : 0) : 0) + (self.size() > 11 ? (has(self[11].matches) ? self[11].matches.size() : 0) : 0) + (self.size() > 12 ? (has(self[12].matches) ? self[12].matches.size() : 0) : 0) + (self.size() > 13 ? (has(self[13].matches) ? self[13].matches.size() : 0) : 0) + (self.size() > 14 ? (has(self[14].matches) ? self[14].matches.size() : 0) : 0) + (self.size() > 15 ? (has(self[15].matches) ? self[15].matches.size() : 0) : 0) <= 128
      ! Rule name must be unique within the route :: self.all(l1, !has(l1.name) || self.exists_one(l2, has(l2.name) && l1.name == l2.name))
      - object
        backendRefs array {"maxItems":16}
          - object
            ! Must have port for Service reference :: (size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true
            filters @Filters
            group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$","default":""}
            kind string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$","default":"Service"}
            name! string {"minLength":1,"maxLength":253}
            namespace string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
            port integer {"minimum":1,"maximum":65535,"format":"int32"}
            weight integer {"minimum":0,"maximum":1000000,"default":1,"format":"int32"}
        filters @Filters
        matches array {"maxItems":64}
          - object
            headers array {"maxItems":16,"keys":["name"]}
              - object
                name! string {"minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9!#$%&'*+\\\\-.^_\\\\x60|~]+$"}
                type string {"enum":["Exact","RegularExpression"],"default":"Exact"}
                value! string {"minLength":1,"maxLength":4096}
            method object
              ! One or both of 'service' or 'method' must be specified :: has(self.type) ? has(self.service) || has(self.method) : true
              ! service must only contain valid characters (matching ^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$) :: (!has(self.type) || self.type == 'Exact') && has(self.service) ? self.service.matches(r"""^(?i)\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$"""): true
              ! method must only contain valid characters (matching ^[A-Za-z_][A-Za-z_0-9]*$) :: (!has(self.type) || self.type == 'Exact') && has(self.method) ? self.method.matches(r"""^[A-Za-z_][A-Za-z_0-9]*$"""): true
              method string {"maxLength":1024}
              service string {"maxLength":1024}
              type string {"enum":["Exact","RegularExpression"],"default":"Exact"}
        name string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
        sessionPersistence @SessionPersistence
    useDefaultGateways string {"enum":["All","None"]}
  status @Status
kind HTTPRoute v1,v1beta1 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    hostnames array {"maxItems":16}
      - string {"minLength":1,"maxLength":253,"pattern":"^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
    parentRefs @ParentRefs
    rules array {"minItems":1,"maxItems":16,"default":[{"matches":[{"path":{"type":"PathPrefix","value":"/"}}]}]}
      ! While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128 :: (self.size() > 0 ? self[0].matches.size() : 0) + (self.size() > 1 ? self[1].matches.size() : 0) + (self.size() > 2 ? self[2].matches.size() : 0) + (self.size() > 3 ? self[3].matches.size() : 0) + (self.size() > 4 ? self[4].matches.size() : 0) + (self.size() > 5 ? self[5].matches.size() : 0) + (self.size() > 6 ? self[6].matches.size() : 0) + (self.size() > 7 ? self[7].matches.size() : 0) + (self.size() > 8 ? self[8].matches.size() : 0) + (self.size() > 9 ? self[9].matches.size() : 0) + (self.size() > 10 ? self[10].matches.size() : 0) + (self.size() > 11 ? self[11].matches.size() : 0) + (self.size() > 12 ? self[12].matches.size() : 0) + (self.size() > 13 ? self[13].matches.size() : 0) + (self.size() > 14 ? self[14].matches.size() : 0) + (self.size() > 15 ? self[15].matches.size() : 0) <= 128
      ! Rule name must be unique within the route :: self.all(l1, !has(l1.name) || self.exists_one(l2, has(l2.name) && l1.name == l2.name))
      - object
        ! RequestRedirect filter must not be used together with backendRefs :: (has(self.backendRefs) && size(self.backendRefs) > 0) ? (!has(self.filters) || self.filters.all(f, !has(f.requestRedirect))): true
        ! When using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified :: (has(self.filters) && self.filters.exists_one(f, has(f.requestRedirect) && has(f.requestRedirect.path) && f.requestRedirect.path.type == 'ReplacePrefixMatch' && has(f.requestRedirect.path.replacePrefixMatch))) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true
        ! When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified :: (has(self.filters) && self.filters.exists_one(f, has(f.urlRewrite) && has(f.urlRewrite.path) && f.urlRewrite.path.type == 'ReplacePrefixMatch' && has(f.urlRewrite.path.replacePrefixMatch))) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true
        ! Within backendRefs, when using RequestRedirect filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified :: (has(self.backendRefs) && self.backendRefs.exists_one(b, (has(b.filters) && b.filters.exists_one(f, has(f.requestRedirect) && has(f.requestRedirect.path) && f.requestRedirect.path.type == 'ReplacePrefixMatch' && has(f.requestRedirect.path.replacePrefixMatch))) )) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true
        ! Within backendRefs, When using URLRewrite filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified :: (has(self.backendRefs) && self.backendRefs.exists_one(b, (has(b.filters) && b.filters.exists_one(f, has(f.urlRewrite) && has(f.urlRewrite.path) && f.urlRewrite.path.type == 'ReplacePrefixMatch' && has(f.urlRewrite.path.replacePrefixMatch))) )) ? ((size(self.matches) != 1 || !has(self.matches[0].path) || self.matches[0].path.type != 'PathPrefix') ? false : true) : true
        backendRefs array {"maxItems":16}
          - object
            ! Must have port for Service reference :: (size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true
            filters @Filters2
            group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$","default":""}
            kind string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$","default":"Service"}
            name! string {"minLength":1,"maxLength":253}
            namespace string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
            port integer {"minimum":1,"maximum":65535,"format":"int32"}
            weight integer {"minimum":0,"maximum":1000000,"default":1,"format":"int32"}
        filters @Filters2
        matches array {"maxItems":64,"default":[{"path":{"type":"PathPrefix","value":"/"}}]}
          - object
            headers array {"maxItems":16,"keys":["name"]}
              - object
                name! string {"minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9!#$%&'*+\\\\-.^_\\\\x60|~]+$"}
                type string {"enum":["Exact","RegularExpression"],"default":"Exact"}
                value! string {"minLength":1,"maxLength":4096,"pattern":"^[!-~]+([\\\\t ]?[!-~]+)*$"}
            method string {"enum":["GET","HEAD","POST","PUT","DELETE","CONNECT","OPTIONS","TRACE","PATCH"]}
            path object {"default":{"type":"PathPrefix","value":"/"}}
              ! value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? self.value.startsWith('/') : true
              ! must not contain '//' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? !self.value.contains('//') : true
              ! must not contain '/./' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? !self.value.contains('/./') : true
              ! must not contain '/../' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? !self.value.contains('/../') : true
              ! must not contain '%2f' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? !self.value.contains('%2f') : true
              ! must not contain '%2F' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? !self.value.contains('%2F') : true
              ! must not contain '#' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? !self.value.contains('#') : true
              ! must not end with '/..' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? !self.value.endsWith('/..') : true
              ! must not end with '/.' when type one of ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? !self.value.endsWith('/.') : true
              ! type must be one of ['Exact', 'PathPrefix', 'RegularExpression'] :: self.type in ['Exact','PathPrefix'] || self.type == 'RegularExpression'
              ! must only contain valid characters (matching ^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$) for types ['Exact', 'PathPrefix'] :: (self.type in ['Exact','PathPrefix']) ? self.value.matches(r"""^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$""") : true
              type string {"enum":["Exact","PathPrefix","RegularExpression"],"default":"PathPrefix"}
              value string {"maxLength":1024,"default":"/"}
            queryParams array {"maxItems":16,"keys":["name"]}
              - object
                name! string {"minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9!#$%&'*+\\\\-.^_\\\\x60|~]+$"}
                type string {"enum":["Exact","RegularExpression"],"default":"Exact"}
                value! string {"minLength":1,"maxLength":1024}
        name string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
        retry object
          attempts integer {"minimum":1}
          backoff string {"pattern":"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
          codes array {"set":true}
            - integer {"minimum":400,"maximum":599}
        sessionPersistence @SessionPersistence
        timeouts object
          ! backendRequest timeout cannot be longer than request timeout :: !(has(self.request) && has(self.backendRequest) && duration(self.request) != duration('0s') && duration(self.backendRequest) > duration(self.request))
          backendRequest string {"pattern":"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
          request string {"pattern":"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
    useDefaultGateways string {"enum":["All","None"]}
  status @Status
kind ListenerSet v1 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    listeners! array {"minItems":1,"maxItems":64,"keys":["name"]}
      ! tls must not be specified for protocols ['HTTP', 'TCP', 'UDP'] :: self.all(l, l.protocol in ['HTTP', 'TCP', 'UDP'] ? !has(l.tls) : true)
      ! tls mode must be Terminate for protocol HTTPS :: self.all(l, (l.protocol == 'HTTPS' && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)
      ! tls mode must be set for protocol TLS :: self.all(l, (l.protocol == 'TLS' ? has(l.tls) && has(l.tls.mode) && l.tls.mode != '' : true))
      ! hostname must not be specified for protocols ['TCP', 'UDP'] :: self.all(l, l.protocol in ['TCP', 'UDP'] ? (!has(l.hostname) || l.hostname == '') : true)
      ! Listener name must be unique within the Gateway :: self.all(l1, self.exists_one(l2, l1.name == l2.name))
      ! Combination of port, protocol and hostname must be unique for each listener :: self.all(l1, !has(l1.port) || self.exists_one(l2, has(l2.port) && l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))
      - @Listeners
    parentRef! object
      group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$","default":"gateway.networking.k8s.io"}
      kind string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$","default":"Gateway"}
      name! string {"minLength":1,"maxLength":253}
      namespace string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
  status object {"default":{"conditions":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting for controller","reason":"Pending","status":"Unknown","type":"Accepted"},{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting for controller","reason":"Pending","status":"Unknown","type":"Programmed"}]}}
    conditions @Conditions3
    listeners @Listeners2
kind ReferenceGrant v1,v1beta1 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    from! array {"minItems":1,"maxItems":16}
      - object
        group! string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
        kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
        namespace! string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
    to! array {"minItems":1,"maxItems":16}
      - object
        group! string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
        kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
        name string {"minLength":1,"maxLength":253}
kind TCPRoute v1 @TCPRoute
kind TCPRoute v1alpha2 @TCPRoute2
kind TLSRoute v1,v1alpha3 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    hostnames! array {"minItems":1,"maxItems":1024}
      ! Hostnames cannot contain an IP :: self.all(h, !isIP(h))
      ! Hostnames must be valid based on RFC-1123 :: self.all(h, !h.contains('*') ? h.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$') : true)
      ! Wildcards on hostnames must be the first label, and the rest of hostname must be valid based on RFC-1123 :: self.all(h, h.contains('*') ? (h.startsWith('*.') && h.substring(2).matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)$')) : true)
      - string {"minLength":1,"maxLength":253,"pattern":"^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
    parentRefs @ParentRefs
    rules! @Rules
    useDefaultGateways string {"enum":["All","None"]}
  status @Status
kind TLSRoute v1alpha2 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    hostnames array {"maxItems":1024}
      - string {"minLength":1,"maxLength":253,"pattern":"^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
    parentRefs @ParentRefs
    rules! @Rules3
    useDefaultGateways string {"enum":["All","None"]}
  status @Status
kind UDPRoute v1 @TCPRoute
kind UDPRoute v1alpha2 @TCPRoute2
type Add array {"maxItems":16,"keys":["name"]}
  - object
    name! string {"minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9!#$%&'*+\\\\-.^_\\\\x60|~]+$"}
    value! string {"minLength":1,"maxLength":4096,"pattern":"^[!-~]+([\\\\t ]?[!-~]+)*$"}
type AncestorRef object
  group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$","default":"gateway.networking.k8s.io"}
  kind string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$","default":"Gateway"}
  name! string {"minLength":1,"maxLength":253}
  namespace string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
  port integer {"minimum":1,"maximum":65535,"format":"int32"}
  sectionName string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
type BackendRef object
  ! Must have port for Service reference :: (size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true
  group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$","default":""}
  kind string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$","default":"Service"}
  name! string {"minLength":1,"maxLength":253}
  namespace string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
  port integer {"minimum":1,"maximum":65535,"format":"int32"}
type CaCertificateRefs object
  group! string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
  kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
  name! string {"minLength":1,"maxLength":253}
type CertificateRefs object
  group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$","default":""}
  kind string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$","default":"Secret"}
  name! string {"minLength":1,"maxLength":253}
  namespace string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
type Conditions array {"minItems":1,"maxItems":8,"keys":["type"]}
  - @Conditions2
type Conditions2 object
  lastTransitionTime! string {"format":"date-time"}
  message! string {"maxLength":32768}
  observedGeneration integer {"minimum":0,"format":"int64"}
  reason! string {"minLength":1,"maxLength":1024,"pattern":"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"}
  status! string {"enum":["True","False","Unknown"]}
  type! string {"maxLength":316,"pattern":"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"}
type Conditions3 array {"maxItems":8,"default":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting for controller","reason":"Pending","status":"Unknown","type":"Accepted"},{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"Waiting for controller","reason":"Pending","status":"Unknown","type":"Programmed"}],"keys":["type"]}
  - @Conditions2
type Default object
  validation object
    caCertificateRefs! array {"minItems":1,"maxItems":16}
      - @ParametersRef
    mode string {"enum":["AllowValidOnly","AllowInsecureFallback"],"default":"AllowValidOnly"}
type Filters array {"maxItems":16}
  ! RequestHeaderModifier filter cannot be repeated :: self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1
  ! ResponseHeaderModifier filter cannot be repeated :: self.filter(f, f.type == 'ResponseHeaderModifier').size() <= 1
  - object
    ! filter.requestHeaderModifier must be nil if the filter.type is not RequestHeaderModifier :: !(has(self.requestHeaderModifier) && self.type != 'RequestHeaderModifier')
    ! filter.requestHeaderModifier must be specified for RequestHeaderModifier filter.type :: !(!has(self.requestHeaderModifier) && self.type == 'RequestHeaderModifier')
    ! filter.responseHeaderModifier must be nil if the filter.type is not ResponseHeaderModifier :: !(has(self.responseHeaderModifier) && self.type != 'ResponseHeaderModifier')
    ! filter.responseHeaderModifier must be specified for ResponseHeaderModifier filter.type :: !(!has(self.responseHeaderModifier) && self.type == 'ResponseHeaderModifier')
    ! filter.requestMirror must be nil if the filter.type is not RequestMirror :: !(has(self.requestMirror) && self.type != 'RequestMirror')
    ! filter.requestMirror must be specified for RequestMirror filter.type :: !(!has(self.requestMirror) && self.type == 'RequestMirror')
    ! filter.extensionRef must be nil if the filter.type is not ExtensionRef :: !(has(self.extensionRef) && self.type != 'ExtensionRef')
    ! filter.extensionRef must be specified for ExtensionRef filter.type :: !(!has(self.extensionRef) && self.type == 'ExtensionRef')
    extensionRef @CaCertificateRefs
    requestHeaderModifier @RequestHeaderModifier
    requestMirror @RequestMirror
    responseHeaderModifier @RequestHeaderModifier
    type! string {"enum":["ResponseHeaderModifier","RequestHeaderModifier","RequestMirror","ExtensionRef"]}
type Filters2 array {"maxItems":16}
  ! May specify either httpRouteFilterRequestRedirect or httpRouteFilterRequestRewrite, but not both :: !(self.exists(f, f.type == 'RequestRedirect') && self.exists(f, f.type == 'URLRewrite'))
  ! CORS filter cannot be repeated :: self.filter(f, f.type == 'CORS').size() <= 1
  ! RequestHeaderModifier filter cannot be repeated :: self.filter(f, f.type == 'RequestHeaderModifier').size() <= 1
  ! ResponseHeaderModifier filter cannot be repeated :: self.filter(f, f.type == 'ResponseHeaderModifier').size() <= 1
  ! RequestRedirect filter cannot be repeated :: self.filter(f, f.type == 'RequestRedirect').size() <= 1
  ! URLRewrite filter cannot be repeated :: self.filter(f, f.type == 'URLRewrite').size() <= 1
  - object
    ! filter.cors must be nil if the filter.type is not CORS :: !(has(self.cors) && self.type != 'CORS')
    ! filter.cors must be specified for CORS filter.type :: !(!has(self.cors) && self.type == 'CORS')
    ! filter.requestHeaderModifier must be nil if the filter.type is not RequestHeaderModifier :: !(has(self.requestHeaderModifier) && self.type != 'RequestHeaderModifier')
    ! filter.requestHeaderModifier must be specified for RequestHeaderModifier filter.type :: !(!has(self.requestHeaderModifier) && self.type == 'RequestHeaderModifier')
    ! filter.responseHeaderModifier must be nil if the filter.type is not ResponseHeaderModifier :: !(has(self.responseHeaderModifier) && self.type != 'ResponseHeaderModifier')
    ! filter.responseHeaderModifier must be specified for ResponseHeaderModifier filter.type :: !(!has(self.responseHeaderModifier) && self.type == 'ResponseHeaderModifier')
    ! filter.requestMirror must be nil if the filter.type is not RequestMirror :: !(has(self.requestMirror) && self.type != 'RequestMirror')
    ! filter.requestMirror must be specified for RequestMirror filter.type :: !(!has(self.requestMirror) && self.type == 'RequestMirror')
    ! filter.requestRedirect must be nil if the filter.type is not RequestRedirect :: !(has(self.requestRedirect) && self.type != 'RequestRedirect')
    ! filter.requestRedirect must be specified for RequestRedirect filter.type :: !(!has(self.requestRedirect) && self.type == 'RequestRedirect')
    ! filter.urlRewrite must be nil if the filter.type is not URLRewrite :: !(has(self.urlRewrite) && self.type != 'URLRewrite')
    ! filter.urlRewrite must be specified for URLRewrite filter.type :: !(!has(self.urlRewrite) && self.type == 'URLRewrite')
    ! filter.extensionRef must be nil if the filter.type is not ExtensionRef :: !(has(self.extensionRef) && self.type != 'ExtensionRef')
    ! filter.extensionRef must be specified for ExtensionRef filter.type :: !(!has(self.extensionRef) && self.type == 'ExtensionRef')
    ! filter.externalAuth must be nil if the filter.type is not ExternalAuth :: !(has(self.externalAuth) && self.type != 'ExternalAuth')
    ! filter.externalAuth must be specified for ExternalAuth filter.type :: !(!has(self.externalAuth) && self.type == 'ExternalAuth')
    cors object
      allowCredentials boolean
      allowHeaders array {"maxItems":64,"set":true}
        ! AllowHeaders cannot contain '*' alongside other methods :: !('*' in self && self.size() > 1)
        - string {"minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9!#$%&'*+\\\\-.^_\\\\x60|~]+$"}
      allowMethods array {"maxItems":9,"set":true}
        ! AllowMethods cannot contain '*' alongside other methods :: !('*' in self && self.size() > 1)
        - string {"enum":["GET","HEAD","POST","PUT","DELETE","CONNECT","OPTIONS","TRACE","PATCH","*"]}
      allowOrigins array {"maxItems":64,"set":true}
        ! AllowOrigins cannot contain '*' alongside other origins :: !('*' in self && self.size() > 1)
        - string {"minLength":1,"maxLength":253,"pattern":"(^\\\\*$)|(^(http(s)?):\\\\/\\\\/(((\\\\*\\\\.)?([a-zA-Z0-9\\\\-]+\\\\.)*[a-zA-Z0-9-]+|\\\\*)(:([0-9]{1,5}))?)$)"}
      exposeHeaders array {"maxItems":64,"set":true}
        - string {"minLength":1,"maxLength":256,"pattern":"^[A-Za-z0-9!#$%&'*+\\\\-.^_\\\\x60|~]+$"}
      maxAge integer {"minimum":1,"default":5,"format":"int32"}
    extensionRef @CaCertificateRefs
    externalAuth object
      ! grpc must be specified when protocol is set to 'GRPC' :: self.protocol == 'GRPC' ? has(self.grpc) : true
      ! protocol must be 'GRPC' when grpc is set :: has(self.grpc) ? self.protocol == 'GRPC' : true
      ! http must be specified when protocol is set to 'HTTP' :: self.protocol == 'HTTP' ? has(self.http) : true
      ! protocol must be 'HTTP' when http is set :: has(self.http) ? self.protocol == 'HTTP' : true
      backendRef! @BackendRef
      forwardBody object
        maxSize integer
      grpc object
        allowedHeaders array {"maxItems":64,"set":true}
          - string
      http object
        allowedHeaders array {"maxItems":64,"set":true}
          - string
        allowedResponseHeaders array {"maxItems":64,"set":true}
          - string
        path string {"maxLength":1024,"pattern":"^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+$"}
      protocol! string {"enum":["HTTP","GRPC"]}
    requestHeaderModifier @RequestHeaderModifier
    requestMirror @RequestMirror
    requestRedirect object
      hostname string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
      path @Path
      port integer {"minimum":1,"maximum":65535,"format":"int32"}
      scheme string {"enum":["http","https"]}
      statusCode integer {"enum":[301,302,303,307,308],"default":302}
    responseHeaderModifier @RequestHeaderModifier
    type! string {"enum":["RequestHeaderModifier","ResponseHeaderModifier","RequestMirror","RequestRedirect","URLRewrite","ExtensionRef","CORS","ExternalAuth"]}
    urlRewrite object
      hostname string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
      path @Path
type Kinds array {"maxItems":8}
  - object
    group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$","default":"gateway.networking.k8s.io"}
    kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
type Listeners object
  allowedRoutes object {"default":{"namespaces":{"from":"Same"}}}
    kinds @Kinds
    namespaces object {"default":{"from":"Same"}}
      from string {"enum":["All","Selector","Same"],"default":"Same"}
      selector @Selector
  hostname string {"minLength":1,"maxLength":253,"pattern":"^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
  name! string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
  port! integer {"minimum":1,"maximum":65535,"format":"int32"}
  protocol! string {"minLength":1,"maxLength":255,"pattern":"^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\\\/[A-Za-z0-9]+$"}
  tls object
    ! certificateRefs or options must be specified when mode is Terminate :: self.mode == 'Terminate' ? size(self.certificateRefs) > 0 || size(self.options) > 0 : true
    certificateRefs array {"maxItems":64}
      - @CertificateRefs
    mode string {"enum":["Terminate","Passthrough"],"default":"Terminate"}
    options object {"maxProperties":16}
      * string {"minLength":0,"maxLength":4096}
type Listeners2 array {"maxItems":64,"keys":["name"]}
  - object
    attachedRoutes! integer {"format":"int32"}
    conditions! array {"maxItems":8,"keys":["type"]}
      - @Conditions2
    name! string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
    supportedKinds @Kinds
type ParametersRef object
  group! string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
  kind! string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$"}
  name! string {"minLength":1,"maxLength":253}
  namespace string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
type ParentRefs array {"maxItems":32}
  ! sectionName or port must be specified when parentRefs includes 2 or more references to the same parent :: self.all(p1, self.all(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__)) ? ((!has(p1.sectionName) || p1.sectionName == '') == (!has(p2.sectionName) || p2.sectionName == '') && (!has(p1.port) || p1.port == 0) == (!has(p2.port) || p2.port == 0)): true))
  ! sectionName or port must be unique when parentRefs includes 2 or more references to the same parent :: self.all(p1, self.exists_one(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && (((!has(p1.__namespace__) || p1.__namespace__ == '') && (!has(p2.__namespace__) || p2.__namespace__ == '')) || (has(p1.__namespace__) && has(p2.__namespace__) && p1.__namespace__ == p2.__namespace__ )) && (((!has(p1.sectionName) || p1.sectionName == '') && (!has(p2.sectionName) || p2.sectionName == '')) || ( has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName)) && (((!has(p1.port) || p1.port == 0) && (!has(p2.port) || p2.port == 0)) || (has(p1.port) && has(p2.port) && p1.port == p2.port))))
  - @AncestorRef
type Path object
  ! replaceFullPath must be specified when type is set to 'ReplaceFullPath' :: self.type == 'ReplaceFullPath' ? has(self.replaceFullPath) : true
  ! type must be 'ReplaceFullPath' when replaceFullPath is set :: has(self.replaceFullPath) ? self.type == 'ReplaceFullPath' : true
  ! replacePrefixMatch must be specified when type is set to 'ReplacePrefixMatch' :: self.type == 'ReplacePrefixMatch' ? has(self.replacePrefixMatch) : true
  ! type must be 'ReplacePrefixMatch' when replacePrefixMatch is set :: has(self.replacePrefixMatch) ? self.type == 'ReplacePrefixMatch' : true
  replaceFullPath string {"maxLength":1024}
  replacePrefixMatch string {"maxLength":1024}
  type! string {"enum":["ReplaceFullPath","ReplacePrefixMatch"]}
type RequestHeaderModifier object
  add @Add
  remove array {"maxItems":16,"set":true}
    - string
  set @Add
type RequestMirror object
  ! Only one of percent or fraction may be specified in HTTPRequestMirrorFilter :: !(has(self.percent) && has(self.fraction))
  backendRef! @BackendRef
  fraction object
    ! numerator must be less than or equal to denominator :: self.numerator <= self.denominator
    denominator integer {"minimum":1,"default":100,"format":"int32"}
    numerator! integer {"minimum":0,"format":"int32"}
  percent integer {"minimum":0,"maximum":100,"format":"int32"}
type Rules array {"minItems":1,"maxItems":1}
  - @Rules2
type Rules2 object
  backendRefs! array {"minItems":1,"maxItems":16}
    - object
      ! Must have port for Service reference :: (size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true
      group string {"maxLength":253,"pattern":"^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$","default":""}
      kind string {"minLength":1,"maxLength":63,"pattern":"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$","default":"Service"}
      name! string {"minLength":1,"maxLength":253}
      namespace string {"minLength":1,"maxLength":63,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
      port integer {"minimum":1,"maximum":65535,"format":"int32"}
      weight integer {"minimum":0,"maximum":1000000,"default":1,"format":"int32"}
  name string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
type Rules3 array {"minItems":1,"maxItems":16}
  ! Rule name must be unique within the route :: self.all(l1, !has(l1.name) || self.exists_one(l2, has(l2.name) && l1.name == l2.name))
  - @Rules2
type Selector object
  matchExpressions array
    - object
      key! string
      operator! string
      values array
        - string
  matchLabels object
    * string
type SessionPersistence object
  ! AbsoluteTimeout must be specified when cookie lifetimeType is Permanent :: !has(self.cookieConfig) || !has(self.cookieConfig.lifetimeType) || self.cookieConfig.lifetimeType != 'Permanent' || has(self.absoluteTimeout)
  ! cookieConfig can only be set with type Cookie :: !has(self.cookieConfig) || self.type == 'Cookie'
  absoluteTimeout string {"pattern":"^([0-9]{1,5}(h|m|s|ms)){1,4}$"}
  cookieConfig object
    lifetimeType string {"enum":["Permanent","Session"],"default":"Session"}
  sessionName string {"maxLength":128}
  type string {"enum":["Cookie","Header"],"default":"Cookie"}
type Status object
  parents! array {"maxItems":32}
    - object
      conditions! @Conditions
      controllerName! string {"minLength":1,"maxLength":253,"pattern":"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\\\/[A-Za-z0-9\\\\/\\\\-._~%!$&'()*+,;=:]+$"}
      parentRef! @AncestorRef
type TCPRoute object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    parentRefs @ParentRefs
    rules! @Rules
    useDefaultGateways string {"enum":["All","None"]}
  status @Status
type TCPRoute2 object
  apiVersion string
  kind string
  metadata object {"open":true}
  spec! object
    parentRefs @ParentRefs
    rules! @Rules3
    useDefaultGateways string {"enum":["All","None"]}
  status @Status
`;
