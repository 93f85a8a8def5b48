// Files for drafts: uploaded by their author, read as downloads by whoever may see the draft.
import { pipeline } from 'node:stream/promises';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import { attachmentKey, storeAttachment } from '../../activities/attachments';
import type { CommandContext, Role } from '../../activities/commands/context';
import type { AttachmentView } from '../../activities/commands/draft-view';
import type { Commands } from '../../activities/commands/index';
import { Refusal } from '../../activities/commands/refusal';
import type { ObjectStore } from '../../ops/runtime/object-store';
import type { Database } from '../../prisma/client';
import { requireType } from '../endpoint';
import { receiveUpload } from '../uploaded-file';

export interface AttachmentDependencies {
  db: Database;
  files: ObjectStore;
  commands: Pick<Commands, 'assertRoom' | 'recordAttachment'>;
  /** Lets pass whoever has one of these roles. */
  requireRole(...roles: Role[]): RequestHandler;
  contextOf(request: Request, response: Response): CommandContext;
}

export function attachmentsRouter(dependencies: AttachmentDependencies): Router {
  const { db, files, commands, requireRole, contextOf } = dependencies;
  const router = Router({ caseSensitive: true, strict: true });

  const form = requireType('multipart/form-data');
  router.post('/api/attachments', requireRole('author'), form, async (request, response) => {
    const context = contextOf(request, response);
    // Whoever is refused halfway may go on sending; nothing else is read from this connection.
    const unlessRead = () => void (request.complete || response.setHeader('Connection', 'close'));
    await commands.assertRoom(context, 1).catch((refusal) => {
      unlessRead();
      throw refusal;
    });
    const { name, file } = await receiveUpload(request, 'file').finally(unlessRead);
    try {
      const { type, size, sha256 } = file;
      // Before its bytes are stored; under the lock once more.
      await commands.assertRoom(context, size);
      const record = () => commands.recordAttachment(context, { name, type, size, sha256 });
      const stored = await storeAttachment({ db, files }, file, record);
      response.status(201).location(`/api/attachments/${stored.id}`).json(stored);
    } finally {
      await file.discard();
    }
  });

  router.get('/api/attachments/:id', requireRole('author', 'approver'), async (request, response) => {
    const attachment = await find(String(request.params.id), contextOf(request, response));
    const content = request.method === 'HEAD' ? null : await files.get(attachmentKey(attachment.sha256));
    // Express guesses a type from the name, which ours replaces.
    response.attachment(attachment.name).set(downloadHeaders(attachment));
    if (!content) return void response.end();
    try {
      await pipeline(content, response);
    } catch (error) {
      // The reader went away, or has seen already that the content ends too early.
      if (!response.headersSent) throw error;
      response.destroy();
    }
  });

  /** One's own, or anybody's for an approver. Somebody else's is not there. */
  async function find(id: string, { actor }: CommandContext): Promise<AttachmentView> {
    const found = UUID.test(id) ? await db.attachment.findUnique({ where: { id } }) : null;
    if (!found || (found.uploaderId !== actor.id && !actor.roles.includes('approver'))) {
      throw new Refusal('not_found', 'There is no such attachment.');
    }
    return found;
  }

  return router;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** No browser shows it, guesses at it, runs it, or keeps it. */
function downloadHeaders({ type, size }: AttachmentView): Record<string, string> {
  return {
    'Content-Type': type === 'text/plain' ? 'text/plain; charset=utf-8' : type,
    'Content-Length': String(size),
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'private, no-store',
  };
}
