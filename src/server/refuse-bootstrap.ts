import { unsupported } from '../xds/decode.js';
import { isType } from '../xds/type-url.js';
import type { Bootstrap } from '../xds/types.js';

/** What a bootstrap may say of the process itself and is not built. @throws ConfigError */
export function refuseUnbuiltBootstrap(bootstrap: Bootstrap): void {
  const { admin } = bootstrap;
  if (admin !== undefined) {
    // Istio's bootstrap has one that goes nowhere.
    for (const logger of admin.access_log)
      if (!isType(logger.typed_config, 'FileAccessLog') || logger.typed_config.path !== '/dev/null')
        unsupported(admin, 'access_log', 'logs of the admin server; allowed: a file log to /dev/null');
    if (admin.socket_options.length > 0) unsupported(admin, 'socket_options', 'options of the admin socket');
    if (admin.address?.pipe !== undefined) unsupported(admin.address, 'pipe', 'an admin server on a pipe');
  }
  if (bootstrap.application_log_config !== undefined)
    unsupported(bootstrap, 'application_log_config', 'the form of the log of the process is fixed');
  const resolver = bootstrap.typed_dns_resolver_config;
  if (resolver !== undefined && !isType(resolver.typed_config, 'GetAddrInfoDnsResolverConfig'))
    unsupported(bootstrap, 'typed_dns_resolver_config', `the DNS resolver ${resolver.name}`);
}
