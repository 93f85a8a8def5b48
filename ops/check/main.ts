// `npm run check`: tries every dependency with the given settings, before the service is started or when something is wrong.
import { type Command, printDocument, readOptions, runCommand } from '../command';
import { type Configuration, ConfigurationError, readConfiguration } from '../runtime/configuration';
import { checkCertificates } from './certificates';
import { checkBackupRights, checkDatabase } from './database';
import { attempt, type Finding, failed, ok } from './finding';
import { checkHost } from './host';
import { describeFindings } from './report';
import { checkMail, checkRedis } from './services';
import { checkStore } from './stores';
import { checkTemporal } from './temporal';

const EXIT = { well: 0, failed: 1 } as const;

const HELP = `npm run check: tries every dependency with the settings of this environment and of .env.

  npm run check
  npm run --silent check -- --json   (npm prints a line of its own otherwise)

  --json   prints one JSON document: {"status", "findings": [{"check", "status", "found", "remedy"}]}
  --help   this text

Run it as the user of the service, on each host that has a part of it: with POSTGRES_HOME it also tries what backups and
restores need there. It sends no mail. In each store it writes one small thing of its own, and removes it.
Exit codes: 0 nothing failed, 1 something did, 2 wrong usage.`;

export async function findAll(settings: Configuration): Promise<Finding[]> {
  const { DATABASE_URL, REDIS_URL, SMTP_URL, MAIL_FROM, FILES_URL, BACKUP_URL, POSTGRES_HOME } = settings;
  const groups = await Promise.all([
    attempt('PostgreSQL', 'check DATABASE_URL', () => checkDatabase(DATABASE_URL)),
    POSTGRES_HOME
      ? attempt('PostgreSQL: rights for backups', 'let the role connect to the database postgres', () =>
          checkBackupRights(DATABASE_URL),
        )
      : [],
    attempt('Temporal: connection', 'check TEMPORAL_ADDRESS, TLS and API key, and start Temporal', checkTemporal),
    REDIS_URL
      ? attempt('Redis', 'check REDIS_URL; without it each process counts for itself', () => checkRedis(REDIS_URL))
      : [],
    attempt('Mail: login', 'check SMTP_URL', () => checkMail(SMTP_URL, MAIL_FROM)),
    attempt('FILES_URL', 'check FILES_URL and AWS_*', () => checkStore('FILES_URL', FILES_URL)),
    attempt('BACKUP_URL', 'check BACKUP_URL and AWS_*', () => checkStore('BACKUP_URL', BACKUP_URL)),
    attempt('Backups from this host', 'see docs/backup.md', () => checkHost(settings)),
    attempt('Certificates', 'check the addresses', () => checkCertificates(settings)),
  ]);
  return [ok('Settings', 'complete'), ...groups.flat()];
}

export const checkCommand: Command = {
  help: HELP,
  usage: `\n${HELP}`,
  failed: EXIT.failed,
  async run(args) {
    const { values } = readOptions({ args, options: { json: { type: 'boolean', default: false } } });
    const findings = await findWithSettings();
    const isWell = findings.every(({ status }) => status !== 'failed');
    if (values.json) printDocument({ status: isWell ? 'ok' : 'failed', findings });
    else console.log(describeFindings(findings));
    return isWell ? EXIT.well : EXIT.failed;
  },
};

/** Each fault of the settings is a line; nothing else can be tried with them. */
async function findWithSettings(): Promise<Finding[]> {
  let settings: Configuration;
  try {
    settings = readConfiguration();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const faults = error.message.split('\n').filter((line) => line.startsWith('  '));
    return faults.map((line) => failed('Settings', line.trim(), 'correct it in .env (docs/configuration.md)'));
  }
  return findAll(settings);
}

if (require.main === module) runCommand(checkCommand);
