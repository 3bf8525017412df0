import { type Admin, startAdmin as listenAdmin } from '../admin/server.js';
import type { StringMatcherConfig } from '../observe/string-match.js';
import { ServerAdminHost } from './admin-host.js';
import type { Server } from './server.js';

/** Starts the admin server that the bootstrap asks for; null when it asks for none. */
export async function startAdmin(server: Server, quit: () => void): Promise<Admin | null> {
  const admin = server.config.admin;
  const address = admin?.address?.socket_address;
  if (address === undefined) return null;
  return listenAdmin(
    {
      host: address.address,
      port: address.port_value ?? 0,
      allowPaths: (admin?.allow_paths ?? []) as StringMatcherConfig[],
    },
    new ServerAdminHost(server, quit),
  );
}
