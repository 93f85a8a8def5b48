// Makes an author key and an approver key for whoever tries Countersign here, before the API answers that it is ready.
import { uuidv7 } from 'uuidv7';
import { BOOTSTRAP_ADMIN } from '../../activities/commands/context';
import { createKeyCommands, hashKey } from '../../activities/commands/keys';
import { withDatabase } from '../../activities/restore/rewound';
import type { Database } from '../../prisma/client';
import type { Home } from './home';
import { readKeptJson, writeKept } from './kept-file';

export interface FirstKeys {
  author: string;
  approver: string;
}

const ROLES = ['author', 'approver'] as const;
const NAMES = { author: 'local-agent', approver: 'local-approver' };

/** Returns the kept keys; those that no longer work, for instance after a restore, are made anew. */
export async function ensureFirstKeys(home: Home, databaseUrl: string): Promise<FirstKeys> {
  const file = home.file('keys.json');
  const keys: Partial<FirstKeys> = readKeptJson<FirstKeys>(file) ?? {};
  let isChanged = false;
  await withDatabase(databaseUrl, async (db) => {
    const context = { actor: BOOTSTRAP_ADMIN, requestId: uuidv7() };
    for (const role of ROLES) {
      const kept = keys[role];
      if (kept && (await works(db, kept))) continue;
      keys[role] = (await createKeyCommands({ db }).createKey(context, { name: NAMES[role], roles: [role] })).key;
      isChanged = true;
    }
  });
  if (isChanged) writeKept(file, `${JSON.stringify(keys, null, 2)}\n`);
  return keys as FirstKeys;
}

const works = async (db: Database, key: string): Promise<boolean> =>
  (await db.apiKey.count({ where: { hash: hashKey(key), endedAt: null } })) > 0;
