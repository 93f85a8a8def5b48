// Reads every key of ours in Redis with its value, by the commands of its type, in pieces if it may be large.
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { openRedis, REDIS_PREFIX, withRedis } from '../../../ops/runtime/redis';
import type { ScanSource } from '../report';

const COUNT = 500;
const FORGOTTEN_AFTER_SECONDS = 3_600;
type Piece = Buffer | string | Piece[];

export function createRedisSource(url: string): ScanSource {
  return {
    name: 'redis',
    async plant(decoy) {
      const key = `${REDIS_PREFIX}scan-decoy:${randomUUID()}`;
      const set = (redis: Redis) => redis.hset(key, 'to', decoy).then(() => redis.expire(key, FORGOTTEN_AFTER_SECONDS));
      await withRedis(url, set);
      const remove = () => withRedis(url, async (redis) => void (await redis.del(key)));
      return { places: new Map([[key, 1]]), items: 1, remove };
    },
    async *read() {
      const redis = await openRedis(url);
      try {
        const seen = new Set<string>();
        for await (const keys of redis.scanBufferStream({ match: `${REDIS_PREFIX}*`, count: COUNT })) {
          for (const key of keys as Buffer[]) {
            const place = key.toString('latin1');
            if (seen.has(place)) continue;
            seen.add(place);
            yield { place: key.toString(), chunks: contentOf(redis, key), isBinary: true };
          }
        }
      } finally {
        redis.disconnect();
      }
    },
  };
}

async function* contentOf(redis: Redis, key: Buffer): AsyncIterable<Uint8Array> {
  for await (const piece of piecesOf(redis, key)) yield Buffer.concat(flatten(piece));
}

async function* piecesOf(redis: Redis, key: Buffer): AsyncIterable<Piece> {
  const type = await redis.type(key);
  if (type === 'none') return;
  if (type === 'string') yield (await redis.getBuffer(key)) ?? '';
  else if (type === 'hash') yield* scanned((cursor) => redis.hscanBuffer(key, cursor, 'COUNT', COUNT));
  else if (type === 'set') yield* scanned((cursor) => redis.sscanBuffer(key, cursor, 'COUNT', COUNT));
  else if (type === 'zset') yield* scanned((cursor) => redis.zscanBuffer(key, cursor, 'COUNT', COUNT));
  else if (type === 'list') yield* listed(redis, key);
  else if (type === 'stream') yield (await redis.xrangeBuffer(key, '-', '+')) as Piece;
  else throw new Error(`Redis holds a value of the type ${type}, which the scan can't read`);
}

async function* scanned(page: (cursor: string) => Promise<[Buffer, Buffer[]]>): AsyncIterable<Piece> {
  let cursor = '0';
  do {
    const [next, elements] = await page(cursor);
    yield elements;
    cursor = next.toString();
  } while (cursor !== '0');
}

async function* listed(redis: Redis, key: Buffer): AsyncIterable<Piece> {
  for (let from = 0; ; from += COUNT) {
    const elements = await redis.lrangeBuffer(key, from, from + COUNT - 1);
    yield elements;
    if (elements.length < COUNT) return;
  }
}

/** With a line's end after each, so that neighbours do not run into one another. */
function flatten(piece: Piece): Buffer[] {
  if (Array.isArray(piece)) return piece.flatMap(flatten);
  return [Buffer.from(piece as string), Buffer.from('\n')];
}
