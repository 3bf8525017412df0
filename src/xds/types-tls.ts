// TLS contexts.
import type { DataSource } from './types-core.js';
import type { StringMatcher } from './types-matcher.js';

/** `envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext.OcspStaplePolicy` */
export type OcspStaplePolicy = 'LENIENT_STAPLING' | 'STRICT_STAPLING' | 'MUST_STAPLE';

/** `envoy.extensions.transport_sockets.tls.v3.TlsParameters.TlsProtocol` */
export type TlsProtocol = 'TLS_AUTO' | 'TLSv1_0' | 'TLSv1_1' | 'TLSv1_2' | 'TLSv1_3';

/** `envoy.extensions.transport_sockets.tls.v3.TlsParameters.CompliancePolicy` */
export type CompliancePolicy = 'FIPS_202205' | 'CNSA2_202603' | 'CNSA1_202603';

/** `envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.TrustChainVerification` */
export type TrustChainVerification = 'VERIFY_TRUST_CHAIN' | 'ACCEPT_UNTRUSTED';

/** `envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher.SanType` */
export type SanType = 'SAN_TYPE_UNSPECIFIED' | 'EMAIL' | 'DNS' | 'URI' | 'IP_ADDRESS' | 'OTHER_NAME';

/** `envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext` */
export interface DownstreamTlsContext {
  common_tls_context?: CommonTlsContext;
  require_client_certificate?: boolean;
  require_sni?: boolean;
  session_ticket_keys?: TlsSessionTicketKeys;
  disable_stateless_session_resumption?: boolean;
  disable_stateful_session_resumption: boolean;
  session_timeout?: number;
  ocsp_staple_policy: OcspStaplePolicy;
  full_scan_certs_on_sni_mismatch?: boolean;
  prefer_client_ciphers: boolean;
}

/** `envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext` */
export interface UpstreamTlsContext {
  common_tls_context?: CommonTlsContext;
  sni: string;
  auto_host_sni: boolean;
  auto_sni_san_validation: boolean;
  allow_renegotiation: boolean;
  max_session_keys?: number;
  enforce_rsa_key_usage?: boolean;
}

/** `envoy.extensions.transport_sockets.tls.v3.CommonTlsContext` */
export interface CommonTlsContext {
  tls_params?: TlsParameters;
  tls_certificates: TlsCertificate[];
  validation_context?: CertificateValidationContext;
  alpn_protocols: string[];
}

/** `envoy.extensions.transport_sockets.tls.v3.TlsCertificate` */
export interface TlsCertificate {
  certificate_chain?: DataSource;
  private_key?: DataSource;
  pkcs12?: DataSource;
  password?: DataSource;
  ocsp_staple?: DataSource;
  signed_certificate_timestamp: DataSource[];
  tls_params?: TlsParameters;
}

/** `envoy.extensions.transport_sockets.tls.v3.TlsParameters` */
export interface TlsParameters {
  tls_minimum_protocol_version: TlsProtocol;
  tls_maximum_protocol_version: TlsProtocol;
  cipher_suites: string[];
  ecdh_curves: string[];
  signature_algorithms: string[];
  compliance_policies: CompliancePolicy[];
}

/** `envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext` */
export interface CertificateValidationContext {
  trusted_ca?: DataSource;
  system_root_certs?: SystemRootCerts;
  verify_certificate_spki: string[];
  verify_certificate_hash: string[];
  match_typed_subject_alt_names: SubjectAltNameMatcher[];
  match_subject_alt_names: StringMatcher[];
  require_signed_certificate_timestamp?: boolean;
  crl?: DataSource;
  allow_expired_certificate: boolean;
  trust_chain_verification: TrustChainVerification;
  only_verify_leaf_cert_crl: boolean;
  max_verify_depth?: number;
  suppress_client_ca_list: boolean;
}

/** `envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.SystemRootCerts` */
export type SystemRootCerts = Record<string, never>;

/** `envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher` */
export interface SubjectAltNameMatcher {
  san_type: SanType;
  matcher: StringMatcher;
  oid: string;
}

/** `envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys` */
export interface TlsSessionTicketKeys {
  keys: DataSource[];
}

/** `envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer` */
export type RawBuffer = Record<string, never>;
