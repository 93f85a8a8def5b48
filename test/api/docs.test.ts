import { TestApi } from './test-api';

let api: TestApi;
// biome-ignore lint/suspicious/noExplicitAny: the document is what is under test.
let document: any;
beforeAll(async () => {
  api = await TestApi.create();
  document = (await api.anyone.get('/openapi.json')).body;
});
afterAll(() => api?.close());

/** Every object in it, with its path. */
function* objects(value: unknown, path = '#'): Generator<[string, Record<string, unknown>]> {
  if (!value || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield [path, value as Record<string, unknown>];
  for (const [key, part] of Object.entries(value))
    yield* objects(part, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}

describe('the OpenAPI document', () => {
  it('is 3.1, names each operation once, and leads to every schema that it names', () => {
    expect(document.openapi).toBe('3.1.0');
    const all = new Map(objects(document));
    for (const { $ref } of all.values()) if ($ref) expect([...all.keys()]).toContain($ref);
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object));
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { responses, summary, tags } of operations) {
      expect([typeof summary, tags.length]).toEqual(['string', 1]);
      for (const response of Object.values(responses as object))
        expect(response.description).toEqual(expect.any(String));
    }
  });

  it('names the parameters of every path', () => {
    for (const [path, operations] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters = [] } of Object.values(operations as object)) {
        const given = parameters.filter(({ in: place }: { in: string }) => place === 'path');
        expect(given.map(({ name, required }: { name: string; required: boolean }) => [name, required])).toEqual(
          named.map((name) => [name, true]),
        );
      }
    }
  });

  it('tells what a draft must be and what problems look like', () => {
    const { NewDraft, Problem } = document.components.schemas;
    expect(NewDraft).toMatchObject({ required: ['to', 'subject', 'body'], additionalProperties: false });
    expect(NewDraft.properties.subject).toMatchObject({ minLength: 1, maxLength: 998 });
    expect(Problem.required).toEqual(['type', 'title', 'status', 'detail', 'requestId']);
    const submit = document.paths['/api/drafts'].post;
    expect(Object.keys(submit.responses)).toEqual(
      expect.arrayContaining(['201', '400', '401', '403', '413', '415', '422', '429', '503']),
    );
    expect(submit.responses[422].content['application/problem+json']).toBeDefined();
  });

  it('has patterns that are regular expressions', () => {
    for (const [, { pattern }] of objects(document))
      if (typeof pattern === 'string') expect(() => new RegExp(pattern, 'u')).not.toThrow();
  });
});

describe('the page', () => {
  it('is where / leads to', async () => {
    const { status, headers } = await api.anyone.get('/');
    expect([status, headers.location]).toEqual([302, '/docs']);
  });

  it('holds nothing inline and nothing from elsewhere, so that the policy of every answer suffices', async () => {
    const { text, headers } = await api.anyone.get('/docs');
    expect(headers['content-security-policy']).toBe(
      "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data:;connect-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    );
    expect(text).not.toMatch(/https?:|<script>|<style| style=| on\w+=/);
    const links = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link as string);
    expect(links).toHaveLength(4);
    for (const link of links) expect((await api.anyone.get(link)).status).toBe(200);
  });

  it('serves the files that it needs and no others', async () => {
    for (const path of ['/docs/swagger-initializer.js', '/docs/package.json', '/docs/../package.json']) {
      expect((await api.anyone.get(path)).status).toBe(404);
    }
  });
});

it('every answer has the headers that keep browsers careful', async () => {
  for (const path of ['/health', '/docs', '/api/drafts', '/nothing']) {
    const { headers } = await api.anyone.get(path);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'x-request-id': expect.any(String),
    });
    expect(headers['x-powered-by']).toBeUndefined();
  }
});
