// One backup: its parts, their verification, its manifest, which makes it a set, and what has become too old. Nobody else
// restores, erases or prunes meanwhile.
import { ApplicationFailure, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { BackupActivities } from '../activities/backup';
import { type BackupInput, type BackupResult, type BackupStep, progress, toSetId } from './contracts/backup';
import { exclusively } from './exclusively';
import { BACKUP_STEP } from './profiles';
import { keepProgress, type ProgressKeeper } from './recovery-progress';

const { openSet, describeDatabase, storePostgres, storeRedis, storeFiles, verifySet, writeSet, pruneSets } =
  proxyActivities<BackupActivities>(BACKUP_STEP);

export async function backup(input: BackupInput): Promise<BackupResult> {
  const setId = input.setId ?? toSetId(workflowInfo().startTime);
  const told = keepProgress<BackupStep, BackupResult>(`backup ${setId}, ${input.parts.join(', ')}`);
  setHandler(progress, told.read);
  return told.untilEnd(() =>
    exclusively('backup', () => makeSet({ ...input, setId }, told), input.noWait ? { noWait: true } : {}),
  );
}

type Told = ProgressKeeper<BackupStep, BackupResult>;

async function makeSet(
  { setId, kind: asked, parts }: BackupInput & { setId: string },
  told: Told,
): Promise<BackupResult> {
  told.show({ status: 'running' });
  const startedAt = new Date().toISOString();
  const request = { setId, startedAt, kind: asked };
  const has = (part: BackupInput['parts'][number]) => parts.includes(part);
  await openSet(setId);

  const database = has('postgres')
    ? await told.step('postgres', async () => {
        const state = await describeDatabase();
        return { state, ...(await storePostgres(request)) };
      })
    : null;
  const redis = has('redis') ? await told.step('redis', () => storeRedis(request)) : null;
  const files = has('files') ? await told.step('files', () => storeFiles(request)) : null;

  const kind = database?.kind ?? asked;
  const made = {
    id: setId,
    kind,
    postgres: database?.part ?? null,
    ...(database?.provider ? { provider: database.provider } : {}),
    redis,
    files: files?.part ?? null,
  };
  const state = database?.state ?? { schema: '', audit: null, ledger: 0, ledgerHash: null, rows: {} };
  const { ledger, ledgerHash = null } = state;
  const { walChecked, older } = await told.step('verify', () => verifySet({ ...made, ledger, ledgerHash }));
  await told.step('manifest', () => writeSet({ ...made, startedAt, ...state }));
  const pruned = await told.step('prune', () => pruneSets());

  const result: BackupResult = {
    setId,
    kind,
    size: (made.postgres?.size ?? 0) + (redis?.size ?? 0) + (made.files?.bytes ?? 0),
    stored: (database?.stored ?? 0) + (redis?.size ?? 0) + (files?.stored ?? 0),
    walChecked,
    pruned,
  };
  // This set is sound; that one before it is not must be seen all the same.
  if (older !== null) {
    told.show({ result });
    throw ApplicationFailure.nonRetryable(
      `The set ${setId} is sound, but not what was backed up before: ${older}`,
      'older_backups_damaged',
    );
  }
  return result;
}
