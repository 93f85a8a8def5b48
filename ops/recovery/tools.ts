// What a host needs to back up and restore: the database's clusters, pgBackRest, and the place where backups lie.

import { createEncryption, type Encryption } from '../../activities/backup/encryption';
import { FILE_STORE } from '../../workflows/contracts/services';
import { findPgBackRest, HOW_TO_GET_IT } from '../local/binaries/pgbackrest';
import { type ClusterHost, findClusterHost } from '../pgbackrest/cluster-host';
import { createPgBackRest, type PgBackRest } from '../pgbackrest/pgbackrest';
import { repositoryOptions } from '../pgbackrest/repository';
import type { Configuration } from '../runtime/configuration';
import { type ObjectStore, openObjectStore } from '../runtime/object-store';
import { openSignedStore, type SignedStore } from '../runtime/signed-store';
import type { Signer } from '../runtime/signing';

export interface RecoveryTools {
  settings: Configuration;
  host: ClusterHost;
  pgbackrest: PgBackRest;
  /** Below BACKUP_URL. */
  backups: SignedStore;
  files: ObjectStore;
  /** Signs manifests and reports. */
  signer: Signer;
  encryption: Encryption;
}

/** Enough to back up the attachments and the configuration, without the database. */
export type StoreTools = Omit<RecoveryTools, 'host' | 'pgbackrest'>;
/** A provider keeps the database if there is no pgBackRest. */
export type BackupTools = StoreTools & Partial<Pick<RecoveryTools, 'host' | 'pgbackrest'>>;

/** Returns null if BACKUP_PASSPHRASE is not set. */
export function openStoreTools(settings: Configuration): StoreTools | null {
  const { BACKUP_PASSPHRASE: passphrase, FILES_URL } = settings;
  if (!passphrase) return null;
  const backups = openSignedStore(settings);
  return {
    settings,
    backups,
    files: openObjectStore(FILES_URL, FILE_STORE),
    signer: backups.signer,
    encryption: createEncryption(passphrase),
  };
}

export type Recovery = { tools: RecoveryTools } | { tools: null; missing: string };

export const NO_PASSPHRASE = 'BACKUP_PASSPHRASE is not set: backups are always encrypted';

/** @returns what is missing, in one sentence with the remedy, where this host can't do it */
export async function findRecoveryTools(settings: Configuration): Promise<Recovery> {
  const { POSTGRES_HOME: home, BACKUP_PASSPHRASE: passphrase, BACKUP_URL: url } = settings;
  if (!home) return { tools: null, missing: "POSTGRES_HOME is not set: this host doesn't hold the database's cluster" };
  const tools = openStoreTools(settings);
  if (!tools || !passphrase) return { tools: null, missing: NO_PASSPHRASE };
  const program = await findPgBackRest();
  if (!program) return { tools: null, missing: `pgBackRest is not installed: ${HOW_TO_GET_IT}` };
  const host = await findClusterHost(home, settings.DATABASE_URL);
  const pgbackrest = createPgBackRest(program, host, repositoryOptions(url, passphrase));
  pgbackrest.configure();
  return { tools: { ...tools, host, pgbackrest } };
}
