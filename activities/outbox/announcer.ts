// What has been committed is announced to the workers: a message lies in the outbox, or a mail is due. An announcement that
// is lost does no harm, for they look by themselves.
import { type Database, NOT_SYNCED } from '../../prisma/client';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import type { Announcement } from '../commands/context';
import type { Witness } from '../continuity/witness';

/** What the workers listen to; the payload says who is to look. */
export const CHANNEL = 'countersign';
export const RELAY = 'relay';

const WAKES_EACH_MS = 10;

export interface Announcer {
  /** Returns at once; what it begins never fails. */
  announce(announcement: Announcement): void;
  /** Resolves when everything has been announced. */
  drain(): Promise<void>;
}

/** @param witness is told of every event that was committed */
export function createAnnouncer(db: Database, witness?: Pick<Witness, 'note'>): Announcer {
  const active = new Set<Promise<void>>();

  /** At once, and then at most once each few milliseconds: a notification serialises commits. */
  function createWaker(payload: string): () => void {
    let pause: NodeJS.Timeout | null = null;
    let again = false;
    return function wake() {
      again = pause !== null;
      if (again) return;
      pause = setTimeout(() => {
        pause = null;
        if (again) wake();
      }, WAKES_EACH_MS);
      const woken = db.$executeRaw`SELECT ${NOT_SYNCED}, pg_notify(${CHANNEL}, ${payload})`
        .then(
          () => {},
          () => {},
        )
        .then(() => {
          active.delete(woken);
        });
      active.add(woken);
    };
  }
  const wakeRelay = createWaker(RELAY);
  const wakeLane = createWaker(MAIL_LANE);

  return {
    announce({ told, mailDue, event }) {
      if (event) witness?.note(event);
      if (told) wakeRelay();
      if (mailDue) wakeLane();
    },
    async drain() {
      await Promise.all(active);
    },
  };
}
