// Where a text mentions a person by their address, however it is spelled, and the text without them.
import { domainToASCII, domainToUnicode } from 'node:url';
import { encodedSpans } from './encoded-mentions';
import { isAnothers } from './mention-boundary';
import { type Span, spell } from './spelling';

export const ERASED = '[erased]';

export interface Mentions {
  /** In their order; none overlaps another. */
  find(text: string): Span[];
  replace(text: string): { text: string; count: number };
}

/**
 * For many texts and one person.
 * @param isOther whether what stands before and after makes it somebody else's; in a name, where an address is a part of
 *   something larger, nothing does
 */
export function mentionsOf(email: string, isOther: typeof isAnothers = isAnothers): Mentions {
  const addresses = writingsOf(email);
  const spellings = addresses.map(spell);

  function find(text: string): Span[] {
    const spelled = spellings
      .flatMap((spelling) => spelling.find(text))
      .filter(({ start, end }) => !isOther(text.slice(0, start), text.slice(end)));
    return merge([...spelled, ...addresses.flatMap((address) => encodedSpans(text, address, isOther))]);
  }

  return {
    find,
    replace(text) {
      const spans = find(text);
      const kept = spans.map(({ start }, n) => text.slice(spans[n - 1]?.end ?? 0, start) + ERASED);
      return { text: kept.join('') + text.slice(spans.at(-1)?.end ?? 0), count: spans.length };
    },
  };
}

export const findMentions = (text: string, email: string): Span[] => mentionsOf(email).find(text);
export const replaceMentions = (text: string, email: string) => mentionsOf(email).replace(text);

/** With its domain as DNS and as people write it, letters composed and decomposed. */
function writingsOf(email: string): string[] {
  const at = email.lastIndexOf('@') + 1;
  const domain = email.slice(at).toLowerCase();
  const domains = [domain, domainToASCII(domain), domainToUnicode(domain)].filter((one) => one !== '');
  const all = domains.map((one) => email.slice(0, at).toLowerCase() + one);
  return [...new Set(all.flatMap((one) => [one.normalize('NFC'), one.normalize('NFD')]))];
}

function merge(spans: Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last && span.start < last.end) last.end = Math.max(last.end, span.end);
    else merged.push({ ...span });
  }
  return merged;
}
