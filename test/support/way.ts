// The way to a server that can be turned to another one, as the address of a database that fails over.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Way {
  /** The same URL, by this way. */
  urlOf(url: string): string;
  /** Breaks what is connected; new connections go there. */
  turnTo(url: string): void;
  close(): Promise<void>;
}

export async function openWay(to: string): Promise<Way> {
  let target = new URL(to);
  const sockets = new Set<Socket>();
  const server = createServer((here) => {
    const there = connect(Number(target.port), target.hostname);
    for (const socket of [here, there]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
    }
    here.pipe(there).pipe(here);
    here.on('close', () => there.destroy());
    there.on('close', () => here.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const destroyAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    urlOf(url) {
      const turned = new URL(url);
      turned.port = String(port);
      return turned.href;
    },
    turnTo(url) {
      target = new URL(url);
      destroyAll();
    },
    async close() {
      destroyAll();
      await new Promise((closed) => server.close(closed));
    },
  };
}
