import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Refusal } from '../../activities/commands/refusal';
import { ATTACHMENT_LIMIT, FileTooLarge } from '../../activities/received-file';
import { receiveUpload } from '../../api/uploaded-file';
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
  ])('is refused as %s', async (_title, body, type) => {
    const { errors } = await post(body, { 'content-type': type });
    expect(errors).toEqual([{ path: 'file', message: 'must come as a whole multipart/form-data form' }]);
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
