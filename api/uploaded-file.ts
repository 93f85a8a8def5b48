// Receives the one file of a multipart form while the request streams in.
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { Refusal } from '../activities/commands/refusal';
import { ATTACHMENT_LIMIT, FileTooLarge, type ReceivedFile, receiveFile } from '../activities/received-file';
import { cleanFileName } from './file-name';

/** A client that is answered while it still sends may never read the answer. So we read a refused request too, up to here. */
const PATIENCE = 10 * ATTACHMENT_LIMIT;

interface Upload {
  name: string;
  file: ReceivedFile;
}

/** The caller discards `file`. Throws Refusal `invalid`, which names the field, or FileTooLarge. */
export async function receiveUpload(request: IncomingMessage, field: string): Promise<Upload> {
  if (Number(request.headers['content-length']) > PATIENCE) throw tooLarge();
  const form = openForm(request, field);
  const contents: Readable[] = [];
  let receiving: Promise<Upload> | undefined;
  let fault: unknown;
  // After its first fault the form is gone, and what it still says of the piece that it has counts for nothing.
  const giveUp = (reason: unknown) => {
    if (fault) return;
    fault = reason;
    request.unpipe(form).resume();
    form.destroy();
    for (const content of contents) content.destroy();
  };
  const refuse = (path: string, message: string) => giveUp(invalid(path, message));
  const refuseField = (name: unknown) => refuse(String(name).slice(0, 100), 'is no field of this form');

  form.on('error', () => giveUp(malformed(field)));
  form.on('field', (name) => (name === field ? refuse(field, 'must be a file') : refuseField(name)));
  form.on('file', (name, content: Readable, { filename }) => {
    contents.push(content);
    content.on('error', () => {});
    if (name !== field) refuseField(name);
    else if (contents.length > 1) refuse(field, 'must be one file');
    else if (filename === undefined) refuse(field, 'must be a file');
    if (fault) return void content.destroy();
    receiving = receive(content, cleanFileName(filename));
    receiving.catch(giveUp);
  });
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    form.on(limit, () => refuse(field, 'must be one file'));
  }

  const closed = new Promise((resolve) => form.once('close', resolve));
  request.pipe(form);
  await readWhole(request, field).catch((reason) => {
    giveUp(reason);
    request.pause();
  });
  await closed;
  const received = await receiving?.catch(() => undefined);
  if (!received) refuse(field, 'is required');
  else if (received.file.size > ATTACHMENT_LIMIT) giveUp(tooLarge());
  if (received && !fault) return received;
  await received?.file.discard();
  throw fault;
}

/** One byte over the limit arrives, and shows it; the form drops the rest. */
const receive = async (content: Readable, name: string): Promise<Upload> => ({
  name,
  file: await receiveFile(content, name, ATTACHMENT_LIMIT + 1),
});

function openForm(request: IncomingMessage, field: string): busboy.Busboy {
  try {
    const form = busboy({
      headers: request.headers,
      defParamCharset: 'utf8',
      limits: { fileSize: ATTACHMENT_LIMIT + 1, files: 2, fields: 2, parts: 4, fieldSize: 1024, fieldNameSize: 100 },
    });
    failIfCut(form);
    return form;
  } catch {
    throw malformed(field);
  }
}

/** Where a delimiter cuts the headers of a file, the form can end before the file. busboy would wait for the file's end for ever. */
function failIfCut(form: busboy.Busboy & { _fileStream?: Readable | null }): void {
  const end = form._final.bind(form);
  form._final = (callback) => {
    end(callback);
    if (form._fileStream) form.destroy(new Error('A file has no end.'));
  };
}

/** Returns once the request has come whole. Throws FileTooLarge as soon as it is endless, and a Refusal if its sender goes away. */
function readWhole(request: IncomingMessage, field: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    request.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen > PATIENCE) reject(tooLarge());
    });
    request.once('end', resolve);
    request.once('close', () => reject(malformed(field)));
    // Its sender may have gone while we asked who it is.
    if (request.destroyed) reject(malformed(field));
  });
}

const invalid = (path: string, message: string) =>
  new Refusal('invalid', 'The form is not as it must be.', [{ path, message }]);
const malformed = (field: string) => invalid(field, 'must come as a whole multipart/form-data form');
const tooLarge = () => new FileTooLarge('The file is too large.');
