// What a key may be: names joined by slashes. Each begins with a letter or digit, so a key can't leave its folder,
// and what the file store keeps for itself (`.incoming`) can't be named.
const NAME = '[A-Za-z0-9][A-Za-z0-9_.:=+-]{0,199}';
const KEY = new RegExp(`^${NAME}(?:/${NAME})*$`);
const PREFIX = new RegExp(`^(?:${NAME}/)*(?:${NAME})?$`);

export function checkKey(key: string): string {
  if (key.length > 800 || !KEY.test(key)) throw new TypeError('This is no key of an object store.');
  return key;
}

export function checkPrefix(prefix: string): string {
  if (prefix.length > 800 || !PREFIX.test(prefix)) throw new TypeError('This is no prefix of keys of an object store.');
  return prefix;
}
