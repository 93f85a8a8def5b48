// The reference `plain`: Express, PostgreSQL and SMTP, with no durability beyond its two writes. What is approved when
// this process is killed is never sent, and nothing says so: it is here to show what the least work costs.
import { randomUUID } from 'node:crypto';
import express from 'express';
import nodemailer from 'nodemailer';
import pg from 'pg';
import { listen } from './listen';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, min: 20, max: 30 });
const mailer = nodemailer.createTransport(`${process.env.SMTP_URL}?pool=true&maxConnections=16&maxMessages=1000000`);

const app = express().use(express.json());

app.post('/drafts', async (request, response) => {
  const { to, subject, body } = request.body;
  const id = randomUUID();
  await pool.query({
    name: 'create',
    text: `INSERT INTO drafts (id, status, "to", subject, body, created_at) VALUES ($1, 'pending', $2, $3, $4, now())`,
    values: [id, to, subject, body],
  });
  response.status(201).json({ id, status: 'pending' });
});

app.post('/drafts/:id/approve', async (request, response) => {
  const { id } = request.params;
  const { rows } = await pool.query({
    name: 'approve',
    text: `UPDATE drafts SET status = 'approved' WHERE id = $1 AND status = 'pending' RETURNING "to", subject, body`,
    values: [id],
  });
  if (!rows[0]) {
    response.sendStatus(409);
    return;
  }
  response.json({ id, status: 'approved' });
  const { to, subject, body } = rows[0];
  await mailer.sendMail({ from: process.env.MAIL_FROM, to, subject, text: body });
  await pool.query({
    name: 'sent',
    text: `UPDATE drafts SET status = 'sent', sent_at = now() WHERE id = $1`,
    values: [id],
  });
});

async function main(): Promise<void> {
  await pool.query(`CREATE TABLE drafts (id uuid PRIMARY KEY, status text NOT NULL, "to" text NOT NULL, subject text NOT NULL,
    body text NOT NULL, created_at timestamptz NOT NULL, sent_at timestamptz)`);
  listen(app);
}
void main();
