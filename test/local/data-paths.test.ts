import { join } from 'node:path';
import { dataPaths } from '../../ops/local/data-paths';
import { openHome } from '../../ops/local/home';
import { readConfiguration } from '../../ops/runtime/configuration';
import { ownFolder } from './folder';

const root = join(ownFolder(), 'a, folder');
const NEEDED = {
  DATABASE_URL: 'postgresql://localhost/countersign',
  SMTP_URL: 'smtp://localhost',
  MAIL_FROM: 'outbox@example.com',
  FILES_URL: 'file:///files',
  BACKUP_URL: 'file:///backup',
  ADMIN_PASSWORD: 'sixteen letters!',
  SECRET_KEY: Buffer.alloc(32, 1).toString('base64'),
};

test.each([
  [{ temporal: true, redis: true, mailbox: true }, ['logs', 'temporal', 'redis', 'mail']],
  [{ temporal: false, redis: true, mailbox: false }, ['logs', 'redis']],
  [{ temporal: true, redis: false, mailbox: false }, ['logs', 'temporal']],
])('the scan reads the files of what runs here, and no others: %j', (here, folders) => {
  const home = openHome(root);
  const { SCAN_PATHS, MAILBOX_PATH } = readConfiguration({ ...NEEDED, ...dataPaths(home, here) });
  expect(SCAN_PATHS).toEqual(folders.map((name) => join(home.folder, name)));
  expect(MAILBOX_PATH).toBe(here.mailbox ? home.mail : undefined);
});
