// Why a step failed, as a stable code and a sentence: what goes into a history, so no words of a person and no secrets.
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { RepositoryTrouble } from '../../ops/pgbackrest/info';
import { EXIT, PgBackRestError } from '../../ops/pgbackrest/pgbackrest';
import { describeError } from '../../ops/runtime/logging';
import { ObjectStoreError } from '../../ops/runtime/object-store';
import { REFUSED } from '../../workflows/contracts/recovery-progress';
import { WrongPassphrase } from './encryption';
import { ManifestBroken } from './manifest';

interface Trouble {
  code: string;
  message: string;
}

/** Known by whoever throws it; a retry may heal it. */
export class StepTrouble extends Error implements Trouble {
  override name = 'StepTrouble';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Nothing that a retry would heal. */
export const refusal = (code: string, message: string) => ApplicationFailure.nonRetryable(message, code);

/** For good where it has been tried for so long. */
export function toFailure(error: unknown, isFinal: boolean): TemporalFailure {
  if (error instanceof TemporalFailure) return error;
  const { code, message } = describeTrouble(error);
  // Nothing has been written with it.
  if (code === 'wrong_passphrase') return ApplicationFailure.nonRetryable(message, code, REFUSED);
  return ApplicationFailure.create({ type: code, message, nonRetryable: isFinal });
}

const CREDENTIALS =
  /\b40[13]\b|Forbidden|AccessDenied|SignatureDoesNotMatch|ExpiredToken|InvalidAccessKeyId|InvalidToken/;
/** pgBackRest does not say why it could not write. */
const FULL = /ENOSPC|EDQUOT|No space left|quota exceeded|FileWriteError|unable to write/i;
/** pgBackRest names it a fault of cryptography, as a wrong key. */
const CERTIFICATE = /certificate|unable to find hostname|self.signed|TLS error/i;
const KEY = /CryptoError|unable to flush|FormatError. unable to load info file|wrong_passphrase/i;
const DATABASE = /unable to find primary cluster|DbConnectError|\[056\]|unable to connect to 'dbname/;

export function describeTrouble(error: unknown): Trouble {
  if (error instanceof StepTrouble) return error;
  if (error instanceof PgBackRestError) {
    const said = error.said.split('\n', 1)[0]?.slice(0, 300) ?? '';
    return (
      withRemedy(said, error.said, error.exitCode === EXIT.crypto) ?? {
        code: 'pgbackrest_failed',
        message: error.message.split('\n', 1)[0]?.slice(0, 400) ?? '',
      }
    );
  }
  if (error instanceof RepositoryTrouble) {
    return withRemedy(error.message, error.message) ?? { code: 'repository_unusable', message: error.message };
  }
  if (error instanceof ObjectStoreError) {
    return (
      withRemedy(error.message, error.code) ?? {
        code: 'store_away',
        message: `${error.message} (BACKUP_URL or FILES_URL)`,
      }
    );
  }
  if (error instanceof WrongPassphrase) return withRemedy(error.message, '', true) as Trouble;
  if (error instanceof ManifestBroken) return { code: 'manifest_broken', message: error.message };
  const { type, code } = describeError(error);
  const name = String(code ?? type);
  return (
    withRemedy(name, name) ?? { code: 'step_failed', message: `It failed with ${name}; the worker's log says where` }
  );
}

function withRemedy(said: string, from: string, isKey = false): Trouble | null {
  if (CERTIFICATE.test(from)) {
    return {
      code: 'store_untrusted',
      message: `The object store's certificate is not trusted; see AWS_CA_BUNDLE (${said})`,
    };
  }
  if (isKey || KEY.test(from)) {
    return {
      code: 'wrong_passphrase',
      message: `BACKUP_PASSPHRASE is not the one that the backups were made with, or they are damaged (${said})`,
    };
  }
  if (CREDENTIALS.test(from)) {
    return {
      code: 'credentials_refused',
      message: `The object store refuses the credentials, which may have expired: renew AWS_* and start the worker again (${said})`,
    };
  }
  if (FULL.test(from)) return { code: 'disk_full', message: `It can't be written; is there space left? (${said})` };
  if (DATABASE.test(from)) return { code: 'database_away', message: `The database can't be reached: ${said}` };
  return null;
}
