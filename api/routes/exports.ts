// Everything held about a person: ask for it, see how far it is, and download it.
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import type { CommandContext } from '../../activities/commands/context';
import { getDocument } from '../../activities/person-export/content';
import { type ExportRecord, readExport, type SealedExport, toView } from '../../activities/person-export/export-record';
import { createSubjects } from '../../activities/personal-data/subject';
import { ObjectNotFound } from '../../ops/runtime/object-store';
import { addressOf } from '../address-in-path';
import type { AppDependencies } from '../dependencies';
import { type Call, type Endpoint, endpoint } from '../endpoint';
import { Problem } from '../problems';
import * as schema from '../schemas/personal-data';

const common = { tag: 'GDPR', roles: ['admin'] } as const;

type Dependencies = Pick<AppDependencies, 'db' | 'files' | 'commands' | 'settings'>;

export function exportEndpoints({ db, files, commands, settings }: Dependencies): Endpoint[] {
  const subjects = createSubjects(settings.SECRET_KEY);

  async function request(email: string, { context, response }: Pick<Call<unknown, unknown>, 'context' | 'response'>) {
    const made = await commands.requestExport(context, { email });
    response.setHeader('Location', `/api/gdpr/exports/${made.id}`);
    return made;
  }

  async function find(id: string): Promise<ExportRecord> {
    const record = await readExport(db, id);
    if (!record) throw new Problem('not-found', 'There is no such export.');
    return record;
  }

  async function open(record: ExportRecord) {
    const { id, object, sealed } = record;
    if (record.status !== 'ready' || object === null || sealed === null) throw unreadable(record);
    const { key } = subjects.unseal<SealedExport>(sealed);
    return getDocument(files, { id, object, key }).catch((error) => {
      throw error instanceof ObjectNotFound ? MISSING : error;
    });
  }

  async function send(record: ExportRecord, context: CommandContext, isHead: boolean, response: Response) {
    const document = await open(record);
    response.attachment(`export-${record.id}.json`).set('Content-Length', String(record.size));
    if (isHead) {
      document.destroy();
      return void response.end();
    }
    await commands.recordEvent(context, { type: 'export.downloaded', subject: 'export', subjectId: record.id });
    try {
      await pipeline(document, response);
    } catch (error) {
      // The reader went away, or has seen already that the document ends too early.
      if (!response.headersSent) throw error;
      response.destroy();
    }
  }

  const accepted = {
    status: 202,
    description: 'The worker prepares it',
    body: schema.ExportStatus,
    headers: { Location: 'Where to read how far it is' },
  };

  return [
    endpoint({
      ...common,
      method: 'post',
      path: '/api/gdpr/exports',
      summary: 'Export everything held about a person, without the address in the URL',
      description:
        'The worker prepares it as a document. Read its status until it is `ready`, then download its content within 24 hours.',
      body: schema.Subject,
      answer: accepted,
      problems: ['wrong-state'],
      handle: ({ body, ...call }) => request(body.email, call),
    }),
    ...(['get', 'post'] as const).map((method) =>
      endpoint({
        ...common,
        method,
        path: '/api/gdpr/user/:email/export',
        summary: 'Export everything held about a person',
        description: 'The same as `POST /api/gdpr/exports`.',
        answer: accepted,
        problems: ['wrong-state'],
        handle: ({ params, ...call }) => request(addressOf(params.email), call),
      }),
    ),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/exports/:id',
      summary: "Get an export's status",
      answer: { status: 200, description: 'The export', body: schema.ExportStatus },
      problems: ['not-found'],
      handle: async ({ params }) => toView(await find(params.id as string)),
    }),
    endpoint({
      ...common,
      method: 'get',
      path: '/api/gdpr/exports/:id/content',
      summary: 'Download an export',
      description: 'A JSON document, streamed. It can be read until the export expires.',
      answer: { status: 200, description: 'Everything held about that person, by store', body: schema.Export },
      problems: ['not-found', 'export-pending', 'export-failed', 'expired', 'erased', 'files-unavailable'],
      handle: async ({ params, request: { method }, response, context }) =>
        send(await find(params.id as string), context, method === 'HEAD', response),
    }),
  ];
}

/** The store is another, or not mounted; or a restore of the database has brought back the row alone. */
const MISSING = new Problem(
  'files-unavailable',
  'The file store does not have the document of this export. Try again, or ask for another export.',
);
const GONE = new Problem('expired', 'The document of this export is gone. Ask for another export.');

function unreadable({ status, failureCode }: ExportRecord): Problem {
  switch (status) {
    case 'pending':
      return new Problem(
        'export-pending',
        'The worker still prepares it. Read its status, and download it once it is ready.',
        {
          headers: { 'Retry-After': '1' },
        },
      );
    case 'failed':
      return new Problem(
        'export-failed',
        `Not everything could be read (${failureCode}), and half of it would look like all. Ask for another export once the store is back.`,
      );
    case 'erased':
      return new Problem(
        'erased',
        'It was removed, since it held somebody who is being erased. Ask for another export.',
      );
    default:
      return GONE;
  }
}
