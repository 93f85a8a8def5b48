// `ops/restore.sh --adopt`, as an operator calls it, and what tells them to.
import { restoreCommand } from '../../ops/recovery/restore';
import { TestApi } from '../api/test-api';
import type { TestDatabase } from '../support/database';
import { type CommandRun, runHere } from '../support/run-command';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { copyInPlace, untilHeld } from './adopting';

let service: TestService;
let old: TestDatabase;
let api: TestApi | null = null;

beforeAll(async () => {
  service = await TestService.create();
  service.runWorker();
  const first = await service.submitDue('first@example.org');
  await service.draftIn('sent', first.id);
  old = await copyInPlace(service.database);
  const lost = await service.submitDue('lost@example.org');
  await service.draftIn('sent', lost.id);
  await service.endWorkers();
});
afterAll(async () => {
  await service.endWorkers();
  await api?.close();
  await old.drop();
  await service.close();
});

const call = (...args: string[]): Promise<CommandRun> => {
  const { TEMPORAL_ADDRESS = '', TEMPORAL_NAMESPACE = '', BACKUP_URL = '', SECRET_KEY = '' } = service.environment;
  const env = { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, BACKUP_URL, SECRET_KEY, DATABASE_URL: old.url };
  return runHere(restoreCommand, args, env);
};

it('says what is missing while no worker of the database runs', async () => {
  expect(await call('--adopt', '--yes')).toMatchObject({ code: 1, errors: expect.stringContaining('No worker') });
});

it('refuses wrong usage before it asks anybody', async () => {
  expect((await call('--adopt', '--moved', '--clone')).code).toBe(2);
  expect((await call('--clone')).errors).toContain('--clone belongs to --adopt.');
  expect((await call('--adopt', '--from-s3', 'latest')).errors).toContain('--from-s3 does not go with --adopt.');
});

it('is named by /ready, by the lane in the Web UI and by the log, and then lets mail out', async () => {
  service.runWorker({ DATABASE_URL: old.url });
  expect(await untilHeld(old.db)).toBe('behind_journal');
  const { TEMPORAL_ADDRESS: address = '', TEMPORAL_NAMESPACE: namespace = '' } = service.environment;
  api = await TestApi.create({
    database: old,
    backups: service.environment.BACKUP_URL as string,
    temporal: { address, namespace },
  });
  const { body, status } = await api.anyone.get('/ready');
  expect([status, body.checks.mail]).toEqual([
    200,
    expect.stringMatching(/^held since .*the send journal knows of mails .*; next: ops\/restore\.sh --adopt, or/),
  ]);

  const refused = await call('--adopt', '--moved', '--yes');
  expect(refused).toMatchObject({ code: 3, errors: expect.stringContaining('(rewound): Time was rewound') });
  const adopted = await call('--adopt', '--yes', '--json');
  expect(adopted.code).toBe(0);
  expect(JSON.parse(adopted.output)).toMatchObject({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    status: 'done',
    result: { plan: { as: 'rewound', code: 'behind_journal' }, generation: 2 },
  });
  const { id } = JSON.parse(adopted.output);
  expect(await call('--lost', id)).toMatchObject({ code: 0, output: expect.stringContaining('may have been sent') });
  await until('mail is let out', async () => (await old.db.lane.count({ where: { held: true } })) === 0);
  expect(await call('--adopt', '--yes')).toMatchObject({ code: 3, errors: expect.stringContaining('not_held') });
});
