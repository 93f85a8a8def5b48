// `ops/rollback.sh`: rolls back to an earlier release, code, workflows and database as one.
import type { Client } from '@temporalio/client';
import { type RollbackResult, rollbackWorkflowId } from '../../workflows/contracts/rollback';
import { type Command, CommandFailed, printDocument, readOptions, readUuid, runCommand, WrongUsage } from '../command';
import { askYesNo } from '../recovery/ask';
import { EXIT } from '../recovery/exit';
import { documentOf, exitCodeOf, follow } from '../recovery/follow';
import { createProgressView } from '../recovery/progress-view';
import { connect } from '../recovery/running';
import type { Run } from '../recovery/runs';
import { readVersion } from './read-version';
import { noteReason } from './reason';
import { withHost } from './running';
import { confirm, giveUp, startRollback } from './runs';
import { describePlan, describeRollbackEnd } from './words';

const HELP = `ops/rollback.sh: rolls back to an earlier release: API, workers, workflows under way and database, as one.

  ops/rollback.sh                       the release that served before; says what it will do, and asks
  ops/rollback.sh --version v1.2.3      another one
  ops/rollback.sh --dry-run             rehearses it on a copy of the newest backup; nothing is changed
  ops/rollback.sh --yes --reason "500s on POST /api/drafts since 14:02"

  --version VERSION   to this release; GET /api/ops/releases lists them
  --dry-run           rehearses: restores a copy, undoes the migrations on it, starts the earlier API on it
  --reason TEXT       kept in the database, for the audit trail
  --yes               does not ask
  --follow ID         goes on following one that is under way
  --abort ID          gives it up, and undoes what it has done

  --json              prints one JSON document on standard output
  --help              this text

If a step fails, every step before it is undone, and the release that served goes on serving.
Finds what \`npm start\` runs in this folder, else reads TEMPORAL_* (and DATABASE_URL for the reason).
Exit codes: 0 done, 1 failed or given up, 2 wrong usage, 3 refused, with nothing touched; 130 interrupted, the rollback goes on.`;

const OPTIONS = {
  version: { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  reason: { type: 'string' },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  follow: { type: 'string' },
  abort: { type: 'string' },
} as const;

interface Options {
  version?: string;
  'dry-run': boolean;
  reason?: string;
  yes: boolean;
  json: boolean;
}

export const rollbackCommand: Command = {
  help: HELP,
  usage: 'For example: ops/rollback.sh --dry-run (all of it: ops/rollback.sh --help)',
  failed: EXIT.failed,
  async run(args) {
    const { values } = readOptions({ args, options: OPTIONS });
    const modes = (['follow', 'abort'] as const).filter((name) => values[name] !== undefined);
    const others = (['version', 'dry-run', 'reason'] as const).filter((name) => values[name]);
    if (modes.length > 1) throw new WrongUsage('--follow and --abort are one or the other.');
    if (modes[0] && others[0]) throw new WrongUsage(`--${others[0]} does not go with --${modes[0]}.`);
    if (values.follow !== undefined) return followRollback(readId(values.follow), values, await connect());
    if (values.abort !== undefined) return abort(readId(values.abort), values);
    const to = values.version === undefined ? undefined : readVersion(values.version);
    const reason = values.reason === undefined ? undefined : readReason(values.reason);
    return withHost(async (temporal) => {
      const rollbackId = await noteReason({ reason, to });
      await startRollback(temporal, {
        rollbackId,
        ...(to === undefined ? {} : { to }),
        ...(values['dry-run'] ? { dryRun: true } : {}),
        ...(values.yes ? { yes: true } : {}),
      });
      return followRollback(rollbackId, values, temporal);
    });
  },
};

async function followRollback(rollbackId: string, options: Options, temporal: Client): Promise<number> {
  const view = createProgressView();
  const again = `ops/rollback.sh --follow ${rollbackId}`;
  view.say(`Rollback ${rollbackId}`);
  const run = await follow({
    ...runOf(rollbackId, temporal),
    view,
    async decide({ result }) {
      const { plan } = result as RollbackResult;
      for (const line of describePlan(plan)) view.say(line);
      const word = options.yes || (await askYesNo(`roll back to ${plan.to.version}?`));
      if (word === null) {
        throw new CommandFailed(
          'unanswered',
          `Nobody answered, so it waits for an hour. To answer: ${again}, to roll back: ${again} --yes, to give it up: ops/rollback.sh --abort ${rollbackId}`,
        );
      }
      await (word ? confirm(temporal, rollbackId) : giveUp(temporal, rollbackWorkflowId(rollbackId)));
    },
  });
  return tell(rollbackId, run as Run<string, RollbackResult>, options);
}

/** Given up is what was asked for here. */
async function abort(rollbackId: string, options: Options): Promise<number> {
  const temporal = await connect();
  await giveUp(temporal, rollbackWorkflowId(rollbackId)).catch((error) => {
    throw new CommandFailed('not_found', `Rollback ${rollbackId} can't be given up: it does not run (${error.name}).`);
  });
  const run = await follow({ ...runOf(rollbackId, temporal), view: createProgressView() });
  tell(rollbackId, run as Run<string, RollbackResult>, options);
  return run.status === 'aborted' ? EXIT.done : EXIT.failed;
}

const runOf = (rollbackId: string, temporal: Client) => ({
  temporal,
  workflowId: rollbackWorkflowId(rollbackId),
  title: `Rollback ${rollbackId}`,
  again: `ops/rollback.sh --follow ${rollbackId}`,
});

function tell(rollbackId: string, run: Run<string, RollbackResult>, { json }: Options): number {
  const rehearsed = run.result?.rehearsal;
  const passed = run.status === 'done' && (!rehearsed || rehearsed.verdict === 'passed');
  if (json) printDocument(documentOf(rollbackId, run));
  else console[passed ? 'log' : 'error'](describeRollbackEnd(rollbackId, run));
  return passed || run.status !== 'done' ? exitCodeOf(run) : EXIT.failed;
}

const readId = (given: string) => readUuid(given, 'a rollback');

const REASON_AT_MOST = 2_000;
function readReason(given: string): string {
  const reason = given.trim();
  if (reason.length > 0 && reason.length <= REASON_AT_MOST) return reason;
  throw new WrongUsage(`--reason takes 1 to ${REASON_AT_MOST} characters.`);
}

if (require.main === module) runCommand(rollbackCommand);
