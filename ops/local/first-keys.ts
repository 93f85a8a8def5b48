// An author key and an approver key for whoever tries Countersign here; kept, and made anew if they no longer work.
import type { Home } from './home';
import { readKeptJson, writeKept } from './kept-file';

export interface FirstKeys {
  author: string;
  approver: string;
}

const ROLES = ['author', 'approver'] as const;
const NAMES = { author: 'local-agent', approver: 'local-approver' };

export async function ensureFirstKeys(home: Home, api: string, adminPassword: string): Promise<FirstKeys> {
  const file = home.file('keys.json');
  const keys: Partial<FirstKeys> = readKeptJson<FirstKeys>(file) ?? {};
  let changed = false;
  for (const role of ROLES) {
    if (keys[role] && (await works(api, keys[role]))) continue;
    keys[role] = await makeKey(api, adminPassword, role);
    changed = true;
  }
  if (changed) writeKept(file, `${JSON.stringify(keys, null, 2)}\n`);
  return keys as FirstKeys;
}

async function works(api: string, key: string): Promise<boolean> {
  const { status } = await fetch(`${api}/api/drafts?limit=1`, { headers: { Authorization: `Bearer ${key}` } });
  return status !== 401 && status !== 403;
}

async function makeKey(api: string, adminPassword: string, role: (typeof ROLES)[number]): Promise<string> {
  const response = await fetch(`${api}/api/keys`, {
    method: 'POST',
    headers: { 'X-Admin-Token': adminPassword, 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: NAMES[role], roles: [role] }),
  });
  if (response.status !== 201)
    throw new Error(`The ${role} key could not be made: the API answered ${response.status}.`);
  return ((await response.json()) as { key: string }).key;
}
