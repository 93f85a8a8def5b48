import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import express from 'express';
import { decide, IDIOMATIC_QUEUE } from './idiomatic-contract';
import type { idiomaticApproval } from './idiomatic-workflow';
import { listen } from './listen';

async function main(): Promise<void> {
  const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '' });
  const { workflow } = new Client({ connection });
  const app = express().use(express.json());

  app.post('/drafts', async (request, response) => {
    const { to, subject, body } = request.body;
    const id = randomUUID();
    await workflow.start<typeof idiomaticApproval>('idiomaticApproval', {
      taskQueue: IDIOMATIC_QUEUE,
      workflowId: `idiomatic-${id}`,
      args: [{ id, to, subject, body }],
    });
    response.status(201).json({ id, status: 'pending' });
  });

  app.post('/drafts/:id/approve', async (request, response) => {
    const { id } = request.params;
    const status = await workflow.getHandle(`idiomatic-${id}`).executeUpdate(decide, { args: ['approved'] });
    response.json({ id, status });
  });

  listen(app);
}
void main();
