// Makes the readings of a stretch of text whose escapes are undone, one after another where they are escaped themselves.
import { type Escapes, undoEscapes, type View } from './escapes';

export type { View } from './escapes';

/** What is an escape in a URL or in quoted-printable may be meant as it stands. */
const FIRST: Escapes[] = [{}, { percent: true }, { percent: true, quotedPrintable: true }];
const FURTHER: Escapes[] = [{ percent: true, quotedPrintable: true }];
/** Bounds the work for each byte. */
const DEEPEST = 3;

/** Yields each reading once; none where nothing is escaped. */
export function* viewsOf(text: string, parent: View | null = null, seen = new Set([text]), depth = 1): Generator<View> {
  for (const escapes of parent ? FURTHER : FIRST) {
    const child = undoEscapes(parent?.text ?? text, escapes);
    if (!child || seen.has(child.text)) continue;
    seen.add(child.text);
    const view = parent ? composed(parent, child) : child;
    yield view;
    if (depth < DEEPEST) yield* viewsOf(text, view, seen, depth + 1);
  }
}

const composed = (parent: View, { text, starts, ends }: View): View => ({
  text,
  starts: starts.map((at) => parent.starts[at] as number),
  ends: ends.map((end) => parent.ends[end - 1] as number),
});
