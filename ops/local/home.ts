// The folder `.countersign/`, which holds everything of this installation.
import { accessSync, chmodSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface Home {
  folder: string;
  files: string;
  backups: string;
  mail: string;
  logs: string;
  /** The data of one server. */
  server(name: string): string;
  log(name: string): string;
  file(name: string): string;
}

export function openHome(root: string): Home {
  const folder = join(root, '.countersign');
  const within = (name: string) => join(folder, name);
  const home: Home = {
    folder,
    files: within('files'),
    backups: within('backups'),
    mail: within('mail'),
    logs: within('logs'),
    server: within,
    log: (name) => join(folder, 'logs', `${name}.log`),
    file: within,
  };
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK | constants.X_OK);
  // PostgreSQL, which never runs as root, passes through; nobody else reads anything.
  const passed = process.getuid?.() === 0 ? 0o711 : 0o700;
  chmodSync(folder, passed);
  for (const part of [home.files, home.backups, home.mail, home.logs]) {
    mkdirSync(part, { recursive: true });
    // pgBackRest, which runs as PostgreSQL's user, keeps its repository among the backups.
    chmodSync(part, part === home.backups ? passed : 0o700);
  }
  return home;
}
