// The one file of a multipart form, received while the request streams in.
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import busboy from 'busboy';
import { Refusal } from '../activities/commands/refusal';
import { ATTACHMENT_LIMIT, FileTooLarge, type ReceivedFile, receiveFile } from '../activities/received-file';
import { cleanFileName } from './file-name';

/** A client that is told while it still sends may never read it: up to here we listen to the end before we answer. */
const PATIENCE = 10 * ATTACHMENT_LIMIT;

/** The caller discards `file`. @throws Refusal `invalid`, naming the field, or FileTooLarge */
export async function receiveUpload(
  request: IncomingMessage,
  field: string,
): Promise<{ name: string; file: ReceivedFile }> {
  if (Number(request.headers['content-length']) > PATIENCE) throw new FileTooLarge('The file is too large.');
  const form = openForm(request, field);
  const files: Promise<{ name: string; file: ReceivedFile }>[] = [];
  let fault: Error | undefined;
  /** Ours, not the form's: no room on the disk, for instance. */
  let failure: unknown;
  const refuse = (path: string, message: string) => {
    fault ??= invalid(path, message);
  };
  form.on('field', (name) =>
    name === field ? refuse(field, 'must be a file') : refuse(name.slice(0, 100), 'is no field of this form'),
  );
  form.on('file', (name, content: Readable, info) => {
    // Nobody listens to a file that is passed over, and it fails with its form.
    content.on('error', () => {});
    if (name !== field) refuse(String(name).slice(0, 100), 'is no field of this form');
    else if (files.length > 0) refuse(field, 'must be one file');
    else if (info.filename === undefined) refuse(field, 'must be a file');
    if (fault) return void content.resume();
    const fileName = cleanFileName(info.filename);
    // One byte over the limit arrives, and shows it; the form drops the rest.
    const receiving = receiveFile(content, fileName, ATTACHMENT_LIMIT + 1).then((file) => ({ name: fileName, file }));
    receiving.catch((error) => {
      if (form.destroyed) return;
      failure = error;
      form.destroy(error);
    });
    files.push(receiving);
  });
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    form.on(limit, () => refuse(field, 'must be one file'));
  }
  try {
    await readThrough(request, form);
  } catch (error) {
    await discardAll(files);
    if (failure) throw failure;
    throw fault ?? (error instanceof FileTooLarge ? error : malformed(field));
  }
  const [received] = await Promise.all(files);
  if (received && received.file.size > ATTACHMENT_LIMIT) fault ??= new FileTooLarge('The file is too large.');
  if (!received) fault ??= invalid(field, 'is required');
  if (fault || !received) {
    await discardAll(files);
    throw fault;
  }
  return received;
}

function openForm(request: IncomingMessage, field: string): busboy.Busboy {
  try {
    return busboy({
      headers: request.headers,
      defParamCharset: 'utf8',
      limits: { fileSize: ATTACHMENT_LIMIT + 1, files: 2, fields: 2, parts: 4, fieldSize: 1024, fieldNameSize: 100 },
    });
  } catch {
    throw malformed(field);
  }
}

function readThrough(request: IncomingMessage, form: busboy.Busboy): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    request.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen > PATIENCE) form.destroy(new FileTooLarge('The file is too large.'));
    });
    request.once('close', () => {
      if (!request.complete) form.destroy(new Error('The upload was cut off.'));
    });
    form.once('error', (error) => {
      request.unpipe(form);
      reject(error);
    });
    form.once('close', resolve);
    request.pipe(form);
  });
}

async function discardAll(files: Promise<{ file: ReceivedFile }>[]): Promise<void> {
  for (const settled of await Promise.allSettled(files)) {
    if (settled.status === 'fulfilled') await settled.value.file.discard();
  }
}

const invalid = (path: string, message: string) =>
  new Refusal('invalid', 'The form is not as it must be.', [{ path, message }]);
const malformed = (field: string) => invalid(field, 'must come as a whole multipart/form-data form');
