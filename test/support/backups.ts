// The store below BACKUP_URL as the services of the tests open it.
import { openSignedStore, type SignedStore } from '../../ops/runtime/signed-store';
import { SETTINGS } from './commands';

export const openBackups = (url = ''): SignedStore =>
  openSignedStore({ BACKUP_URL: url, SECRET_KEY: SETTINGS.SECRET_KEY });
