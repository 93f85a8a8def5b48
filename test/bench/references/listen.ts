import type { Express } from 'express';

/** On a free port of loopback, which the driver is told; until SIGTERM. */
export function listen(app: Express): void {
  const server = app.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as { port: number }).port });
  });
  server.keepAliveTimeout = 60_000;
  process.on('SIGTERM', () => process.exit(0));
}
