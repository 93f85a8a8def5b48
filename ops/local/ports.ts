// Ports on loopback: the usual one, or the next that is free.
import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';
const TRIES = 100;

/** A port that nobody listens on, from `preferred` upwards; any where that is 0. */
export async function freePort(preferred = 0, taken: ReadonlySet<number> = new Set()): Promise<number> {
  if (preferred === 0) return (await tryPort(0, LOOPBACK)) as number;
  for (let port = preferred; port < preferred + TRIES && port < 65_536; port++) {
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new Error(`No port from ${preferred} to ${preferred + TRIES - 1} is free`);
}

/** On loopback and on every interface: one of them alone may be taken. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await tryPort(port, LOOPBACK)) !== null && (await tryPort(port)) !== null;
}

function tryPort(port: number, host?: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    probe.listen(host ? { port, host } : { port }, () => {
      const { port: found } = probe.address() as { port: number };
      probe.close(() => resolve(found));
    });
  });
}
