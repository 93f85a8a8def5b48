// Tells at little cost that what follows an at sign is the domain of nobody who is looked for: most addresses in a store are others'.

/** @param after what follows an at sign, as bytes of UTF-8, up to where a domain may end */
export type IsWanted = (after: string) => boolean;

const IS_ASCII = /^[\0-\x7f]*$/;
/** An IPv4 address can be written in many ways (`0x7f.1`). */
const IS_NUMBER = /(?:^|\.)\d+$/;

/** @param domains in their normal form */
export function wantedDomains(domains: readonly string[]): IsWanted {
  if (domains.some((domain) => IS_NUMBER.test(domain))) return () => true;
  const wanted = new Set(domains);
  const lengths = [...new Set(domains.map(({ length }) => length))];
  return (after) => {
    // Letters that are not ASCII may spell a domain in several ways.
    if (!IS_ASCII.test(after)) return true;
    const small = after.toLowerCase();
    return lengths.some((length) => wanted.has(small.slice(0, length)));
  };
}
