import { databaseUrl, onServer } from '../../support/database';
import { HttpClient } from '../http-client';
import { Program } from '../program';
import type { Servers } from '../servers';
import { type App, draftTo } from './app';

export async function startPlain(servers: Servers): Promise<App> {
  await onServer(servers.postgres.url, 'CREATE DATABASE plain');
  const { program, port } = await Program.startOwn('plain', 'references/plain.ts', servers.folder, {
    DATABASE_URL: databaseUrl(servers.postgres.url, 'plain'),
    SMTP_URL: servers.smtp,
    MAIL_FROM: 'bench@example.test',
  });
  const http = new HttpClient([`http://127.0.0.1:${port}`]);
  return {
    name: 'plain',
    title: 'plain',
    async create(recipient) {
      const { id } = await http.post<{ id: string }>('/drafts', draftTo(recipient));
      return id;
    },
    approve: (id) => http.send('POST', `/drafts/${id}/approve`, {}),
    processes: [
      { name: 'plain', pid: () => program.pid },
      { name: 'postgres', pid: () => servers.postgres.pid },
    ],
    eventsOf: async () => 0,
    sharedEvents: async () => 0,
  };
}
