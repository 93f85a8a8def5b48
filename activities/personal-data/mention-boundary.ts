// Whether what looks like a person's address is a part of somebody else's: of a longer name, of a longer domain.

/** A name has up to 64 characters; escapes make it longer. */
const NEAR = 96;
// biome-ignore lint/suspicious/noControlCharactersInRegex: no text has them, so what runs up to them is a field of its own.
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]/;
/** A file may be called after an address; none of these is a top-level domain. */
const FILE_ENDING =
  /^\.(?:txt|csv|tsv|pdf|docx?|xlsx?|pptx?|od[tsp]|rtf|eml|msg|mbox|vcf|ics|html?|json|xml|ya?ml|png|jpe?g|gif|tiff?|svg|log|bak|gz|tar)(?![\p{L}\p{Nd}-]|\.[\p{L}\p{Nd}])/iu;

export function isAnothers(before: string, after: string): boolean {
  return isLongerName(before.slice(-NEAR)) || isLongerDomain(after.slice(0, NEAR));
}

function isLongerName(before: string): boolean {
  const run = (/[\p{L}\p{Nd}._+-]*$/u.exec(before) as RegExpExecArray)[0];
  return endsInText(run, before.at(-run.length - 1)) && /[\p{L}\p{Nd}][._+-]*$/u.test(unescaped(before));
}

function isLongerDomain(after: string): boolean {
  const run = (/^[\p{L}\p{Nd}.-]*/u.exec(after) as RegExpExecArray)[0];
  const text = unescaped(after);
  return endsInText(run, after[run.length]) && /^-*\.?[\p{L}\p{Nd}]/u.test(text) && !FILE_ENDING.test(text);
}

const endsInText = (run: string, next = ' ') => run.length < NEAR && !CONTROL.test(next);

function unescaped(text: string): string {
  return text
    .replace(/=(?:[ \t]*\r?\n|(?:\\+r)?\\+n)/g, '')
    .replace(/(?:[%=][\da-f]{2}|\\+x[\da-f]{2})+/gi, (escapes) =>
      Buffer.from(escapes.replace(/[%=]|\\+x/gi, ''), 'hex').toString(),
    )
    .replace(/\\+u([\da-f]{4})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\+[nrtbf]/g, ' ');
}
