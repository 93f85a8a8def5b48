// PostgreSQL, Redis and Temporal are stopped, killed and started again under a hundred requests a second.
import { setTimeout as delay } from 'node:timers/promises';
import { MAIL_LANE } from '../../workflows/contracts/lane';
import { openTestDatabase } from '../support/database';
import { everyDraftEnds, expectEachMailOnce } from '../support/mail-count';
import { type OwnServer, startOwnPostgres, startOwnRedis, startOwnTemporal } from '../support/own-server';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { until } from '../support/until';
import { SteadyLoad } from './steady-load';

const ROUNDS = isLongRun ? 3 : 1;
const AWAY_MS = isLongRun ? 10_000 : 3_000;
/** Between two troubles, so that each hits a service that works. */
const DRAFTS_BETWEEN = 100;

let service: TestService;
let servers: OwnServer[] = [];
afterEach(async () => {
  await service?.close();
  for (const server of servers) await server.stop();
});

/** @returns what was refused from then until drafts are acknowledged as before */
const goneFor = (load: SteadyLoad, server: OwnServer, take: (server: OwnServer) => Promise<void>) =>
  load.refusedDuring(async () => {
    await take(server);
    await delay(AWAY_MS);
    await server.startAgain();
    await load.reaches(DRAFTS_BETWEEN);
  });

it('answers on without Redis and Temporal, says 503 without PostgreSQL, and sends all once, without a restart', async () => {
  const [own, redis, temporal] = await Promise.all([startOwnPostgres(), startOwnRedis(), startOwnTemporal()]);
  servers = [own.server, redis, temporal];
  service = await TestService.create({
    database: openTestDatabase(own.databaseUrl),
    temporalAddress: temporal.address,
    environment: { REDIS_URL: redis.url },
  });
  const processes = [service.start('api', 'api/main.js'), service.startWorker()];
  const { PORT } = service.environment;
  const load = new SteadyLoad(() => PORT);
  await load.begin();
  await load.reaches(DRAFTS_BETWEEN);

  for (let round = 0; round < ROUNDS; round++) {
    for (const take of [(server: OwnServer) => server.stop(), (server: OwnServer) => server.kill()]) {
      expect(await goneFor(load, redis, take)).toEqual([]);
      expect(await goneFor(load, temporal, take)).toEqual([]);
      expect(await goneFor(load, own.server, take)).toEqual(['503']);
    }
    // The same while the breaker is open: it heals with the mail server, whoever else was killed meanwhile.
    await service.mail.away();
    await until('the breaker is open', () => isFailing());
    await goneFor(load, temporal, (server) => server.kill());
    await goneFor(load, own.server, (server) => server.kill());
    expect(await isFailing()).toBe(true);
    await service.mail.listen();
    await until('the breaker is closed', async () => !(await isFailing()));
  }

  const submitted = await load.end();
  expect(load.acknowledged.size).toBe(submitted);
  const ids = (await service.database.db.draft.findMany({ select: { id: true } })).map(({ id }) => id);
  expect(new Set(ids)).toEqual(load.acknowledged);
  await everyDraftEnds(service);
  await expectEachMailOnce(service);
  expect(processes.map(({ running }) => running)).toEqual([true, true]);
  await until('the API is ready', async () => (await fetch(`http://127.0.0.1:${PORT}/ready`)).ok);

  async function isFailing(): Promise<boolean> {
    const lane = await service.database.db.lane.findUnique({ where: { name: MAIL_LANE } }).catch(() => null);
    return (lane?.failures ?? 0) > 0;
  }
});
