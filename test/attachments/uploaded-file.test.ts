import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Refusal } from '../../activities/commands/refusal';
import { ATTACHMENT_LIMIT, FileTooLarge } from '../../activities/received-file';
import { receiveUpload } from '../../api/uploaded-file';
import { randomOf } from '../support/random';
import { until } from '../support/until';

interface Outcome {
  name?: string;
  size?: number;
  type?: string;
  text?: string;
  errors?: { path: string; message: string }[];
  tooLarge?: boolean;
}

let server: Server;
let url: string;
const outcomes: Outcome[] = [];

async function receive(incoming: IncomingMessage): Promise<Outcome> {
  try {
    const { name, file } = await receiveUpload(incoming, 'file');
    const text = file.size < 1000 ? (await buffer(file.read())).toString() : '';
    await file.discard();
    return { name, size: file.size, type: file.type, text };
  } catch (error) {
    if (error instanceof Refusal) return { errors: error.errors };
    if (error instanceof FileTooLarge) return { tooLarge: true };
    throw error;
  }
}

beforeAll(async () => {
  server = createServer(async (incoming, response) => {
    const outcome = await receive(incoming);
    outcomes.push(outcome);
    response.setHeader('Connection', 'close').end(JSON.stringify(outcome));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => outcomes.splice(0));

/** Files still open that an upload has made. */
const openFiles = () =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('countersign-received-');
    } catch {
      return false;
    }
  });
afterEach(async () => {
  await until('every received file is closed', () => openFiles().length === 0, 5_000);
});

const formOf = (...parts: [string, string | Blob, string?][]) => {
  const form = new FormData();
  for (const [field, value, name] of parts) {
    if (typeof value === 'string') form.append(field, value);
    else form.append(field, value, name);
  }
  return form;
};
const post = async (body: NonNullable<RequestInit['body']>, headers: Record<string, string> = {}): Promise<Outcome> =>
  (await fetch(url, { method: 'POST', body, headers })).json() as Promise<Outcome>;
const incoming = (body: Readable) =>
  Object.assign(body, { headers: { 'content-type': 'multipart/form-data; boundary=b' } }) as IncomingMessage;
const FILE = 'Content-Disposition: form-data; name="file"; filename="a"\r\n';
const PIECES = [
  ...['\r\n--b', '\r\n--b\r\n', `\r\n--b\r\n${FILE}`, '\r\n--b--', '--', '-', '\r\n', '\r\n\r\n', '\r', '\n'],
  ...[FILE, `${FILE}\r\n`, `${FILE}\r\nx`, 'X:', 'X: y\r\n', 'y', 'x'.repeat(70_000)],
  'Content-Disposition: form-data; name="other"\r\n\r\n',
];
const blob = (...content: (string | Uint8Array<ArrayBuffer>)[]) => new Blob(content, { type: 'image/png' });
const zeros = (size: number) => blob(new Uint8Array(size));

describe('an uploaded file', () => {
  it('comes with its clean name, and the type that its bytes tell', async () => {
    expect(await post(formOf(['file', blob('some text'), "../../Ünïcode 'notes'.png"]))).toEqual({
      name: "Ünïcode 'notes'.png",
      size: 9,
      type: 'text/plain',
      text: 'some text',
    });
  });

  it('may be empty', async () => {
    expect(await post(formOf(['file', blob(), 'empty.txt']))).toMatchObject({ name: 'empty.txt', size: 0 });
  });

  it('may have 10 MiB, and not one byte more', async () => {
    expect(await post(formOf(['file', zeros(ATTACHMENT_LIMIT), 'a']))).toMatchObject({ size: ATTACHMENT_LIMIT });
    expect(await post(formOf(['file', zeros(ATTACHMENT_LIMIT + 1), 'a']))).toEqual({ tooLarge: true });
  });

  it('is too large however much longer it is, announced or not', async () => {
    expect(await post(formOf(['file', zeros(2 * ATTACHMENT_LIMIT), 'a']))).toEqual({ tooLarge: true });
    const endless = request(url, { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=b' } });
    endless.on('error', () => {});
    endless.write('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n');
    const more = () => {
      while (!endless.destroyed && endless.write(Buffer.alloc(1024 * 1024)));
    };
    endless.on('drain', more);
    more();
    await until('the endless upload is refused', () => outcomes.some((outcome) => outcome.tooLarge), 20_000);
    await until('the endless upload is refused', () => outcomes.length === 2, 20_000);
    endless.destroy();
  });

  it.each<[string, FormData, string, string]>([
    ['no file', formOf(), 'file', 'is required'],
    ['another field', formOf(['attachment', blob('x'), 'a']), 'attachment', 'is no field of this form'],
    ['a text field beside it', formOf(['file', blob('x'), 'a'], ['note', 'x']), 'note', 'is no field of this form'],
    ['text instead of a file', formOf(['file', 'x']), 'file', 'must be a file'],
    ['two files', formOf(['file', blob('x'), 'a'], ['file', blob('y'), 'b']), 'file', 'must be one file'],
    [
      'many files',
      formOf(...Array.from({ length: 9 }, (): [string, Blob, string] => ['file', blob('x'), 'a'])),
      'file',
      'must be one file',
    ],
  ])('is refused with %s, and the field is named', async (_title, form, path, message) => {
    const [first] = [...form.keys()];
    const outcome =
      first === undefined
        ? await post('--b--\r\n', { 'content-type': 'multipart/form-data; boundary=b' })
        : await post(form);
    expect(outcome.errors).toEqual([{ path, message }]);
  });

  it.each([
    ['JSON', '{"file": "x"}', 'application/json'],
    ['a form without a boundary', '--b--', 'multipart/form-data'],
    [
      'a form that ends too early',
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx',
      'multipart/form-data; boundary=b',
    ],
    ['a form of other parts', 'x', 'multipart/form-data; boundary=b'],
    [
      'a form of two parts with malformed headers',
      '--b\r\n\0: x\r\n\r\nx\r\n--b\r\n\0: x\r\n\r\nx\r\n--b--\r\n',
      'multipart/form-data; boundary=b',
    ],
    [
      'a form whose file begins after a malformed header and is far from its end',
      `--b\r\n\0: x\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n${'x'.repeat(200_000)}`,
      'multipart/form-data; boundary=b',
    ],
    ...['--', '--\r\n'].map((end): [string, string, string] => [
      `a form that ends by ${JSON.stringify(end)} before its file does`,
      `--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nX:\r\n--b\r\n\r\n${end}`,
      'multipart/form-data; boundary=b',
    ]),
    [
      'a form with a part that has no header',
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b\r\n\r\nx\r\n--b--\r\n',
      'multipart/form-data; boundary=b',
    ],
    [
      'a form with headers of more than 16 KiB',
      `--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\nX: ${'x'.repeat(16_384)}\r\n\r\nx\r\n--b--\r\n`,
      'multipart/form-data; boundary=b',
    ],
  ])('is refused as %s', async (_title, body, type) => {
    const { errors } = await post(body, { 'content-type': type });
    expect(errors).toEqual([{ path: 'file', message: 'must come as a whole multipart/form-data form' }]);
  });

  it('is refused if its sender went away before it is read', async () => {
    const gone = new Readable({ read() {} });
    await once(gone.destroy(), 'close');
    expect((await receive(incoming(gone))).errors).toHaveLength(1);
  });

  // With either seed the form waited for ever for the end of a file, which stayed open.
  it.each([11, 12])('made of pieces at random is always answered (seed %i)', async (seed) => {
    const random = randomOf(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let n = 0; n < 1_000; n++) {
      const pieces = Array.from({ length: 1 + below(14) }, () => PIECES[below(PIECES.length)]);
      const body = Buffer.from(`--b\r\n${pieces.join('')}`);
      const chunks: Buffer[] = [];
      for (let at = 0; at < body.length; at += chunks.at(-1)?.length ?? 0)
        chunks.push(body.subarray(at, at + 1 + below(n % 2 && at < 300 ? 8 : 80_000)));
      await receive(incoming(Readable.from(chunks, { objectMode: false })));
    }
  });

  it('leaves nothing where its sender goes away', async () => {
    const upload = request(url, { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=b' } });
    upload.on('error', () => {});
    upload.write('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nbegun');
    await until('the upload has begun', () => openFiles().length === 1);
    upload.destroy();
    await until('the upload is given up', () => outcomes.length === 1);
    expect(outcomes[0]?.errors).toHaveLength(1);
  });
});
