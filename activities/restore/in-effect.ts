// What comes after a restore belongs to the database that came of it, while its mail is held. Another restore's would let out
// mail that is held for good reason, or bring back what was lost to another life.
import type { RecoveryTools } from '../../ops/recovery/tools';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import { refusal } from './refusal';
import { withDatabase } from './rewound';

/** Refuses where another restore, or none, has made the database that lives. */
export async function requireInEffect({ settings }: RecoveryTools, restoreId: string): Promise<{ isHeld: boolean }> {
  const { restored, held } = await withDatabase(settings.DATABASE_URL, async (db) => ({
    restored: (await db.instance.findUniqueOrThrow({ where: { id: 1 } })).restoreId,
    held: (await db.lane.findUniqueOrThrow({ where: { name: MAIL_LANE } })).held,
  }));
  if (restored !== restoreId) {
    throw refusal(
      'not_in_effect',
      `The database is not that of restore ${restoreId}${restored ? ` but that of ${restored}: say that one` : ''}.`,
    );
  }
  return { isHeld: held };
}

/** Refuses too where mail is sent again. */
export async function requireOpen(tools: RecoveryTools, restoreId: string): Promise<void> {
  const { isHeld } = await requireInEffect(tools, restoreId);
  if (!isHeld) throw alreadySettled(restoreId);
}

export const alreadySettled = (restoreId: string) =>
  refusal(
    'already_settled',
    `What restore ${restoreId} lost has been brought back or given up already: mail is sent again.`,
  );
