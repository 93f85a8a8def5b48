// Asks Redis for its snapshot as a replica does: from anywhere, without its files or its programs.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { StepTrouble } from './troubles';

const ANSWERS_WITHIN_MS = 60_000;

export interface Snapshot {
  /** Bytes, known before they come. */
  size: number;
  content: Readable;
}

/** A replica that knows no newer way gets a whole file of known length at once; Redis waits for no others to join. */
export async function openSnapshot(redisUrl: string, signal: AbortSignal): Promise<Snapshot> {
  const url = new URL(redisUrl);
  const [host, port] = [url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1', Number(url.port || 6379)];
  const socket = url.protocol === 'rediss:' ? connectTls({ host, port, servername: host }) : connect({ host, port });
  const end = () => socket.destroy(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', end));
  // While it forks and writes it sends empty lines.
  socket.setTimeout(ANSWERS_WITHIN_MS, () => socket.destroy(away('it does not answer')));
  try {
    await once(socket, url.protocol === 'rediss:' ? 'secureConnect' : 'connect', { signal });
    const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    const lines = new Lines(chunks);
    const [user, password] = [url.username, url.password].map(decodeURIComponent) as [string, string];
    if (password) await ask(socket, lines, ['AUTH', ...(user ? [user] : []), password]);
    const answer = await ask(socket, lines, ['SYNC']);
    const size = Number(/^\$(\d+)$/.exec(answer)?.[1] ?? Number.NaN);
    if (!Number.isSafeInteger(size)) throw refused(`Redis gives no snapshot: ${answer.slice(0, 100)}`);
    return { size, content: Readable.from(take(lines.rest, chunks, size, socket), { objectMode: false }) };
  } catch (error) {
    socket.destroy();
    const { code } = error as NodeJS.ErrnoException;
    throw error instanceof StepTrouble || signal.aborted ? error : away(String(code ?? (error as Error).name));
  }
}

const refused = (message: string) => new StepTrouble('redis_refused', message);
export const away = (why: string) =>
  new StepTrouble('redis_away', `Redis (REDIS_URL) can't be backed up: ${why}. Start it, or leave --redis out`);

async function ask(socket: Socket, lines: Lines, words: string[]): Promise<string> {
  socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
  const answer = await lines.next();
  if (answer.startsWith('-')) throw refused(`Redis refuses ${words[0]}: ${answer.slice(1, 100)}`);
  return answer;
}

class Lines {
  rest = Buffer.alloc(0);
  constructor(private readonly chunks: AsyncIterator<Buffer>) {}

  /** The next that is not empty. */
  async next(): Promise<string> {
    for (;;) {
      const end = this.rest.indexOf('\n');
      if (end >= 0) {
        const line = this.rest.subarray(0, end).toString('latin1').trim();
        this.rest = this.rest.subarray(end + 1);
        if (line) return line;
        continue;
      }
      const { value, done } = await this.chunks.next();
      if (done) throw away('it closed the connection');
      this.rest = Buffer.concat([this.rest, value]);
    }
  }
}

/** Just the snapshot: what follows is what a replica would apply next. */
async function* take(
  first: Buffer,
  chunks: AsyncIterator<Buffer>,
  size: number,
  socket: Socket,
): AsyncGenerator<Buffer> {
  let left = size;
  try {
    for (let chunk = first; left > 0; ) {
      const wanted = chunk.subarray(0, left);
      left -= wanted.length;
      if (wanted.length > 0) yield wanted;
      if (left === 0) return;
      const { value, done } = await chunks.next();
      if (done) throw away('it closed the connection in the middle of its snapshot');
      chunk = value;
    }
  } finally {
    socket.destroy();
  }
}
