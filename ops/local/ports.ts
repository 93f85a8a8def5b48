// Ports on loopback: the usual one, or the next that is free.
import { createServer } from 'node:net';

const TRIES = 100;

/** A port that nobody listens on, from `preferred` upwards; any where that is 0. */
export async function freePort(preferred = 0, taken: ReadonlySet<number> = new Set()): Promise<number> {
  if (preferred === 0) return (await tryPort(0)) as number;
  for (let port = preferred; port < preferred + TRIES && port < 65_536; port++) {
    if (!taken.has(port) && (await tryPort(port)) !== null) return port;
  }
  throw new Error(`No port from ${preferred} to ${preferred + TRIES - 1} is free`);
}

/** @param host every interface where it is missing */
export function isPortFree(port: number, host?: string): Promise<boolean> {
  return tryPort(port, host).then((found) => found !== null);
}

function tryPort(port: number, host: string | undefined = '127.0.0.1'): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(null));
    probe.listen({ port, host: host === '' ? undefined : host }, () => {
      const { port: found } = probe.address() as { port: number };
      probe.close(() => resolve(found));
    });
  });
}
