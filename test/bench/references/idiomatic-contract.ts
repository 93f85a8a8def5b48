import { defineUpdate } from '@temporalio/workflow';

export const IDIOMATIC_QUEUE = 'bench-idiomatic';

export interface IdiomaticDraft {
  id: string;
  to: string;
  subject: string;
  body: string;
}

export const decide = defineUpdate<'approved' | 'rejected', ['approved' | 'rejected']>('decide');
