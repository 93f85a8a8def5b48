// Reads the file `.env` into the environment. It takes only what has one meaning, so that `. ./.env` gives the same values. Each version of
// Node's own parseEnv reads some of it in another way.
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigurationError } from './configuration';
import { PACKAGE_ROOT } from './package-root';

/** Names another file; empty: none is read. */
export const ENV_FILE = 'COUNTERSIGN_ENV_FILE';

const SETTING = /^(?:export )?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;
/** In single quotes, in double quotes, or plain; then a comment. */
const VALUE = /^(?:'([^']*)'|"([^"$`\\]*)"|([\w./:@%+,=?^-]*))(?: +#.*| *)$/;
const SECRET = /PASSWORD|SECRET|TOKEN|PASSPHRASE|API_KEY|_URL$|DSN/;
const OTHERS_MAY_READ = 0o004;

/**
 * Sets what the file says and the environment does not. A variable that is set to an empty value counts as set there.
 * Without a file it does nothing, unless the file was named.
 *
 * @param warn gets one line if every user of this machine may read secrets in it
 * @throws ConfigurationError with all lines that are wrong; it repeats no value
 */
export function loadEnvFile(
  env: NodeJS.ProcessEnv = process.env,
  warn: (line: string) => void = (line) => console.error(line),
  root = PACKAGE_ROOT,
): void {
  const named = env[ENV_FILE];
  if (named === '') return;
  const file = named === undefined ? join(root, '.env') : resolve(named);
  const text = readText(file, named !== undefined);
  if (text === null) return;
  const faults = faultsOf(text);
  if (faults.length > 0) {
    throw new ConfigurationError(
      `${file} has ${faults.length} fault(s):\n${faults.join('\n')}\nSee "In one file" in docs/configuration.md.`,
    );
  }
  const settings = text.split('\n').flatMap(readSetting);
  for (const [name, value] of settings) env[name] ??= value;
  const holdsSecrets = settings.some(([name, value]) => value && SECRET.test(name));
  if (holdsSecrets && (statSync(file).mode & OTHERS_MAY_READ) !== 0) {
    warn(`Every user of this machine may read the secrets in ${file}. Run: chmod 600 ${file}`);
  }
}

function readText(file: string, isNeeded: boolean): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !isNeeded) return null;
    throw new ConfigurationError(`${file} can not be read (${code}): check ${isNeeded ? ENV_FILE : 'its mode'}.`);
  }
}

/** Returns nothing for a comment or an empty line. */
function readSetting(line: string): [name: string, value: string][] {
  const [, name, written = ''] = SETTING.exec(line) ?? [];
  const [, single, double, plain = ''] = VALUE.exec(written) ?? [];
  return name === undefined ? [] : [[name, single ?? double ?? plain]];
}

function faultsOf(text: string): string[] {
  const seen = new Map<string, number>();
  return text.split('\n').flatMap((line, index) => {
    const number = index + 1;
    if (line.endsWith('\r')) return [`  line ${number} ends with a carriage return: save the file with Unix line ends`];
    if (/^\s*(#.*)?$/.test(line)) return [];
    const [, name, value = ''] = SETTING.exec(line) ?? [];
    if (name === undefined) return [`  line ${number} is not NAME=value, without spaces before it or around the =`];
    const before = seen.get(name);
    seen.set(name, number);
    if (before !== undefined) return [`  line ${number} sets ${name} again, after line ${before}: remove one of them`];
    const fault = quotingFault(value);
    return fault ? [`  line ${number}: ${name} ${fault}`] : [];
  });
}

/** Within double quotes a shell replaces `$`, a backquote and a backslash; without quotes it splits. */
function quotingFault(value: string): string | null {
  if (VALUE.test(value)) return null;
  if (value.startsWith("'")) return "must end with the ' that it begins with, and hold no other";
  if (value.startsWith('"'))
    return 'holds ", $, ` or \\ within double quotes, or does not end with them: use single quotes';
  return "must stand in single quotes: NAME='value'";
}
