// What `pgbackrest verify` found. It ends with 0 whatever it finds, so its words count; words we don't know are a failure.
import type { PgBackRest } from './pgbackrest';

export interface Verification {
  ok: boolean;
  /** Each as the tool says it, with paths of the repository and counts. */
  faults: string[];
  /** Labels of the backups that are valid. */
  valid: string[];
  walChecked: number;
  /** What its log says of single files, by their path in the repository. */
  named: string[];
}

const STATUS = /^status: (\w+)$/;
const BACKUP = /^backup: (\S+), status: ([^,]+)(?:,|$)/;
const WAL = /^archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)$/;
const COUNTS = /^missing: (\d+), checksum invalid: (\d+), size invalid: (\d+), other: (\d+)$/;

export async function verifyRepository(pgbackrest: PgBackRest, signal?: AbortSignal): Promise<Verification> {
  let said = '';
  const hear = (text: string) => {
    said = text;
  };
  const how = ['--output=text', '--verbose', '--log-level-console=off', '--log-level-stderr=info'];
  const text = await pgbackrest.run('verify', how, { signal, hear });
  return { ...readVerification(text), named: readNamed(said) };
}

/** A backup that was expired in a bucket with versions leaves its name behind: `manifest missing` of one that nobody expects. */
export function readVerification(text: string): Omit<Verification, 'named'> {
  const lines = text.split('\n').map((line) => line.trim());
  const status = lines.map((line) => STATUS.exec(line)?.[1]).find((found) => found !== undefined);
  const faults: string[] = status === 'ok' ? [] : [`status: ${status ?? 'none given'}`];
  const valid: string[] = [];
  let walChecked = 0;
  let about = '';
  for (const line of lines) {
    const backup = BACKUP.exec(line);
    const wal = WAL.exec(line);
    const counts = COUNTS.exec(line);
    if (backup) {
      about = `backup ${backup[1]}`;
      if (backup[2] === 'valid') valid.push(backup[1] as string);
      else if (backup[2] !== 'manifest missing') faults.push(line);
    } else if (wal) {
      about = `archive ${wal[1]}`;
      walChecked += Number(wal[2]);
      if (wal[2] !== wal[3]) faults.push(line);
    } else if (counts?.slice(1).some((count) => count !== '0')) {
      faults.push(`${about}: ${line}`);
    }
  }
  return { ok: faults.length === 0, faults, valid, walChecked };
}

/** Only to tell where the fault is: the counts decide whether there is one. */
const readNamed = (said: string): string[] =>
  said.split('\n').flatMap((line) => /^INFO: (?!verify command|stanza:)(.+)$/.exec(line)?.[1] ?? []);

/** Of the log. */
export const damagedSegments = ({ named }: Pick<Verification, 'named'>): string[] =>
  named.flatMap((line) => /([0-9A-F]{24})-[0-9a-f]{40}/.exec(line)?.[1] ?? []);
