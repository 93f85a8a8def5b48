// Keeps the index of mentions up to date, so that an erasure has little to wait for.
import { setTimeout as delay } from 'node:timers/promises';
import type { MentionIndex } from '../activities/mention-index';
import { makeAllDue } from '../activities/mention-index/keys';
import type { Subjects } from '../activities/personal-data/subject';
import type { Logger } from '../ops/runtime/logging';
import { createOutage } from '../ops/runtime/outage';
import type { Database } from '../prisma/client';

const ASKS_EACH_MS = 1_000;
const TRIES_AGAIN_MS = 10_000;
const LONGEST_RETRY_MS = 60_000;

export interface KeepMentions {
  db: Database;
  subjects: Pick<Subjects, 'hashingKeys'>;
  index: Pick<MentionIndex, 'noteBatch'>;
  logger: Logger;
}

export async function keepMentions(
  { db, subjects, index, logger }: KeepMentions,
  stopping: AbortSignal,
): Promise<void> {
  const wait = (ms: number) => delay(ms, undefined, { signal: stopping }).catch(() => {});
  const outage = createOutage({
    logger,
    began: 'Mentions could not be indexed; the next try follows',
    ended: 'Mentions are indexed again',
    firstMs: TRIES_AGAIN_MS,
    mostMs: LONGEST_RETRY_MS,
  });
  for (let isKnown = false; !stopping.aborted; ) {
    try {
      if (!isKnown && (await makeAllDue({ db, subjects }, { forgetsOthers: true }))) {
        logger.info('Mentions are indexed anew: the keys have changed, or there was no index');
      }
      isKnown = true;
      const hasNoted = await index.noteBatch();
      outage.worked();
      if (!hasNoted) await wait(ASKS_EACH_MS);
    } catch (err) {
      await wait(outage.failed(err));
    }
  }
}
