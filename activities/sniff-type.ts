// What a file is, told by its bytes. What the uploader says it is counts for nothing.
import { filetypeinfo } from 'magic-bytes.js';

const UNKNOWN = 'application/octet-stream';
/** Formats that are text all through, and yet more than text. Markup is left out: it is text until somebody runs it. */
const WRITTEN_IN_TEXT = new Set(['application/pdf', 'application/rtf', 'application/postscript']);

/**
 * @param isText whether the whole file is UTF-8 without a NUL
 * @param name decides only between formats that begin alike, as a .docx and a .zip do
 */
export function sniffType(head: Uint8Array, isText: boolean, name: string): string {
  // One byte says nothing: three in 256 files of noise begin as JSON or a video does.
  const byChance = filetypeinfo(head.subarray(0, 1)).map(({ typename }) => typename);
  const candidates = filetypeinfo(head).filter(({ typename }) => !byChance.includes(typename));
  if (isText) return candidates.find(({ mime }) => mime && WRITTEN_IN_TEXT.has(mime))?.mime ?? 'text/plain';
  const named = candidates.find(({ extension }) => extension && name.toLowerCase().endsWith(`.${extension}`));
  return (named ?? candidates[0])?.mime ?? UNKNOWN;
}
