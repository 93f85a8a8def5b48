// HTTP for the driver: connections kept alive, and little work a request, for the driver shares the machine.
import { Agent, request } from 'node:http';

export class HttpClient {
  private readonly agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: Number.POSITIVE_INFINITY });
  private sent = 0;
  /** @param origins of processes that share the requests, in turn */
  constructor(private origins: string[]) {}

  spreadOver(origins: string[]): void {
    this.origins = origins;
  }

  /** The body of a 2xx answer, as text; throws on any other. */
  send(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<string> {
    const origin = this.origins[this.sent++ % this.origins.length];
    const bytes = Buffer.from(body === undefined ? '' : JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const asked = request(
        origin + path,
        {
          method,
          agent: this.agent,
          headers: { 'content-type': 'application/json', 'content-length': bytes.length, ...headers },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            const { statusCode = 0 } = response;
            if (statusCode >= 200 && statusCode < 300) resolve(text);
            else reject(new Error(`${method} ${path} answered ${statusCode}: ${text.slice(0, 500)}`));
          });
        },
      );
      asked.on('error', reject);
      asked.end(bytes);
    });
  }

  async post<T>(path: string, body: unknown, headers?: Record<string, string>): Promise<T> {
    return JSON.parse(await this.send('POST', path, body, headers)) as T;
  }

  close(): void {
    this.agent.destroy();
  }
}
