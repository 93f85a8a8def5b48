// `ops/deploy.sh`: makes the folder of a release, registers it, and rolls it out.
import type { Client } from '@temporalio/client';
import { type DeploymentResult, deploymentWorkflowId } from '../../workflows/contracts/deployment';
import { type Command, CommandFailed, printDocument, readOptions, readUuid, runCommand, WrongUsage } from '../command';
import { EXIT } from '../recovery/exit';
import { documentOf, exitCodeOf, follow } from '../recovery/follow';
import { createProgressView } from '../recovery/progress-view';
import { connect } from '../recovery/running';
import { type Run, readRun } from '../recovery/runs';
import { prepareRelease } from './process/prepare';
import { readVersion } from './read-version';
import { withHost } from './running';
import { giveUp, startDeployment } from './runs';
import { describeDeploymentEnd } from './words';

const HELP = `ops/deploy.sh: rolls out a release beside the one that serves, tries it, and switches to it.

  ops/deploy.sh v1.3.0                    the tag of this clone: unpacked, built, rolled out
  ops/deploy.sh 1.3.0 --from ../checkout  the release in a folder, built or not

  --from FOLDER   the release's sources; without it the tag v1.3.0 of this clone
  --no-way-back   goes on if the release that serves can't be kept for a rollback
  --follow ID     goes on following one that is under way
  --abort ID      gives it up, and undoes what it has done

  --json          prints one JSON document on standard output
  --help          this text

It migrates the database, starts the workers beside, tries the API beside, makes the release current, switches the API,
watches its health, and drains the release before. If a step fails, every step before it is undone.
Exit codes: 0 done, 1 failed or given up, 2 wrong usage, 3 refused, with nothing touched; 130 interrupted, the deployment goes on.`;

const OPTIONS = {
  from: { type: 'string' },
  'no-way-back': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  follow: { type: 'string' },
  abort: { type: 'string' },
} as const;

interface Options {
  json: boolean;
}

export const deployCommand: Command = {
  help: HELP,
  usage: 'For example: ops/deploy.sh v1.3.0 (all of it: ops/deploy.sh --help)',
  failed: EXIT.failed,
  async run(args) {
    const { values, positionals } = readOptions({ args, options: OPTIONS, allowPositionals: true });
    const [given, ...more] = positionals;
    const modes = (['follow', 'abort'] as const).filter((name) => values[name] !== undefined);
    if (modes.length > 1) throw new WrongUsage('--follow and --abort are one or the other.');
    if (modes[0] && (given !== undefined || values.from !== undefined)) {
      throw new WrongUsage(`--${modes[0]} takes the id of a deployment alone.`);
    }
    if (values.follow !== undefined) return followDeployment(readId(values.follow), values, await connect());
    if (values.abort !== undefined) return abort(readId(values.abort), values);
    if (given === undefined || more.length > 0) throw new WrongUsage('Name one version, such as v1.3.0.');
    const version = readVersion(given);
    return withHost(async (temporal) => {
      // In a cluster a release is an image, which somebody has pushed.
      if (process.env.RELEASES_DRIVER !== 'kubernetes') {
        await prepareRelease({ version, from: values.from, noWayBack: values['no-way-back'] });
      } else if (values.from !== undefined) {
        throw new WrongUsage(
          '--from does not go with RELEASES_DRIVER=kubernetes: push the image, and name its version.',
        );
      }
      return followDeployment(await startDeployment(temporal, version), values, temporal);
    });
  },
};

async function followDeployment(deploymentId: string, options: Options, temporal: Client): Promise<number> {
  const view = createProgressView();
  view.say(`Deployment ${deploymentId}`);
  const run = (await follow({ ...runOf(deploymentId, temporal), view })) as Run<string, DeploymentResult>;
  tell(deploymentId, run, options);
  return exitCodeOf(run);
}

/** Given up is what was asked for here. */
async function abort(deploymentId: string, options: Options): Promise<number> {
  const temporal = await connect();
  await refuseServing(temporal, deploymentId);
  await giveUp(temporal, deploymentWorkflowId(deploymentId)).catch((error) => {
    throw new CommandFailed(
      'not_found',
      `Deployment ${deploymentId} can't be given up: it does not run (${error.name}).`,
    );
  });
  const run = await follow({ ...runOf(deploymentId, temporal), view: createProgressView() });
  tell(deploymentId, run as Run<string, DeploymentResult>, options);
  return run.status === 'aborted' ? EXIT.done : EXIT.failed;
}

/** It drains then, which may take days, and hears no more of giving up. */
async function refuseServing(temporal: Client, deploymentId: string): Promise<void> {
  const run = await readRun<string, DeploymentResult>(temporal, deploymentWorkflowId(deploymentId)).catch(() => null);
  if (!run?.result?.health) return;
  const { serving, plan } = run.result;
  throw new CommandFailed(
    'serves_already',
    `Deployment ${deploymentId} can't be given up: ${serving} serves already. To go back to ${plan.from.version}: ops/rollback.sh`,
  );
}

const runOf = (deploymentId: string, temporal: Client) => ({
  temporal,
  workflowId: deploymentWorkflowId(deploymentId),
  title: `Deployment ${deploymentId}`,
  again: `ops/deploy.sh --follow ${deploymentId}`,
});

function tell(deploymentId: string, run: Run<string, DeploymentResult>, { json }: Options): void {
  if (json) printDocument(documentOf(deploymentId, run));
  else {
    const version = run.result?.plan.to.version ?? deploymentId;
    console[run.status === 'done' ? 'log' : 'error'](describeDeploymentEnd(run, version));
  }
}

const readId = (given: string) => readUuid(given, 'a deployment');

if (require.main === module) runCommand(deployCommand);
