// What the OpenAPI document says of attachments, whose bodies are no JSON.
import type { Documented } from '../endpoint';
import { Attachment } from '../schemas/draft';

export const ATTACHMENT_PAGES: Documented[] = [
  {
    method: 'post',
    path: '/api/attachments',
    tag: 'Attachments',
    summary: 'Upload a file',
    description: 'One file of up to 10 MiB, for drafts of its uploader. Unused ones go after a day.',
    roles: ['author'],
    upload: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } },
    answer: { status: 201, description: 'What was stored', body: Attachment, headers: { Location: 'The attachment' } },
    problems: ['invalid-request', 'too-large', 'quota-exceeded', 'unsupported-media-type', 'files-unavailable'],
  },
  {
    method: 'get',
    path: '/api/attachments/:id',
    tag: 'Attachments',
    summary: 'Download a file',
    roles: ['author', 'approver'],
    answer: {
      status: 200,
      description: 'Its bytes',
      type: '*/*',
      headers: { 'Content-Disposition': 'Its name' },
    },
    problems: ['not-found', 'files-unavailable'],
  },
];
