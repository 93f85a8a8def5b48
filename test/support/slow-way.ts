// A way to a server on which every answer takes longer.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface SlowWay {
  /** As host:port. */
  address: string;
  close(): Promise<void>;
}

export async function openSlowWay(to: string, delayMs: number): Promise<SlowWay> {
  const [host, port] = to.split(':');
  const sockets = new Set<Socket>();
  const server = createServer((here) => {
    const there = connect(Number(port), host);
    for (const socket of [here, there]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    here.pipe(there);
    there.on('data', (answer) => setTimeout(() => here.writable && here.write(answer), delayMs));
    there.on('close', () => here.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}
