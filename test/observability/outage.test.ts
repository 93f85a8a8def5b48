// The worker's repeated steps while what they need is away.
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { readConfiguration } from '../../ops/runtime/configuration';
import { createOutage } from '../../ops/runtime/outage';
import { openTemporalClient } from '../../ops/runtime/temporal';
import { createErasure } from '../../worker/erasure';
import { carryOutLedger } from '../../worker/ledger';
import { openBackups } from '../support/backups';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { newFolder, testEnvironment } from '../support/environment';
import { until } from '../support/until';

let log: { level: number; msg: string; failures?: number }[] = [];
const destination = new Writable({ write: (line, _encoding, done) => done(void log.push(JSON.parse(String(line)))) });
const logger = pino({ level: 'info' }, destination);

let database: TestDatabase | undefined;
beforeEach(() => {
  log = [];
});
afterAll(() => database?.drop());

it('the erasure ledger logs that it begins to fail and that it is carried out, not each attempt', async () => {
  database = await createTestDatabase();
  const { db, url } = database;
  const temporal = openTemporalClient({ address: '127.0.0.1:9', namespace: 'default' });
  const environment = await testEnvironment({
    DATABASE_URL: url,
    SMTP_URL: 'smtp://127.0.0.1:9',
    TEMPORAL_NAMESPACE: 'x',
  });
  const settings = readConfiguration(environment);
  const store = openBackups(pathToFileURL(newFolder('store')).href);
  const { replay } = createErasure({ db, files: store, backups: store, redis: null, temporal, settings, logger });
  await db.$executeRawUnsafe('ALTER TABLE instance RENAME TO instance_away');
  const carriedOut = carryOutLedger(replay, new AbortController().signal);
  await until('it has failed', () => log.length > 0);
  await delay(4_500);
  expect(log).toMatchObject([{ level: 50, msg: expect.stringContaining('could not be carried out') }]);
  await db.$executeRawUnsafe('ALTER TABLE instance_away RENAME TO instance');
  await carriedOut;
  expect(log.slice(1)).toMatchObject([{ level: 30, msg: 'The erasure ledger is carried out', failures: 2 }]);
  await temporal.connection.close();
});

it('waits twice as long after each failure, up to the longest wait, and begins anew after a success', () => {
  const outage = createOutage({ logger, began: 'away', ended: 'back', firstMs: 2_000, mostMs: 60_000 });
  const waits = Array.from({ length: 7 }, () => outage.failed(new Error('no')) / 1000);
  expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60]);
  outage.worked();
  outage.worked();
  expect(outage.failed(new Error('no'))).toBe(2_000);
  expect(log.map(({ msg }) => msg)).toEqual(['away', 'back', 'away']);
});
