// Ports on loopback: the usual one, or the next that is free.
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const LOOPBACK = '127.0.0.1';
const TRIES = 100;
/** Below the range from which systems take ports for connections that go out: none takes one away before it is used. */
const ANY = { from: 10_000, to: 32_000 };

/** A port that nobody listens on, from `preferred` upwards; any where that is 0. */
export async function freePort(preferred = 0, taken: ReadonlySet<number> = new Set()): Promise<number> {
  if (preferred === 0) return freePort(randomInt(ANY.from, ANY.to - TRIES), taken);
  for (let port = preferred; port < preferred + TRIES && port < 65_536; port++) {
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new Error(`No port from ${preferred} to ${preferred + TRIES - 1} is free`);
}

/** On loopback and on every interface: one of them alone may be taken. */
export async function isPortFree(port: number): Promise<boolean> {
  return (await canListen({ port, host: LOOPBACK })) && (await canListen({ port }));
}

function canListen(where: { port: number; host?: string }): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    probe.listen(where, () => probe.close(() => resolve(true)));
  });
}
