// Writes JSON as RFC 8785 (JSON Canonicalization Scheme) does, so that anyone can verify what we sign with a library of theirs.
// `canonicalize`, the library for it, recurses in each version that runs on Node 20: a deeply nested value that somebody stored
// would stop whoever verifies it.

/** The value has no canonical form: RFC 8785 lets nobody sign it, and nobody can have signed it. */
export class NotCanonical extends TypeError {
  override name = 'NotCanonical';
}

/** Runs a check of what others may have written. Returns its result, or `otherwise` if the value has no canonical form. */
export function ifCanonical<T>(check: () => T, otherwise: T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof NotCanonical) return otherwise;
    throw error;
  }
}

type Pieces = Generator<[before: string, value: unknown], [end: string]>;

/** Far deeper than any document of ours, and less than fills the memory. A cycle gets there too. */
const DEEPEST = 100_000;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Returns the same text for the same JSON, in linear time and for any nesting. A property that is undefined is left out, as by
 * JSON.stringify. Throws NotCanonical for lone surrogates, NaN, infinities, cycles and what is not JSON.
 */
export function canonicalJson(value: unknown): string {
  let text = '';
  const open: Pieces[] = [];
  const write = (next: unknown) => {
    if (next === null || typeof next !== 'object') text += primitive(next);
    else if (open.length < DEEPEST) open.push(Array.isArray(next) ? elements(next) : properties(next));
    else throw new NotCanonical('The value is nested too deeply.');
  };
  write(value);
  for (let innermost = open.at(-1); innermost; innermost = open.at(-1)) {
    const { done, value: piece } = innermost.next();
    text += piece[0];
    if (done) open.pop();
    else write(piece[1]);
  }
  return text;
}

function* elements(array: unknown[]): Pieces {
  let before = '[';
  for (const element of array) {
    yield [before, element];
    before = ',';
  }
  return [array.length === 0 ? '[]' : ']'];
}

/** Sorts the names by their UTF-16 code units, which is how strings compare in JavaScript. */
function* properties(object: object): Pieces {
  if (typeof (object as { toJSON?: unknown }).toJSON === 'function')
    throw new NotCanonical('The value holds no plain object.');
  let before = '{';
  for (const name of Object.keys(object).sort()) {
    const value = (object as Record<string, unknown>)[name];
    if (value === undefined) continue;
    yield [`${before}${primitive(name)}:`, value];
    before = ',';
  }
  return [before === '{' ? '{}' : '}'];
}

function primitive(value: unknown): string {
  if (typeof value === 'string' && LONE_SURROGATE.test(value)) throw new NotCanonical('A text holds half a character.');
  if (typeof value === 'number' && !Number.isFinite(value)) throw new NotCanonical(`${value} is no number of JSON.`);
  // JSON.stringify writes strings and numbers as RFC 8785 does, which took both from it.
  if (value !== null && !['string', 'number', 'boolean'].includes(typeof value))
    throw new NotCanonical(`JSON has no ${typeof value}.`);
  return JSON.stringify(value);
}
