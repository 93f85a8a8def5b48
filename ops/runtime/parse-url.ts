// Parses a URL.

/** Returns null if it is malformed. (Node 20's `URL.canParse` takes `https://bücher.example` for malformed once V8 has compiled the call.) */
export function parseUrl(value: string): URL | null {
  try {
    return new URL(value);
  } catch {
    return null;
  }
}
