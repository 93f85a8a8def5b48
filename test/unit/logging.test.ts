import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../../ops/runtime/logging';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';

const CANARY = 'canary@example.org';

class Told extends Error {
  override name = 'Told';
  code = 'ECONNREFUSED';
  address = CANARY;
}

describe('an error in the log', () => {
  it('is told by its class, its code and where it was thrown', () => {
    const told = describeError(new Told('to somebody'));
    expect(told).toMatchObject({ type: 'Told', code: 'ECONNREFUSED' });
    expect(told.at).toEqual(expect.arrayContaining([expect.stringContaining('logging.test')]));
  });

  it.each<[string, () => unknown]>([
    ['its message', () => new Error(CANARY)],
    ['a message of many lines', () => new Error(`first\n${CANARY}\nlast`)],
    ['a message that looks like a stack', () => new Error(`x\n    at ${CANARY}`)],
    ['its fields', () => new Told('x')],
    ['the message of its cause', () => new Error('x', { cause: new Error(CANARY) })],
    ['a cause that is no error', () => new Error('x', { cause: CANARY })],
    ['a text that was thrown', () => CANARY],
    ['an object that was thrown', () => ({ message: CANARY })],
    ['a code that is no code', () => Object.assign(new Error('x'), { code: { to: CANARY } })],
    ['a code that is a sentence', () => Object.assign(new Error('x'), { code: `no such user ${CANARY}` })],
    ['a name that was set', () => Object.assign(new Error('x'), { name: `Error for ${CANARY}` })],
    ['several errors in one', () => new AggregateError([new Error(CANARY)], CANARY)],
  ])('keeps back %s', (_title, thrown) => {
    expect(JSON.stringify(describeError(thrown()))).not.toContain(CANARY);
  });

  it('follows its causes, and ends where they go round', () => {
    const inner = new Told('x');
    expect(describeError(new Error('x', { cause: inner }))).toMatchObject({ cause: { type: 'Told' } });
    inner.cause = inner;
    expect(describeError(inner)).toMatchObject({ type: 'Told' });
  });
});

/** Its `/dev/full` is a disk that is full. */
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a log that can not be written does not end the process', async () => {
  const logging = join(PACKAGE_ROOT, 'dist', 'ops', 'runtime', 'logging');
  const program = `
    const logger = require(${JSON.stringify(logging)}).createLogger('test');
    for (let line = 0; line < 10; line++) logger.info('a line');
    setTimeout(() => process.exit(7), 10);`;
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  const [code] = await once(child, 'exit');
  expect(code).toBe(7);
});
