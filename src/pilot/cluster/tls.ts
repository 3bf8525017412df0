import type { Service } from '../registry/service.js';
import { booleanAt, comesFrom, stringAt, stringsAt, type Tree } from '../tree.js';
import { explicitHttp2, httpOptions } from './connection-pool.js';

/** How a cluster's connections are secured. */
export interface TransportSettings {
  /** Of the rule's `tls`; undefined when it says nothing. */
  tls: Tree | undefined;
  service: Service;
  /** Server name for mutual TLS of the mesh. */
  serverName: string;
  /** Identities that a server of the mesh may have. */
  identities: string[];
  /** Whether mutual TLS is used with servers that can. */
  auto: boolean;
}

const TLS_CONTEXT = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
const VERSIONS = { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' };
const ADS = { ads: {}, initial_fetch_timeout: '0s', resource_api_version: 'V3' };

function secret(name: string): Tree {
  return { name, sds_config: ADS };
}

function socket(context: Tree): Tree {
  return { name: 'envoy.transport_sockets.tls', typed_config: { '@type': TLS_CONTEXT, ...context } };
}

function matches(names: readonly string[]): Tree {
  return names.length === 0 ? {} : { match_subject_alt_names: names.map((n) => ({ exact: n })) };
}

/** Writes `transport_socket`, or for automatic mutual TLS `transport_socket_matches`; nothing for plain text. */
export function writeTransport(cluster: Tree, settings: TransportSettings): void {
  const { tls } = settings;
  const mode = tls === undefined ? '' : stringAt(tls, 'mode') || 'DISABLE';
  if (tls !== undefined && (mode === 'SIMPLE' || mode === 'MUTUAL')) {
    const context = originated(cluster, settings, tls, mode === 'MUTUAL');
    if (context === null) return;
    cluster['transport_socket'] = socket(context);
    comesFrom(cluster, 'transport_socket', tls, 'mode');
  } else if (tls !== undefined && mode === 'ISTIO_MUTUAL') {
    const names = Array.isArray(tls['subjectAltNames']) ? stringsAt(tls, 'subjectAltNames') : settings.identities;
    cluster['transport_socket'] = socket(meshContext(cluster, stringAt(tls, 'sni') || settings.serverName, names));
    comesFrom(cluster, 'transport_socket', tls, 'mode');
  } else if (tls === undefined && settings.auto && !settings.service.external && cluster['type'] !== 'ORIGINAL_DST') {
    cluster['transport_socket_matches'] = [
      {
        name: 'tlsMode-istio',
        match: { tlsMode: 'istio' },
        transport_socket: socket(meshContext(cluster, settings.serverName, settings.identities)),
      },
      {
        name: 'tlsMode-disabled',
        match: {},
        transport_socket: {
          name: 'envoy.transport_sockets.raw_buffer',
          typed_config: { '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer' },
        },
      },
    ];
  } else if (tls === undefined && settings.auto && !settings.service.external) {
    cluster['transport_socket'] = socket(meshContext(cluster, settings.serverName, settings.identities));
  }
}

function meshContext(cluster: Tree, sni: string, identities: readonly string[]): Tree {
  const alpn = ['istio-peer-exchange', 'istio'];
  if (explicitHttp2(cluster) !== undefined) alpn.push('h2');
  return {
    sni,
    common_tls_context: {
      tls_params: VERSIONS,
      alpn_protocols: alpn,
      tls_certificate_sds_secret_configs: [secret('default')],
      combined_validation_context: {
        default_validation_context: matches(identities),
        validation_context_sds_secret_config: secret('ROOTCA'),
      },
    },
  };
}

/** TLS that starts here (SIMPLE, MUTUAL); null when the rule names nothing to do it with. */
function originated(cluster: Tree, settings: TransportSettings, tls: Tree, mutual: boolean): Tree | null {
  if (stringAt(tls, 'credentialName') !== '') return null;
  if (mutual && (stringAt(tls, 'clientCertificate') === '' || stringAt(tls, 'privateKey') === '')) return null;
  const sni = stringAt(tls, 'sni');
  const insecure = booleanAt(tls, 'insecureSkipVerify') === true;
  const own = stringsAt(tls, 'subjectAltNames');
  if (sni === '') {
    const upstream: Tree = { auto_sni: true };
    if (own.length === 0 && !insecure) upstream['auto_san_validation'] = true;
    httpOptions(cluster)['upstream_http_protocol_options'] = upstream;
  }
  const names = own.length === 0 && settings.service.registry === 'external' ? settings.service.subjectAltNames : own;
  const common: Tree = { tls_params: VERSIONS };
  if (mutual) {
    const files = `file-cert:${stringAt(tls, 'clientCertificate')}~${stringAt(tls, 'privateKey')}`;
    common['tls_certificate_sds_secret_configs'] = [secret(files)];
  }
  if (insecure) common['validation_context'] = {};
  else {
    const ca = stringAt(tls, 'caCertificates') || 'system';
    const validation = matches(names);
    if (stringAt(tls, 'caCrl') !== '') validation['crl'] = { filename: stringAt(tls, 'caCrl') };
    common['combined_validation_context'] = {
      default_validation_context: validation,
      validation_context_sds_secret_config: secret(`file-root:${ca}`),
    };
  }
  if (explicitHttp2(cluster) !== undefined) common['alpn_protocols'] = ['h2'];
  return { ...(sni === '' ? {} : { sni }), common_tls_context: common };
}
