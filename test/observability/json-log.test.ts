// The log of a process is JSON lines, whatever its libraries print.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { testEnvironment } from '../support/environment';
import { ServiceProcess } from '../support/processes';
import { until } from '../support/until';

const DIST = join(PACKAGE_ROOT, 'dist');
const S3_AWAY = {
  AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9',
  AWS_ACCESS_KEY_ID: 'key',
  AWS_SECRET_ACCESS_KEY: 'secret',
};

it('the API and the worker log nothing but JSON lines while their stores are away in S3', async () => {
  const environment = await testEnvironment({
    DATABASE_URL: 'postgresql://nobody@127.0.0.1:9/nothing',
    SMTP_URL: 'smtp://127.0.0.1:9',
    TEMPORAL_NAMESPACE: 'default',
    BACKUP_URL: 's3://backup/test',
    FILES_URL: 's3://files/test',
    BACKUP_PASSPHRASE: 'a passphrase that nobody guesses',
    ...S3_AWAY,
  });
  const processes = ['api', 'worker'].map((name) => ServiceProcess.start(name, `${name}/main.js`, environment));
  const settings = await until('the API answers', () =>
    fetch(`http://127.0.0.1:${environment.PORT}/health`).catch(() => false as const),
  );
  expect(settings.status).toBe(200);
  const admin = { 'X-Admin-Token': environment.ADMIN_PASSWORD as string };
  // Lists what lies in S3.
  await fetch(`http://127.0.0.1:${environment.PORT}/api/ops/backups`, { headers: admin });
  await until('the worker logs', () => processes[1]?.log.includes('could not be'));
  for (const process of processes) {
    await process.stop();
    const lines = process.log.split('\n').filter(Boolean);
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect(JSON.parse(line)).toMatchObject({ process: process.name });
  }
});

it('a warning of Node.js is a log line without its message', async () => {
  const program = `
    const logger = require(${JSON.stringify(join(DIST, 'ops/runtime/logging'))}).createLogger('test');
    require(${JSON.stringify(join(DIST, 'ops/runtime/warnings'))}).logWarnings(logger);
    process.emitWarning('about ada@customer.example', { type: 'DeprecationWarning', code: 'DEP0001' });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors] = [child.stdout, child.stderr].map(textOf);
  await once(child, 'close');
  expect(JSON.parse((await out) as string)).toMatchObject({
    level: 40,
    warning: { type: 'DeprecationWarning', code: 'DEP0001' },
  });
  expect(await out).not.toContain('ada@');
  expect(await errors).toBe('');
});

it('a command prints one JSON document on standard output and no advice of a library', async () => {
  const command = join(DIST, 'ops/recovery/backup.js');
  const env = { PATH: process.env.PATH, BACKUP_URL: 's3://backup/test', ...S3_AWAY, SECRET_KEY: KEY };
  const child = spawn(process.execPath, [command, '--list', '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, errors] = [child.stdout, child.stderr].map(textOf);
  await once(child, 'close');
  expect(JSON.parse((await out) as string)).toMatchObject({ status: 'failed', problem: { code: 'store_away' } });
  expect((await errors)?.trim().split('\n')).toHaveLength(1);
});

const KEY = Buffer.alloc(32, 7).toString('base64');

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}
