// Writes JSON in pieces: a list that is an AsyncIterable is written as its items come, so that it is never held whole.
import { LongText } from '../user-erasure/stores/store';

export async function* piecesOf(value: unknown): AsyncIterable<string> {
  if (value instanceof LongText) yield* textPieces(value);
  else if (isIterable(value)) yield* listPieces(value);
  else if (isObject(value) && Object.values(value).some(isInPieces)) yield* objectPieces(value);
  else yield JSON.stringify(value) ?? 'null';
}

async function* textPieces({ pieces }: LongText): AsyncIterable<string> {
  yield '"';
  for await (const piece of pieces) yield JSON.stringify(piece).slice(1, -1);
  yield '"';
}

async function* listPieces(items: AsyncIterable<unknown>): AsyncIterable<string> {
  let separator = '[';
  for await (const item of items) {
    yield separator;
    yield* piecesOf(item);
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

async function* objectPieces(value: object): AsyncIterable<string> {
  let separator = '{';
  for (const [key, part] of Object.entries(value)) {
    if (part === undefined) continue;
    yield `${separator}${JSON.stringify(key)}:`;
    yield* piecesOf(part);
    separator = ',';
  }
  yield '}';
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  isObject(value) && Symbol.asyncIterator in value;
const isInPieces = (value: unknown) => value instanceof LongText || isIterable(value);
