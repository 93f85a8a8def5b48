// Looks for words in raw bytes, in every form that they commonly take.

/** A word as it stands in text, quoted-printable, UTF-16, hexadecimal, and base64 at each of the three offsets. */
function formsOf(word: string): Buffer[] {
  const bytes = Buffer.from(word);
  const quoted = [...bytes].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
  return [
    bytes,
    Buffer.from(word, 'utf16le'),
    Buffer.from(word, 'utf16le').swap16(),
    Buffer.from(quoted),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(encodeURIComponent(word)),
    ...[0, 1, 2].map((offset) => Buffer.from(middleOfBase64(bytes, offset))),
  ];
}

/** What is certain to appear wherever the bytes are encoded within something longer. */
function middleOfBase64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '');
  return encoded.slice(offset === 0 ? 0 : offset + 1, -1);
}

/** Which of the words are in these bytes. */
export function tracesIn(content: Buffer, words: string[]): string[] {
  return words.filter((word) => formsOf(word).some((form) => content.includes(form)));
}
