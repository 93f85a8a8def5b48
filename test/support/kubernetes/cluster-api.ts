// Asks the API of Kubernetes over HTTPS: the node of the tests asks it several times a second, too often for kubectl.
import { Agent, request } from 'node:https';

export interface ClusterApi {
  /** Returns the parsed answer. Throws ApiRefused for any status but a success. */
  ask<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  close(): void;
}

export class ApiRefused extends Error {
  override name = 'ApiRefused';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

interface Access {
  server: string;
  authority: Buffer;
  token: string;
}

export function createClusterApi({ server, authority, token }: Access): ClusterApi {
  const agent = new Agent({ ca: authority, keepAlive: true });
  return {
    ask<T>(method: string, path: string, body?: unknown) {
      const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
      const content = body === undefined ? '' : JSON.stringify(body);
      // Node would send the body of a DELETE without it.
      const length = Buffer.byteLength(content);
      const headers = { authorization: `Bearer ${token}`, 'content-type': type, 'content-length': length };
      return new Promise<T>((resolve, reject) => {
        const asked = request(new URL(path, server), { method, agent, headers }, (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
          });
          answer.once('end', () => {
            const status = answer.statusCode ?? 0;
            if (status >= 300) reject(new ApiRefused(status, `${method} ${path}: ${status} ${text.slice(0, 500)}`));
            else resolve((text.startsWith('{') ? JSON.parse(text) : text) as T);
          });
        });
        asked.once('error', reject);
        asked.end(content);
      });
    },
    close: () => agent.destroy(),
  };
}
