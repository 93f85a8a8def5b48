// `ops/restore.sh`: restores the database and what belongs to it, and what comes after a restore.
import type { Client } from '@temporalio/client';
import { type RestoreResult, type RestoreTarget, restoreWorkflowId } from '../../workflows/contracts/restore';
import { type DrillReport, restoreDrillWorkflowId } from '../../workflows/contracts/restore-drill';
import type { FollowUpResult } from '../../workflows/contracts/restore-follow-up';
import { type Command, CommandFailed, printDocument, readOptions, readUuid, runCommand, WrongUsage } from '../command';
import { ForeignObject, getSigned, type SignedStore } from '../runtime/signed-store';
import { adopt } from './adopt';
import { askYesNo } from './ask';
import { EXIT } from './exit';
import { because, documentOf, exitCodeOf, follow } from './follow';
import { describeFollowUp, describeLost } from './lost-words';
import { createProgressView } from './progress-view';
import { ADOPTIONS, listRecords, RESTORES, readLost } from './records';
import { abortRestore, confirmRestore, reconcileRestore, undoRestore } from './restore-actions';
import { HELP, OPTIONS, type RestoreOptions, readTarget } from './restore-options';
import { describeEnd, describeRestore } from './restore-words';
import { connect, ensureRunning, withRunning } from './running';
import { RestoreRunning, type Run, startDrill, startRestore } from './runs';
import { openBackupStore } from './settings';

const EXAMPLE = 'For example: ops/restore.sh --pitr "2026-01-23 18:00:00" (all of it: ops/restore.sh --help)';

export const restoreCommand: Command = {
  help: HELP,
  usage: EXAMPLE,
  failed: EXIT.failed,
  async run(args) {
    const { values, positionals } = readOptions({ args, options: OPTIONS, allowPositionals: true });
    const [given, ...more] = positionals;
    const afterwards = (['lost', 'reconcile', 'accept-loss', 'undo'] as const).filter((name) => values[name]);
    const modes = [
      ...afterwards,
      ...(values.drill ? ['drill'] : []),
      ...(values.adopt ? ['adopt'] : []),
      ...(values.follow === undefined ? [] : ['follow']),
      ...(values.abort === undefined ? [] : ['abort']),
    ];
    if (modes.length > 1) throw new WrongUsage(`--${modes.join(' and --')} are one command each.`);
    if (more.length > 0 || (given !== undefined && afterwards.length === 0)) {
      throw new WrongUsage(`${more[0] ?? given} belongs to no option.`);
    }
    if (!values.adopt && (values.moved || values.clone)) {
      throw new WrongUsage(`--${values.moved ? 'moved' : 'clone'} belongs to --adopt.`);
    }
    const target = readTarget(values, modes[0]);
    if (values.follow !== undefined) return followRestore(readId(values.follow), values, await connect());
    if (values.abort !== undefined) return abort(readId(values.abort), values);
    if (values.adopt) return adopt(values);
    const [act] = afterwards;
    if (values.drill) return drill(values);
    if (act) {
      const restoreId = given === undefined ? await newestRestore() : readId(given);
      return act === 'lost' ? tellLost(restoreId, values) : actOn(act, restoreId, values);
    }
    return restore(target, values);
  },
};

function restore(target: RestoreTarget, values: RestoreOptions): Promise<number> {
  return withRunning((temporal) => startAndFollow(target, values, temporal));
}

async function startAndFollow(target: RestoreTarget, values: RestoreOptions, temporal: Client): Promise<number> {
  try {
    const restoreId = await startRestore(temporal, {
      target,
      ...(values['dry-run'] ? { dryRun: true } : {}),
      ...(values.yes ? { yes: true } : {}),
    });
    return await followRestore(restoreId, values, temporal);
  } catch (error) {
    if (!(error instanceof RestoreRunning)) throw error;
    const { restoreId } = error;
    throw new CommandFailed(
      'restore_running',
      `${error.message} Follow it: ops/restore.sh --follow ${restoreId}, or give it up: ops/restore.sh --abort ${restoreId}`,
      EXIT.refused,
    );
  }
}

async function followRestore(restoreId: string, values: RestoreOptions, temporal: Client): Promise<number> {
  const view = createProgressView();
  const again = followCommand(restoreId);
  view.say(`Restore ${restoreId}`);
  const run = await follow({
    ...runOf(restoreId, temporal),
    view,
    async decide({ result }) {
      view.say('It lies beside the running database, checked. To switch means:');
      for (const line of describeRestore(result as RestoreResult | null)) view.say(line);
      const word = values.yes || (await askYesNo('switch to the restored database?'));
      if (word === null) {
        throw new CommandFailed(
          'unanswered',
          `Nobody answered, so it waits. To answer: ${again}, to switch: ${again} --yes, to give it up: ops/restore.sh --abort ${restoreId}`,
        );
      }
      await (word ? confirmRestore : abortRestore)(temporal, restoreId);
    },
  });
  tell(restoreId, run as Run<string, RestoreResult>, values);
  return exitCodeOf(run);
}

/** Given up is what was asked for here. */
async function abort(restoreId: string, values: RestoreOptions): Promise<number> {
  const temporal = await connect();
  await abortRestore(temporal, restoreId).catch((error) => {
    throw new CommandFailed('not_found', `Restore ${restoreId} can't be given up: it does not run (${error.name}).`);
  });
  const run = await follow({ ...runOf(restoreId, temporal), view: createProgressView() });
  tell(restoreId, run as Run<string, RestoreResult>, values);
  return run.status === 'aborted' ? EXIT.done : EXIT.failed;
}

const followCommand = (restoreId: string) => `ops/restore.sh --follow ${restoreId}`;

const runOf = (restoreId: string, temporal: Client) => ({
  temporal,
  workflowId: restoreWorkflowId(restoreId),
  title: `Restore ${restoreId}`,
  again: followCommand(restoreId),
});

function tell(restoreId: string, run: Run<string, RestoreResult>, { json }: RestoreOptions): void {
  if (json) printDocument(documentOf(restoreId, run));
  else console[run.status === 'done' ? 'log' : 'error'](describeEnd(restoreId, run));
}

/** Listed when it switched, and kept beside its record. */
async function tellLost(restoreId: string, { json }: RestoreOptions): Promise<number> {
  const lost = await readLost(openBackupStore().backups, restoreId);
  if (!lost) throw new CommandFailed('not_found', `Nothing is known of what restore ${restoreId} has lost.`);
  if (json) printDocument(lost);
  else console.log(describeLost(restoreId, lost));
  return EXIT.done;
}

async function drill({ json }: RestoreOptions): Promise<number> {
  const temporal = await ensureRunning();
  const drillId = await startDrill(temporal);
  const run = (await follow({
    temporal,
    workflowId: restoreDrillWorkflowId(drillId),
    title: 'The drill',
    again: 'GET /api/ops/drills',
    view: createProgressView(),
  })) as Run<string, DrillReport>;
  if (json) printDocument({ id: drillId, ...run });
  else console.log(describeDrill(run));
  return run.result?.outcome === 'PROVEN' ? EXIT.done : EXIT.failed;
}

function describeDrill({ result, problem }: Run<string, DrillReport>): string {
  if (result?.outcome !== 'PROVEN') return `NOT PROVEN${because(problem)}`;
  const { recoverySeconds, pointSeconds, stepSeconds, plan } = result;
  const steps = Object.entries(stepSeconds ?? {}).map(([step, seconds]) => `${step} ${seconds.toFixed(1)} s`);
  return [
    `PROVEN: set ${plan?.setId}, restored, checked and switched to in ${Math.round(recoverySeconds ?? 0)} s; at most ${Math.round(pointSeconds ?? 0)} s would have been lost.`,
    `The steps: ${steps.join(', ')}.`,
  ].join('\n');
}

function actOn(act: 'reconcile' | 'accept-loss' | 'undo', restoreId: string, values: RestoreOptions): Promise<number> {
  return withRunning((temporal) => actAndFollow(act, restoreId, values, temporal));
}

async function actAndFollow(
  act: 'reconcile' | 'accept-loss' | 'undo',
  restoreId: string,
  values: RestoreOptions,
  temporal: Client,
): Promise<number> {
  const workflowId =
    act === 'undo'
      ? await undoRestore(temporal, restoreId)
      : await reconcileRestore(temporal, restoreId, act === 'accept-loss');
  const title = `--${act} of restore ${restoreId}`;
  const run = await follow({
    temporal,
    workflowId,
    title,
    again: `ops/restore.sh --${act} ${restoreId}`,
    view: createProgressView(),
  });
  if (values.json) printDocument(documentOf(restoreId, run));
  else if (run.result) console.log(describeFollowUp(act, restoreId, run.result as FollowUpResult));
  if (run.status !== 'done') console.error(`${title} is ${run.status}${because(run.problem)}`);
  return exitCodeOf(run);
}

async function newestRestore(): Promise<string> {
  const { backups } = openBackupStore();
  const ids = [...(await listRecords(backups, RESTORES)), ...(await listRecords(backups, ADOPTIONS))];
  // UUIDv7: by their time.
  const newest = ids.sort().at(-1);
  if (newest) {
    await requireOwn(backups, newest);
    return newest;
  }
  throw new CommandFailed('not_found', 'There has been no restore: nothing is recorded below restores/.', EXIT.refused);
}

/** Somebody who may write there must not choose for us which restore is undone. */
async function requireOwn(backups: SignedStore, id: string): Promise<void> {
  try {
    for (const prefix of [RESTORES, ADOPTIONS]) await getSigned(backups, `${prefix}${id}.json`);
  } catch (error) {
    if (!(error instanceof ForeignObject)) throw error;
    throw new CommandFailed(error.code, `${error.message}.`, EXIT.refused);
  }
}

const readId = (given: string) => readUuid(given, 'a restore');

if (require.main === module) runCommand(restoreCommand);
