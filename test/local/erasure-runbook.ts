// Carries out every command of docs/runbooks/erasure-request.md, in its order and as it is printed, in one shell.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { until } from '../support/until';
import { ownFolder } from './folder';
import type { OwnInstallation } from './own-installation';
import { blocksOf } from './runbooks';

const blocks = blocksOf(join('runbooks', 'erasure-request.md'));

/** One shell, so that what a block sets is there for the next. */
class Shell {
  private readonly child: ChildProcessWithoutNullStreams;
  private said = '';
  constructor(folder: string, env: NodeJS.ProcessEnv) {
    this.child = spawn('sh', [], { cwd: folder, env });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.said += text;
      });
    }
  }
  /** @returns all that it printed. Throws if its last command failed */
  async run(block: string): Promise<string> {
    this.said = '';
    this.child.stdin.write(`${block}\necho "ended with $?."\n`);
    await until('the block has ended', () => /ended with \d+\.\n$/.test(this.said) || null);
    if (!this.said.endsWith('ended with 0.\n')) throw new Error(`${block}\n${this.said}`);
    return this.said.replace(/ended with 0\.\n$/, '');
  }
  end(): void {
    this.child.stdin.end();
  }
}

/** Temporal's command line by its own name, as the runbook has it. */
function temporalOnPath(): string {
  const bin = join(ownFolder(), 'bin');
  mkdirSync(bin);
  const kept = join(homedir(), '.cache', 'countersign', 'bin');
  const [program = ''] = readdirSync(kept).filter((name) => /^temporal-\d/.test(name));
  symlinkSync(join(kept, program), join(bin, 'temporal'));
  return `${bin}:${process.env.PATH}`;
}

/** From a request under a hold to its certificate, and an export. */
export async function carryOutErasureRunbook(here: OwnInstallation): Promise<void> {
  for (const name of ['ada', 'bob']) here.run(`COUNTERSIGN_DEMO_TO=${name}@customer.example node ops/demo.mjs`);
  const { temporal = '' } = here.read('runtime.json');
  const env = { ...here.env, PATH: temporalOnPath(), TEMPORAL_ADDRESS: new URL(temporal).host };
  const shell = new Shell(here.folder, env);
  const ports = (block: string) =>
    block
      .replaceAll('localhost:8000', `localhost:${here.env.PORT}`)
      .replaceAll('localhost:9465', `localhost:${here.env.WORKER_METRICS_PORT}`);
  const run = (block: string) => shell.run(ports(block));
  const status = async () =>
    JSON.parse(await shell.run('curl -s $API/api/gdpr/erasures/$ID -H "X-Admin-Token: $ADMIN"')).status;
  const untilStatus = (wanted: string) => until(`it is ${wanted}`, async () => (await status()) === wanted || null);
  const printed: string[] = [];

  for (const block of blocks) {
    // What a sentence before the block asks for.
    if (block.includes('/cancel')) await untilStatus('suspended');
    const filled = block.includes('HOLD=')
      ? block.replace(
          /HOLD=\S+/,
          `HOLD=${JSON.parse(await shell.run('curl -s $API/api/gdpr/holds -H "X-Admin-Token: $ADMIN"')).items[0].id}`,
        )
      : block;
    // `pending` until the worker has made the export.
    let said = block.includes('exports/$EXPORT/content')
      ? await until('there is an export', () => run(filled).catch(() => null))
      : await run(filled);
    if (block.includes('if (preview)'))
      said = await until('there is a preview', async () => (await run(block)) || null);
    if (block.includes('X DELETE')) await untilStatus('certified');
    printed.push(said);
  }

  const of = (part: string) => printed[blocks.findIndex((block) => block.includes(part))] ?? '';
  expect(of('if (preview)')).toContain('postgres');
  expect(of('"reason": "Case 17"')).toContain('"id"');
  expect(of('/cancel')).toContain('wrong-state');
  expect(of('e.failure ??')).toContain('suspended');
  expect(of('/extend')).toContain('"extension"');
  expect(of('X DELETE')).toContain('204');
  expect(of('countersign_erasure')).toContain('countersign_erasure_deadline_seconds');
  expect(of('gdpr/status')).toContain('"user_deletion":true');
  expect(of('temporal workflow describe')).toContain('erasure-');
  expect(of('temporal task-queue')).toContain('Pollers');
  await untilStatus('certified');
  expect(
    JSON.parse(await shell.run('curl -s $API/api/gdpr/erasures/$ID/certificate -H "X-Admin-Token: $ADMIN"')),
  ).toMatchObject({
    signature: expect.any(String),
  });
  shell.end();
}
