// Opens a server's port on the address that the configuration names, and says how this machine reaches it.
import type { Server } from 'node:http';
import { isIPv6 } from 'node:net';

const EVERY_INTERFACE = { '0.0.0.0': '127.0.0.1', '::': '::1' } as Record<string, string>;

export interface Listening {
  host: string;
  port: number;
}

/** Throws if the port is taken, or the address is not one of this machine. */
export function listenOn(server: Server, { host, port }: Listening): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Returns host and port for a URL that reaches the server from this machine. */
export function reachableAt({ host, port }: Listening): string {
  const address = EVERY_INTERFACE[host] ?? host;
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
