// HTTP as a careful client speaks it.
export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at what it expects.
  body: any;
}

export class ApiClient {
  constructor(
    private readonly url: string,
    private readonly headers: Record<string, string>,
  ) {}

  /** Null where no answer came. */
  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer | null> {
    try {
      const response = await fetch(this.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.headers, ...headers },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(10_000),
      });
      return { status: response.status, body: await response.json() };
    } catch {
      return null;
    }
  }

  /** Whether the service takes requests. */
  async ready(): Promise<boolean> {
    return fetch(`${this.url}/ready`, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }
}
