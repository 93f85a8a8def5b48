// The file `.env`: read as a shell reads it, below what the environment has, and with a word about each line that is wrong.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, VARIABLES } from '../../ops/runtime/configuration';
import { ENV_FILE, loadEnvFile } from '../../ops/runtime/env-file';
import { PACKAGE_ROOT } from '../../ops/runtime/package-root';
import { newFolder } from '../support/environment';

function write(text: string, mode = 0o600): string {
  const root = newFolder('env-file');
  writeFileSync(join(root, '.env'), text);
  chmodSync(join(root, '.env'), mode);
  return root;
}
function load(text: string, env: NodeJS.ProcessEnv = {}, mode?: number) {
  const warnings: string[] = [];
  loadEnvFile(env, (line) => warnings.push(line), write(text, mode));
  return { env, warnings };
}
/** What a POSIX shell makes of the file. */
function source(root: string): Record<string, string> {
  const script = 'set -a; . ./.env; set +a; env -0';
  const output = execFileSync('/bin/sh', ['-c', script], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '' },
    encoding: 'utf8',
  });
  const own = ['PATH', 'PWD', 'OLDPWD', 'SHLVL', '_'];
  const entries = output
    .split('\0')
    .filter(Boolean)
    .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const);
  return Object.fromEntries(entries.filter(([name]) => !own.includes(name)));
}

const FORMS = `# a comment
  # another

A=value
B='single # quotes $HOME \`x\` "y" \\\\z'
C="double quotes # and 'single' ones"
export D=exported
export E='exported, quoted'
F=bare-value/with:all@of%20these+and,those=?^_. # and a comment
G=
H='' # empty
export J=
I=postgresql://user:p%40ss@db.example.com:5432/countersign?sslmode=verify-full
`;

it('reads every form as a shell does', () => {
  const root = write(FORMS);
  const env: NodeJS.ProcessEnv = {};
  loadEnvFile(env, () => {}, root);
  expect(env).toEqual(source(root));
  expect(env).toMatchObject({ A: 'value', D: 'exported', G: '', H: '', J: '' });
  expect(Object.keys(env)).toHaveLength(10);
});

it('gives the same as a shell for whatever lines it takes', () => {
  const pool = [...'ab1_./:@%+,=?^-~!#$&*()[]{}<>|;"\'`\\ \t', ' #', '$HOME', '\\n', 'é'];
  const any = (most: number) =>
    Array.from({ length: Math.floor(Math.random() * most) }, () => pool[Math.floor(Math.random() * pool.length)]).join(
      '',
    );
  const quotes = ['', "'", '"'];
  const isTaken = (line: string) => {
    try {
      load(line);
      return true;
    } catch {
      return false;
    }
  };
  const lines: string[] = [];
  for (let i = 0; i < 6_000; i++) {
    const quote = quotes[i % 3] as string;
    const line = `${i % 2 ? 'export ' : ''}N${i}=${quote}${any(6)}${quote}${i % 5 ? '' : ' # it is $HOME'}`;
    if (isTaken(line)) lines.push(line);
  }
  expect(lines.length).toBeGreaterThan(200);
  const text = lines.join('\n');
  const root = write(text);
  const env: NodeJS.ProcessEnv = {};
  loadEnvFile(env, () => {}, root);
  expect(env).toEqual(source(root));
});

it('leaves alone what the environment has, an empty value too', () => {
  expect(load('A=file\nB=file\nC=file\n', { A: 'environment', B: '' }).env).toEqual({
    A: 'environment',
    B: '',
    C: 'file',
  });
});

it.each([
  ['A=two words', "line 1: A must stand in single quotes: NAME='value'"],
  ['A=p#ss', 'line 1: A must stand in single quotes'],
  ['A=p$ss', 'line 1: A must stand in single quotes'],
  ['A=~/x', 'line 1: A must stand in single quotes'],
  ['A=a&b', 'line 1: A must stand in single quotes'],
  ['A=a\\b', 'line 1: A must stand in single quotes'],
  ['A="p$ss"', 'line 1: A holds ", $'],
  ['A="p\\nss"', 'line 1: A holds ", $'],
  ["A='it's'", "line 1: A must end with the '"],
  ["A='open", "line 1: A must end with the '"],
  ["A='two\nlines'", "line 1: A must end with the '"],
  ['A=`canary`', 'line 1: A must stand in single quotes'],
  ['A = x', 'line 1 is not NAME=value'],
  [' A=x', 'line 1 is not NAME=value'],
  ['export  A=x', 'line 1 is not NAME=value'],
  ['A', 'line 1 is not NAME=value'],
  ['A: x', 'line 1 is not NAME=value'],
  ['1A=x', 'line 1 is not NAME=value'],
  ['A-B=x', 'line 1 is not NAME=value'],
  ['A=x\nA=y', 'line 2 sets A again, after line 1'],
  ['A=x\r', 'line 1 ends with a carriage return'],
])('refuses %j, which a shell and Node read differently or not at all', (text, fault) => {
  expect(() => load(text)).toThrow(ConfigurationError);
  expect(() => load(text)).toThrow(fault);
});

it('names every line that is wrong at once, and repeats no value', () => {
  const message = (() => {
    try {
      load('A=canary two\nB="$canary"\ncanary line\n');
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  })();
  expect(message).toMatch(/has 3 fault\(s\):\n {2}line 1.*\n {2}line 2.*\n {2}line 3/);
  expect(message.replaceAll(/\S+\/\.env/g, '')).not.toContain('canary');
});

it('does nothing without a file, unless the file was named', () => {
  const root = newFolder('env-file');
  const env: NodeJS.ProcessEnv = {};
  loadEnvFile(env, () => {}, root);
  expect(env).toEqual({});
  expect(() => loadEnvFile({ [ENV_FILE]: join(root, 'absent') }, () => {}, root)).toThrow(`check ${ENV_FILE}`);
  expect(() => loadEnvFile({ [ENV_FILE]: root }, () => {}, root)).toThrow('EISDIR');
  const other = { [ENV_FILE]: '' };
  loadEnvFile(other, () => {}, write('A=x'));
  expect(other).toEqual({ [ENV_FILE]: '' });
});

it.each([
  [0o600, 'ADMIN_PASSWORD=x', 0],
  [0o640, 'ADMIN_PASSWORD=x', 0],
  [0o644, 'ADMIN_PASSWORD=x', 1],
  [0o644, 'DATABASE_URL=x', 1],
  [0o644, 'PORT=1\nADMIN_PASSWORD=', 0],
])('with mode %o and %j gives %i warning(s) that others may read secrets', (mode, text, count) => {
  const { warnings } = load(text, {}, mode);
  expect(warnings).toHaveLength(count);
  for (const warning of warnings) expect(warning).toMatch(/^Every user .* chmod 600 \/\S+$/);
});

describe('.env.example', () => {
  const example = readFileSync(join(PACKAGE_ROOT, '.env.example'), 'utf8');
  const uncommented = example.replaceAll(/^# ([A-Z][A-Z0-9_]*=)/gm, '$1');

  it('sets nothing as it is, for a shell or for Countersign', () => {
    expect(load(example).env).toEqual({});
    expect(source(write(example))).toEqual({});
  });

  it('gives a shell and Countersign the same values once its lines are uncommented, and knows every setting', () => {
    const { env } = load(uncommented);
    expect(env).toEqual(source(write(uncommented)));
    expect(Object.keys(env)).toEqual(expect.arrayContaining(VARIABLES));
  });

  it('is the only file of its kind that git takes, and npm takes none', () => {
    const root = newFolder('package');
    for (const file of ['package.json', '.gitignore']) copyFileSync(join(PACKAGE_ROOT, file), join(root, file));
    for (const file of ['.env', '.env.production', '.env.example', 'README.md'])
      writeFileSync(join(root, file), 'A=x\n');
    const packed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline'], {
      cwd: root,
      encoding: 'utf8',
    });
    const files = (JSON.parse(packed)[0].files as { path: string }[]).map(({ path }) => path);
    expect(files.filter((path) => path.startsWith('.env'))).toEqual([]);
    execFileSync('git', ['init', '--quiet'], { cwd: root });
    const added = execFileSync('git', ['ls-files', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
    expect(added.split('\n').filter((path) => path.startsWith('.env'))).toEqual(['.env.example']);
  });
});
