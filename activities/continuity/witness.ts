// Detects lost commits from inside a running process: an event that it saw must stay, for instance after a failover.
import type { Logger } from '../../ops/runtime/logging';
import { within } from '../../ops/runtime/within';
import { type Database, SERVER } from '../../prisma/client';
import { holdMail } from './hold';
import { readTimeline } from './neighbours';

export interface Seen {
  /** Whether another server answers, the same one was restarted, or another life began, since the last look. */
  isOtherServer: boolean;
}

export interface Witness {
  /** Remembers an event that this process has just committed. */
  note(eventId: string): void;
  /** Holds all mail if the newest event that this process knows is gone. */
  look(): Promise<Seen>;
  /** Returns why mail was held at the last look; null if it was not, or a restore holds it. */
  held(): Held | null;
}

export interface Held {
  code: string;
  since: Date;
}

interface Row {
  server: string;
  isStandby: boolean;
  generation: number;
  newest: string | null;
  knows: boolean;
  heldCode: string | null;
  heldAt: Date;
}

export function createWitness({ db, logger }: { db: Database; logger: Logger }): Witness {
  let known: string | null = null;
  let before: Row | null = null;

  return {
    note(eventId) {
      known = eventId;
    },

    async look() {
      const asked = known;
      const [row] = await within(LOOKS_WITHIN_MS, ask(db, asked));
      // A standby has the start time of the server that it may become.
      if (row.isStandby) return { isOtherServer: false };
      const isSameLife = before === null || before.generation === row.generation;
      const isOtherServer = before !== null && (before.server !== row.server || !isSameLife);
      // A restore or an adoption raises the generation, and may have removed events on purpose.
      const hasLost = isSameLife ? asked !== null && !row.knows : row.generation < (before?.generation ?? 0);
      // Until this has succeeded, what was known stays known.
      if (hasLost) await holdMail({ db, logger }, 'forgot_event');
      else if (isOtherServer && isSameLife) await vouch(db);
      before = row;
      if (known === asked) known = row.newest;
      return { isOtherServer };
    },

    held() {
      return before?.heldCode ? { code: before.heldCode, since: before.heldAt } : null;
    },
  };
}

/** A connection to a server that is gone may hang for minutes; the next look takes another. */
const LOOKS_WITHIN_MS = 3_000;

const ask = (db: Database, known: string | null) => db.$queryRaw<[Row]>`
  SELECT ${SERVER} AS server, pg_is_in_recovery() AS "isStandby", i.generation, i.held_code AS "heldCode", i.held_at AS "heldAt",
    (SELECT id FROM audit_events ORDER BY position DESC LIMIT 1) AS newest,
    EXISTS (SELECT 1 FROM audit_events WHERE id = ${known}::uuid) AS knows
  FROM instance i WHERE i.id = 1`;

/** Accepts the timeline of a failover that lost nothing. */
async function vouch(db: Database): Promise<void> {
  const timeline = await readTimeline(db);
  if (timeline !== null) await db.instance.updateMany({ where: { timeline: { not: timeline } }, data: { timeline } });
}
