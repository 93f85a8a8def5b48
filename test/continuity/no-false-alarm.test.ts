// A database that is where it was is never taken for one that went back, whatever happens while it is looked at.
import { createSigner } from '../../activities/audit-trail/signatures';
import { lookBack } from '../../activities/continuity/look-back';
import { openLedger } from '../../activities/erasure-ledger/ledger';
import { openBackups } from '../support/backups';
import { SETTINGS } from '../support/commands';
import { isLongRun } from '../support/servers';
import { TestService } from '../support/service';
import { untilAtHome } from './adopting';

const LOOKS = isLongRun ? 1_000 : 60;
const EACH_ERASES = 40;

let service: TestService;
beforeAll(async () => {
  service = await TestService.create();
  service.mail.behave({ delay: 5 });
  service.runWorker();
  const first = await service.submitDue('first@example.org');
  await service.draftIn('sent', first.id);
  await untilAtHome(service.database.db);
});
afterAll(() => service.close());

it(`${LOOKS} looks find nothing while mails are claimed and sent, people erased, and the trail anchored`, async () => {
  const { db } = service.database;
  const { SECRET_KEY } = SETTINGS;
  const { BACKUP_URL = '' } = service.environment;
  const sources = {
    db,
    backups: openBackups(BACKUP_URL),
    temporal: service.temporal.client,
    verifier: createSigner(SECRET_KEY),
    ledger: openLedger({ BACKUP_URL, SECRET_KEY }),
  };
  const found: unknown[] = [];
  const before = await db.lane.findUniqueOrThrow({ where: { name: 'email' } });
  for (let look = 0; look < LOOKS; look++) {
    const email = `reader-${look}@example.org`;
    await service.submitDue(email);
    if (look % EACH_ERASES === 0) {
      await service.test.commands.requestErasure(service.test.admin, { email, grace: 'PT0S' });
    }
    await db.auditProgress.updateMany({ data: { anchoredAt: new Date(0) } });
    const { code } = await lookBack(sources);
    if (code !== null) found.push([look, code]);
  }
  expect(found).toEqual([]);
  const after = await db.lane.findUniqueOrThrow({ where: { name: 'email' } });
  expect(after.claims).toBeGreaterThan(before.claims);
  expect(await db.instance.findUniqueOrThrow({ where: { id: 1 } })).toMatchObject({ heldCode: null });
}, 600_000);
