/** TLS contexts. The notation is described in `schema.ts`. */
export const TLS = `
enum OcspStaplePolicy envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext.OcspStaplePolicy
  LENIENT_STAPLING STRICT_STAPLING MUST_STAPLE

enum TlsProtocol envoy.extensions.transport_sockets.tls.v3.TlsParameters.TlsProtocol
  TLS_AUTO TLSv1_0 TLSv1_1 TLSv1_2 TLSv1_3

enum CompliancePolicy envoy.extensions.transport_sockets.tls.v3.TlsParameters.CompliancePolicy
  FIPS_202205 CNSA2_202603 CNSA1_202603

enum TrustChainVerification envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.TrustChainVerification
  VERIFY_TRUST_CHAIN ACCEPT_UNTRUSTED

enum SanType envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher.SanType
  SAN_TYPE_UNSPECIFIED EMAIL DNS URI IP_ADDRESS OTHER_NAME

message DownstreamTlsContext envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
  common_tls_context CommonTlsContext
  require_client_certificate bool?
  require_sni bool?
  session_ticket_keys TlsSessionTicketKeys oneof=session_ticket_keys_type
  - session_ticket_keys_sds_secret_config: secrets are not fetched by SDS; give the certificate inline or by filename
  disable_stateless_session_resumption bool oneof=session_ticket_keys_type
  disable_stateful_session_resumption bool
  session_timeout duration >=0s <4294967296s
  ocsp_staple_policy OcspStaplePolicy
  full_scan_certs_on_sni_mismatch bool?
  prefer_client_ciphers bool

message UpstreamTlsContext envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
  common_tls_context CommonTlsContext
  sni string max_bytes=255
  auto_host_sni bool
  auto_sni_san_validation bool
  allow_renegotiation bool
  max_session_keys uint32?
  enforce_rsa_key_usage bool? deprecated

message CommonTlsContext envoy.extensions.transport_sockets.tls.v3.CommonTlsContext
  tls_params TlsParameters
  tls_certificates TlsCertificate[]
  - tls_certificate_sds_secret_configs: secrets are not fetched by SDS; give the certificate inline or by filename
  - tls_certificate_provider_instance: certificate providers
  - custom_tls_certificate_selector: certificate selectors
  - tls_certificate_certificate_provider: certificate providers
  - tls_certificate_certificate_provider_instance: certificate providers
  validation_context CertificateValidationContext oneof=validation_context_type
  - validation_context_sds_secret_config: secrets are not fetched by SDS; give the certificate inline or by filename
  - combined_validation_context: secrets are not fetched by SDS; use validation_context
  - validation_context_certificate_provider: certificate providers
  - validation_context_certificate_provider_instance: certificate providers
  alpn_protocols string[]
  - custom_handshaker: handshakers cannot be chosen
  - key_log: TLS key logging

message TlsCertificate envoy.extensions.transport_sockets.tls.v3.TlsCertificate
  certificate_chain DataSource
  private_key DataSource
  pkcs12 DataSource
  - watched_directory: files are read when the configuration is read; it is not watched by itself
  - private_key_provider: private key providers
  password DataSource
  ocsp_staple DataSource
  signed_certificate_timestamp DataSource[]
  tls_params TlsParameters

message TlsParameters envoy.extensions.transport_sockets.tls.v3.TlsParameters
  tls_minimum_protocol_version TlsProtocol
  tls_maximum_protocol_version TlsProtocol
  cipher_suites string[]
  ecdh_curves string[]
  signature_algorithms string[]
  compliance_policies CompliancePolicy[] max_items=1

message CertificateValidationContext envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext
  trusted_ca DataSource
  - ca_certificate_provider_instance: certificate providers
  system_root_certs SystemRootCerts
  - watched_directory: files are read when the configuration is read; it is not watched by itself
  verify_certificate_spki string[] each:min_len=44 each:max_bytes=44
  verify_certificate_hash string[] each:min_len=64 each:max_bytes=95
  match_typed_subject_alt_names SubjectAltNameMatcher[]
  match_subject_alt_names StringMatcher[] deprecated
  require_signed_certificate_timestamp bool?
  crl DataSource
  allow_expired_certificate bool
  trust_chain_verification TrustChainVerification
  - custom_validator_config: custom validators
  only_verify_leaf_cert_crl bool
  max_verify_depth uint32? <=100
  suppress_client_ca_list bool

message SystemRootCerts envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext.SystemRootCerts

message SubjectAltNameMatcher envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher
  san_type SanType not_in=0
  matcher StringMatcher required
  oid string

message TlsSessionTicketKeys envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys
  keys DataSource[] min_items=1

message RawBuffer envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer
`;
