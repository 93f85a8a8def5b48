// What is recorded of deployments and rollbacks, all on one installation.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { deploymentWorkflowId } from '../../workflows/contracts/deployment';
import { rollbackWorkflowId } from '../../workflows/contracts/rollback';
import type { ReleaseInstallation } from '../releases/release-installation';
import type { Recorded } from './scenarios';

export const NEXT = '99.0.0';

/** An installation, and the folder of the release `99.0.0`, which has a migration more. */
export interface Releases {
  installation: ReleaseInstallation;
  sources: string;
}

type ReleaseScenario = (releases: Releases) => Promise<Recorded>;

async function deploy({ installation, sources }: Releases): Promise<Recorded> {
  const { id } = await installation.done('deploy', NEXT, '--from', sources);
  return { workflowId: deploymentWorkflowId(id) };
}

export const RELEASE_SCENARIOS: Record<string, ReleaseScenario> = {
  'deployment-done': deploy,
  async 'rollback-undone'({ installation }) {
    const first = join(installation.folder, '.countersign', 'releases', installation.first);
    const program = join(first, 'dist', 'api', 'main.js');
    renameSync(program, `${program}.away`);
    const { stdout } = await installation.command('rollback', '--yes', '--json');
    renameSync(`${program}.away`, program);
    return { workflowId: rollbackWorkflowId(JSON.parse(stdout).id) };
  },
  async 'rollback-done'({ installation }) {
    const { id } = await installation.done('rollback', '--yes');
    return { workflowId: rollbackWorkflowId(id) };
  },
};
