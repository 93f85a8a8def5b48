// `npm run audit:export`: the sealed trail as a file that verifies without the database.
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { exportTrail } from '../../activities/audit-trail/export';
import { createDatabase } from '../../prisma/client';
import { type Command, readOptions, runCommand, WrongUsage } from '../command';
import { createProgress, EXIT, unlessUnchecked } from './command';
import { ONE_CONNECTION, requireDatabase } from './connection';
import { readAuditSettings } from './settings';

const HELP = `npm run audit:export: writes the sealed audit trail as JSON lines.

  npm run audit:export -- --out audit.jsonl
  npm run audit:verify -- --file audit.jsonl

  --out FILE   a new file; one that is there is not touched
  --help       this text

Reads DATABASE_URL, or finds what \`npm start\` runs in this folder.
Exit codes: 0 written, 2 wrong usage, 3 could not be written.`;

export const exportCommand: Command = {
  help: HELP,
  usage: `\n${HELP}`,
  failed: EXIT.unchecked,
  async run(args) {
    const { out } = readOptions({ args, options: { out: { type: 'string' } } }).values;
    if (!out) throw new WrongUsage('--out FILE is required.');
    const events = await unlessUnchecked(writeExport(out));
    console.log(`${events} events written to ${out}`);
    return EXIT.done;
  },
};

/** @returns how many events */
async function writeExport(out: string): Promise<number> {
  const settings = readAuditSettings();
  await requireDatabase(settings.DATABASE_URL);
  const { db, close } = createDatabase({ ...settings, ...ONE_CONNECTION });
  const progress = createProgress('written');
  try {
    const file = createWriteStream(out, { flags: 'wx', mode: 0o600, flush: true });
    await once(file, 'open');
    let lines = 0;
    const events = await exportTrail(db, async (line) => {
      if (!file.write(line)) await once(file, 'drain');
      progress(++lines);
    });
    file.end();
    await finished(file);
    return events;
  } finally {
    await close();
  }
}

if (require.main === module) runCommand(exportCommand);
