import { NativeConnection, Worker } from '@temporalio/worker';
import nodemailer from 'nodemailer';
import { createIdiomaticActivities } from './idiomatic-activities';
import { IDIOMATIC_QUEUE } from './idiomatic-contract';

async function main(): Promise<void> {
  const { TEMPORAL_ADDRESS = '', SMTP_URL = '', MAIL_FROM = '', WORKFLOW_BUNDLE = '' } = process.env;
  const mailer = nodemailer.createTransport(`${SMTP_URL}?pool=true&maxConnections=16&maxMessages=1000000`);
  const connection = await NativeConnection.connect({ address: TEMPORAL_ADDRESS });
  const worker = await Worker.create({
    connection,
    taskQueue: IDIOMATIC_QUEUE,
    workflowBundle: { codePath: WORKFLOW_BUNDLE },
    activities: createIdiomaticActivities(mailer, MAIL_FROM),
  });
  const ended = worker.run();
  process.send?.({ port: 0 });
  await ended;
  process.exit(0);
}
void main();
