// The ways to write one address before anything encodes it: its domain in Unicode and in punycode, composed and decomposed.
import { domainToASCII, domainToUnicode } from 'node:url';

export function formsOf(email: string): { local: string; domain: string }[] {
  const at = email.lastIndexOf('@');
  const given = email.slice(at + 1).toLowerCase();
  const domains = [given, domainToASCII(given), domainToUnicode(given)].filter(Boolean);
  const all = domains.flatMap((domain) =>
    (['NFC', 'NFD'] as const).map((form) => ({
      local: email.slice(0, at).toLowerCase().normalize(form),
      domain: domain.normalize(form),
    })),
  );
  return [...new Map(all.map((form) => [`${form.local}@${form.domain}`, form])).values()];
}

/** A character as it is written small and large, where that is one character each. */
export function casesOf(character: string): string[] {
  const cases = [character, character.toLowerCase(), character.toUpperCase()];
  return [...new Set(cases.filter((one) => [...one].length === 1))];
}
