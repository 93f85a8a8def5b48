// The trail as JSON lines, which verify without Countersign's database: a beginning, each seal with its event, an end.
import { z } from 'zod';
import { type Database, Prisma } from '../../prisma/client';
import type { Anchor } from './anchors';
import { GENESIS } from './canonical';
import { type Checked, checkChain, type Link, noteUnknownKey } from './chain';
import { type Checkpoint, checkCheckpoint, readCheckpoint } from './checkpoints';
import { readLinks } from './links';
import type { Head } from './seal';
import type { Verifier } from './signatures';

const FORMAT = 'countersign-audit-1';
const Position = z.string().regex(/^\d{1,19}$/);
const Hash = z.string().regex(/^[0-9a-f]*$/);

const Beginning = z.object({
  format: z.literal(FORMAT),
  checkpoint: z
    .object({
      position: Position,
      hash: Hash,
      events: z.int(),
      at: z.iso.datetime(),
      reason: z.string(),
      signature: z.base64(),
    })
    .nullable(),
});
const Event = z.object({
  position: Position,
  id: z.string(),
  type: z.string(),
  at: z.string(),
  actorId: z.string().nullable(),
  subject: z.string(),
  subjectId: z.string().nullable(),
  revision: z.int().nullable(),
  requestId: z.string().nullable(),
  data: z.unknown(),
});
const Sealed = z.object({ seal: z.object({ position: Position, prev: Hash, hash: Hash }), event: Event });
const End = z.object({ end: z.object({ position: Position, hash: Hash, at: z.iso.datetime() }) });

/** Not one of ours: another format, or a line that nobody can read. */
export class UnreadableExport extends Error {
  override name = 'UnreadableExport';
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => Buffer.from(text, 'hex');
const LASTS_AT_MOST_MS = 6 * 3_600_000;

/** What is sealed now, line by line to `write`. @returns how many events */
export function exportTrail(db: Database, write: (line: string) => Promise<void>): Promise<number> {
  return db.$transaction(
    async (tx) => {
      const snapshot = tx as Database;
      const [now] = await snapshot.$queryRaw<{ at: Date }[]>`SELECT clock_timestamp() AS at`;
      const checkpoint = await readCheckpoint(snapshot);
      await write(toLine({ format: FORMAT, checkpoint: checkpoint && toJson(checkpoint) }));
      let head: Head = checkpoint ?? { position: 0n, hash: GENESIS };
      let events = 0;
      for await (const { position, prev, hash, event } of readLinks(snapshot, head.position)) {
        await write(toLine({ seal: { position: String(position), prev: hex(prev), hash: hex(hash) }, event }));
        head = { position, hash };
        events += 1;
      }
      const at = (now as { at: Date }).at.toISOString();
      await write(toLine({ end: { position: String(head.position), hash: hex(head.hash), at } }));
      return events;
    },
    { isolationLevel: Prisma.TransactionIsolationLevel.RepeatableRead, timeout: LASTS_AT_MOST_MS },
  );
}

export interface ExportCheck {
  lines: AsyncIterable<string>;
  /** From a position on; none where only the chain itself can be checked. */
  anchors: ((from: bigint) => AsyncIterable<Anchor>) | null;
  /** Null: no key is known. */
  verifier: Verifier | null;
  progress?: (checked: number) => void;
}

/** Throws UnreadableExport. */
export async function verifyExport({ lines, anchors, verifier, progress }: ExportCheck): Promise<Checked> {
  const reading = lines[Symbol.asyncIterator]();
  const beginning = Beginning.safeParse(parse((await reading.next()).value));
  if (!beginning.success) throw new UnreadableExport(`The first line is not that of an export (${FORMAT}).`);
  const checkpoint = beginning.data.checkpoint && fromJson(beginning.data.checkpoint);
  const start: Head = checkpoint ?? { position: 0n, hash: GENESIS };
  if (checkpoint && !verifier) {
    throw new UnreadableExport('It begins with a signed checkpoint: give --public-key, or SECRET_KEY.');
  }
  const signed = checkpoint && verifier && checkCheckpoint(verifier, checkpoint);
  if (checkpoint && signed?.standing === 'forged') {
    const broken = { position: checkpoint.position, fault: 'checkpoint_forged' } as const;
    return { checked: 0, anchors: 0, head: start, anchored: 0n, unknownKeys: [], broken };
  }
  let end: z.output<typeof End>['end'] | null = null;

  async function* links(): AsyncGenerator<Link> {
    let number = 1;
    for (let line = await reading.next(); !line.done; line = await reading.next()) {
      number += 1;
      const json = parse(line.value);
      const last = End.safeParse(json);
      if (last.success) {
        end = last.data.end;
        return;
      }
      const sealed = Sealed.safeParse(json);
      if (!sealed.success) throw new UnreadableExport(`Line ${number} is none of an export.`);
      const { seal, event } = sealed.data;
      yield {
        position: BigInt(seal.position),
        eventId: event.id,
        prev: bytes(seal.prev),
        hash: bytes(seal.hash),
        event: event as Link['event'],
      };
    }
  }

  const found = await checkChain({
    start,
    links: links(),
    anchors: anchors?.(start.position) ?? none(),
    // The trail has grown since it was exported.
    beyond: async (anchor) => (end && anchor.at > new Date(end.at) ? 'later' : 'cut'),
    ...(progress ? { progress } : {}),
  });
  if (signed?.unknownKey) noteUnknownKey(found, signed.unknownKey);
  if (found.broken) return found;
  const { position, hash } = found.head;
  const last = end as z.output<typeof End>['end'] | null;
  const isWhole = last?.position === String(position) && last.hash === hex(hash);
  return isWhole ? found : { ...found, broken: { position: position + 1n, fault: 'tail_cut' } };
}

const toLine = (value: unknown) => `${JSON.stringify(value)}\n`;

const toJson = ({ position, hash, events, at, reason, signature }: Checkpoint) => ({
  position: String(position),
  hash: hex(hash),
  events,
  at: at.toISOString(),
  reason,
  signature: Buffer.from(signature).toString('base64'),
});

const fromJson = (json: NonNullable<z.output<typeof Beginning>['checkpoint']>): Checkpoint => ({
  ...json,
  position: BigInt(json.position),
  hash: bytes(json.hash),
  at: new Date(json.at),
  signature: Buffer.from(json.signature, 'base64'),
});

function parse(line: unknown): unknown {
  try {
    return JSON.parse(String(line));
  } catch {
    return null;
  }
}

async function* none(): AsyncGenerator<never> {}
