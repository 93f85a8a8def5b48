// `npm run audit:verify` and `npm run audit:export`, as an operator or an auditor runs them.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { pruneEvents } from '../../activities/audit-trail/prune';
import { exportCommand } from '../../ops/audit/export';
import { verifyCommand } from '../../ops/audit/verify';
import { newFolder } from '../support/environment';
import { type CommandRun, runHere } from '../support/run-command';
import { SECRET_KEY, SealedTrail } from './sealed-trail';

let trail: SealedTrail;
let folder: string;
beforeAll(async () => {
  trail = await SealedTrail.create();
  await trail.record(4);
  await trail.seal();
  await trail.anchor();
  await trail.record(3);
  await trail.seal();
  await trail.anchor();
  folder = newFolder('export');
});
afterAll(() => trail.database.drop());

const settings = () => ({
  DATABASE_URL: trail.database.url,
  BACKUP_URL: pathToFileURL(trail.folder).href,
  SECRET_KEY: SECRET_KEY.map((key) => key.toString('base64')).join(','),
});
const publicKey = () => trail.signer.publicKeys[0] as string;
const anchors = () => join(trail.folder, 'audit', 'anchors');

const COMMANDS = { verify: verifyCommand, export: exportCommand };
const run = (tool: keyof typeof COMMANDS, args: string[], env: Record<string, string> = settings()) =>
  runHere(COMMANDS[tool], args, env);

/** As a process of its own. */
function start(tool: keyof typeof COMMANDS, args: string[], env = settings()): Promise<CommandRun> {
  const script = join(__dirname, '..', '..', 'dist', 'ops', 'audit', `${tool}.js`);
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...args], { env, cwd: folder }, (error, output, errors) =>
      resolve({ code: error ? Number(error.code) : 0, output, errors }),
    );
  });
}

async function exported(name: string): Promise<string> {
  const file = join(folder, name);
  expect(await run('export', ['--out', file])).toMatchObject({ code: 0, output: expect.stringContaining(' events ') });
  return file;
}

describe('audit:verify', () => {
  it('says that the trail is whole, and ends with 0', async () => {
    const { code, output } = await start('verify', []);
    expect([code, output.split('\n')[0]]).toEqual([0, 'The audit trail is whole: 7 events, held to 2 anchors.']);
    const { output: json } = await run('verify', ['--json']);
    expect(JSON.parse(json)).toEqual(await trail.verify());
  });

  it.each([[['--nonsense']], [['--anchors', '.']], [['--file', 'nothing.jsonl']], [['--public-key', 'short']]])(
    'ends with 2 and its help where it is called with %j',
    async (args) => {
      const { code, output, errors } = await run('verify', args);
      expect([code, output]).toEqual([2, '']);
      expect(errors).toContain('Exit codes: 0 whole, 1 broken, 2 wrong usage, 3 could not be checked.');
    },
  );

  it('shows its help, with examples', async () => {
    expect(await run('verify', ['--help'])).toMatchObject({ code: 0, output: expect.stringContaining('--file audit') });
  });

  it('ends with 3 where the database, the store or a setting is missing, and tells no password', async () => {
    const database = 'postgresql://someone:secret@127.0.0.1:9/nothing';
    const away = await start('verify', [], { ...settings(), DATABASE_URL: database });
    expect([away.code, away.output]).toEqual([3, '']);
    expect(away.errors).toBe(
      'Could not check: DATABASE_URL names a server that refuses the connection: check host and port, and whether PostgreSQL runs.\n',
    );
    const loop = join(folder, 'loop');
    symlinkSync(loop, loop);
    const noStore = await run('verify', [], { ...settings(), BACKUP_URL: pathToFileURL(loop).href });
    expect(noStore).toMatchObject({ code: 3, errors: 'Could not check: The anchors cannot be read: ELOOP\n' });
    const { BACKUP_URL: _, ...others } = settings();
    expect(await run('verify', [], others)).toMatchObject({
      code: 3,
      errors: expect.stringContaining('BACKUP_URL is'),
    });
  });

  it('ends with 3 where the anchors that were written are not there', async () => {
    const { code, output } = await run('verify', [], { ...settings(), BACKUP_URL: pathToFileURL(folder).href });
    expect([code, output.split('\n')[0]]).toEqual([
      3,
      'Could not check: anchors that were written are not in the store.',
    ]);
  });
});

describe('an export', () => {
  it('verifies offline, with nothing but the public key and a copy of the anchors', async () => {
    const file = await exported('whole.jsonl');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { code, output } = await run(
      'verify',
      ['--file', file, '--anchors', anchors(), '--public-key', publicKey()],
      {},
    );
    expect([code, output.split('\n')[0]]).toEqual([0, 'The audit trail is whole: 7 events, held to 2 anchors.']);
    const alone = await run('verify', ['--file', file], {});
    expect(alone).toMatchObject({ code: 0, output: expect.stringContaining('No anchor was met') });
    expect((await run('verify', ['--show-public-key'])).output.trim()).toBe(publicKey());
  });

  it.each([
    [
      'an edit',
      3,
      (lines: string[]) => lines.map((line, i) => (i === 3 ? line.replace('draft.submitted', 'x') : line)),
    ],
    ['a line that is missing', 3, (lines: string[]) => lines.toSpliced(3, 1)],
    [
      'lines that changed places',
      3,
      (lines: string[]) => lines.toSpliced(3, 2, lines[4] as string, lines[3] as string),
    ],
    ['a tail that is cut', 6, (lines: string[]) => lines.slice(0, 6)],
    ['a tail that is cut before its end', 7, (lines: string[]) => lines.toSpliced(7, 1)],
  ])('shows %s, and ends with 1', async (title, position, change) => {
    const file = await exported(`${title}.jsonl`);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    writeFileSync(file, `${change(lines).join('\n')}\n`);
    const { code, output } = await run('verify', ['--file', file, '--json'], {});
    expect([code, JSON.parse(output)]).toEqual([1, expect.objectContaining({ ok: false, firstBroken: position })]);
  });

  it('that was made anew is known by its anchors', async () => {
    const other = await SealedTrail.create();
    await other.record(9);
    await other.seal();
    const file = join(folder, 'other.jsonl');
    await run('export', ['--out', file], { ...settings(), DATABASE_URL: other.database.url });
    await other.database.drop();
    const args = ['--file', file, '--anchors', anchors(), '--public-key', publicKey(), '--json'];
    const { code, output } = await run('verify', args, {});
    expect([code, JSON.parse(output)]).toEqual([
      1,
      expect.objectContaining({ firstBroken: 4, reason: 'anchor_differs' }),
    ]);
  });

  it('that is none of ours cannot be checked', async () => {
    const file = join(folder, 'none.jsonl');
    writeFileSync(file, '{}\n');
    expect(await run('verify', ['--file', file], {})).toMatchObject({ code: 3 });
  });

  it('touches no file that is there, and needs a name', async () => {
    const file = join(folder, 'there.jsonl');
    const made = await start('export', ['--out', file]);
    expect(made).toMatchObject({ code: 0, output: expect.stringContaining(' events ') });
    expect(await run('export', ['--out', file])).toMatchObject({ code: 3, output: '' });
    expect(await start('export', [])).toMatchObject({ code: 2, output: '' });
  });

  it('begins with the checkpoint where events were pruned, and then needs a key', async () => {
    const later = await exported('older.jsonl');
    await pruneEvents({ db: trail.db, signer: trail.signer }, new Date(Date.now() + 60_000), 3);
    const file = await exported('pruned.jsonl');
    const args = ['--file', file, '--anchors', anchors(), '--public-key', publicKey()];
    const { code, output } = await run('verify', args, {});
    expect([code, output.split('\n')[0]]).toEqual([0, 'The audit trail is whole: 4 events, held to 2 anchors.']);
    expect(await run('verify', ['--file', file], {})).toMatchObject({ code: 3 });
    const stranger = ['--file', file, '--public-key', Buffer.alloc(32, 1).toString('base64')];
    expect(await run('verify', stranger, {})).toMatchObject({
      code: 3,
      output: expect.stringContaining('not known here'),
    });
    // What was exported before the prune still verifies.
    expect(await run('verify', ['--file', later], {})).toMatchObject({ code: 0 });
    expect(readdirSync(folder)).toContain('older.jsonl');
  });
});

it('ends with 1 where the trail is broken, and names the position', async () => {
  await trail.tamper(
    `UPDATE audit_events SET type = 'x' WHERE id = (SELECT event_id FROM audit_seals WHERE position = 6)`,
  );
  const { code, output } = await run('verify', []);
  expect([code, output.split('\n')[0]]).toEqual([1, 'The audit trail is BROKEN at position 6: hash_differs.']);
});
