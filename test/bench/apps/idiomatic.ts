import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode } from '@temporalio/worker';
import { eventsOfWorkflows } from '../histories';
import { HttpClient } from '../http-client';
import { Program } from '../program';
import type { Servers } from '../servers';
import { type App, draftTo } from './app';

export async function startIdiomatic(servers: Servers): Promise<App> {
  const bundle = join(servers.folder, 'idiomatic-bundle.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath: require.resolve('../references/idiomatic-workflow'),
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn() {}, error: console.error },
  });
  writeFileSync(bundle, code);
  const env = {
    TEMPORAL_ADDRESS: servers.temporalAddress,
    SMTP_URL: servers.smtp,
    MAIL_FROM: 'bench@example.test',
    WORKFLOW_BUNDLE: bundle,
  };
  const worker = await Program.startOwn('idiomatic-worker', 'references/idiomatic-worker.ts', servers.folder, env);
  const api = await Program.startOwn('idiomatic-api', 'references/idiomatic-api.ts', servers.folder, env);
  const http = new HttpClient([`http://127.0.0.1:${api.port}`]);
  const client = new Client({ connection: Connection.lazy({ address: servers.temporalAddress }) });
  return {
    name: 'idiomatic',
    title: 'idiomatic',
    async create(recipient) {
      const { id } = await http.post<{ id: string }>('/drafts', draftTo(recipient));
      return id;
    },
    approve: (id) => http.send('POST', `/drafts/${id}/approve`, {}),
    processes: [
      { name: 'idiomatic api', pid: () => api.program.pid },
      { name: 'idiomatic worker', pid: () => worker.program.pid },
      { name: 'temporal', pid: () => servers.temporal.pid },
    ],
    eventsOf: (ids) =>
      eventsOfWorkflows(
        client,
        ids.map((id) => `idiomatic-${id}`),
      ),
    sharedEvents: async () => 0,
  };
}
