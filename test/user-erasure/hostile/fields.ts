// Writes hostile content into every field that an author, an approver or an admin can write, and notes what an erasure may change.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { storeAttachment } from '../../../activities/attachments';
import type { SubmitInput } from '../../../activities/commands/index';
import { receiveFile } from '../../../activities/received-file';
import { NewDraft } from '../../../api/schemas/draft';
import { setStatus } from '../../support/commands';
import type { Chance } from '../races/chance';
import type { World } from '../races/world';
import { BYSTANDERS, BYSTANDERS_AS_A_WHOLE, type HostileText, hostileJson, hostileText, PERSON } from './content';
import { type Allowed, allow } from './rows';

/** A new revision of an open draft changes these. */
const REVISED = [
  'version',
  'revision',
  'status',
  'decision',
  'expires_at',
  'due_at',
  'reply_to',
  'next_attempt_at',
  'updated_at',
];

export interface Case {
  /** Of a row: which column holds it. */
  row: string;
  column: string;
  value: HostileText;
}

export class Fields {
  readonly allowed: Allowed = new Map();
  readonly cases: Case[] = [];
  /** Files of others, which must stay. */
  readonly files: string[] = [];
  private n = 0;

  constructor(
    private readonly world: World,
    private readonly chance: Chance,
  ) {}

  /** One more thing that a client writes, with some of its fields. */
  async writeOne(): Promise<void> {
    const { chance } = this;
    this.n += 1;
    if (chance.is(0.6)) await this.draft();
    else await chance.one([this.key, this.suppression, this.hold, this.policy, this.extension]).call(this);
  }

  private async draft(): Promise<void> {
    const { world, chance } = this;
    const isOpen = chance.is(0.5);
    const [name, subject, campaign] = [this.line(), this.line(), this.line()];
    const [body, html, file] = [hostileText(chance), hostileText(chance), hostileText(chance)];
    const isAbout = chance.is(0.25);
    const isKeyAbout = chance.is(0.2);
    const key = isKeyAbout ? this.mixedCase() : `${this.n} ${chance.one(BYSTANDERS)}`;
    const replyTo = chance.is(0.3) ? this.mixedCase() : chance.one(BYSTANDERS_AS_A_WHOLE);
    const given = { subject: subject.text, body: body.text, html: html.text, campaign: campaign.text, replyTo };
    const input = {
      ...given,
      to: chance.one(BYSTANDERS_AS_A_WHOLE),
      metadata: hostileJson(chance, isAbout),
    };
    // The API would have refused it; another is drawn instead.
    const { data: accepted } = NewDraft.safeParse(input);
    if (!accepted) return this.draft();
    const uploaded = await this.upload(name.text, file.text);
    const submitted: SubmitInput = {
      ...{ ...accepted, attachments: [uploaded.id], idempotencyKey: key },
      confidence: isOpen ? 0.1 : 1,
    };
    const { id } = await world.commands.submitDraft(world.author, submitted);
    const comment = hostileText(chance);
    await world.commands.requestChanges(world.approver, { id, comment: comment.text }).catch(() => {});
    const verdict = await world.db.verdict.findFirst({ where: { draftId: id } });
    if (verdict) this.note(`verdicts ${verdict.id}`, 'comment', comment);
    const reason = hostileText(chance);
    if (isOpen && chance.is(0.2)) {
      await world.commands.withdrawDraft(world.author, { id, reason: reason.text });
      const written = await world.db.note.findFirstOrThrow({ where: { draftId: id } });
      this.note(`notes ${written.id}`, 'text', reason);
    } else if (!isOpen) await setStatus(world.db, id, 'sent', 'delivered');

    const isFileGoing = name.isMention || file.isMention;
    const isMail = [subject, body, html].some(({ isMention }) => isMention) || replyTo.toLowerCase() === PERSON;
    for (const [column, value] of Object.entries({ subject, body, html }))
      this.note(`revisions ${id}/1`, column, value);
    this.note(`drafts ${id}`, 'campaign', campaign);
    this.note(`drafts ${id}`, 'idempotency_key', { text: key, isMention: isKeyAbout, kept: [] });
    this.note(`drafts ${id}`, 'reply_to', { text: replyTo, isMention: replyTo.toLowerCase() === PERSON, kept: [] });
    if (isAbout) allow(this.allowed, `drafts ${id}`, 'metadata');
    if (isMail || isFileGoing) {
      allow(this.allowed, `drafts ${id}`, ...REVISED);
      if (verdict) allow(this.allowed, `verdicts ${verdict.id}`, 'dismissed_at');
    }
    this.note(`attachments ${uploaded.id}`, 'name', { ...name, kept: [] });
    if (!isFileGoing) this.files.push(uploaded.sha256);
    else {
      this.allowed.set(`attachments ${uploaded.id}`, 'gone');
      this.allowed.set(`draft_attachments ${id}/${uploaded.id}`, 'gone');
    }
  }

  private async key(): Promise<void> {
    const { world, chance } = this;
    const [name, group] = [this.line(), this.line()];
    const email = chance.one(BYSTANDERS_AS_A_WHOLE);
    const { id } = await world.commands.createKey(world.admin, {
      name: `${this.n} ${name.text}`,
      email,
      roles: ['author'],
      groups: [group.text, 'all', `${this.n}`],
    });
    const { principalId } = await world.db.apiKey.findUniqueOrThrow({ where: { id } });
    this.note(`principals ${principalId}`, 'name', { ...name, text: `${this.n} ${name.text}`, kept: [] });
    // The look follows the name.
    if (name.isMention) allow(this.allowed, `principals ${principalId}`, 'look');
    this.note(`api_keys ${id}`, 'groups', group);
  }

  private async suppression(): Promise<void> {
    const { world, chance } = this;
    const reason = hostileText(chance);
    const email = chance.is(0.1) ? this.mixedCase() : `${this.n}${chance.one(BYSTANDERS)}`;
    const { suppression } = await world.commands.addSuppression(world.admin, { email, reason: reason.text });
    const isTheirs = email.toLowerCase() === PERSON;
    this.note(`suppressions ${suppression.id}`, 'email', { text: email, isMention: isTheirs, kept: [] });
    if (suppression.reason === reason.text) this.note(`suppressions ${suppression.id}`, 'reason', reason);
  }

  private async hold(): Promise<void> {
    const reason = hostileText(this.chance);
    const email = `held-${this.n}@elsewhere.example`;
    const { id } = await this.world.commands.placeHold(this.world.admin, { email, reason: reason.text });
    this.note(`legal_holds ${id}`, 'reason', reason);
  }

  private async policy(): Promise<void> {
    const [name, author] = [this.line(), this.line()];
    const sure = { name: 'sure', when: { confidence: { gte: 0.5 } }, then: { outcome: 'auto_approve' as const } };
    const { version } = await this.world.commands.setPolicy(this.world.admin, {
      mode: 'active',
      rules: [sure, { name: name.text, when: { author: { in: [author.text] } }, then: { outcome: 'require' } }],
      otherwise: { outcome: 'require' },
    });
    for (const value of [name, author]) this.note(`policies ${version}`, 'document', value);
  }

  private async extension(): Promise<void> {
    const { world } = this;
    const email = `another-${this.n}@elsewhere.example`;
    const { requestId } = await world.commands.requestErasure(world.admin, { email, grace: 'P7D' });
    const reason = hostileText(this.chance);
    await world.commands.extendErasure(world.admin, requestId, reason.text);
    this.note(`erasures ${requestId}`, 'extension_reason', reason);
  }

  private line(): HostileText {
    const { chance } = this;
    for (;;) {
      const value = hostileText(chance, { isLine: true });
      if (value.text.length <= 100 && !/[\p{Cc}\u2028\u2029]/u.test(value.text)) return value;
    }
  }
  private mixedCase(): string {
    return [...PERSON].map((one) => (this.chance.is(0.5) ? one.toUpperCase() : one)).join('');
  }

  private note(row: string, column: string, value: HostileText): void {
    this.cases.push({ row, column, value });
    if (value.isMention) allow(this.allowed, row, column);
  }

  private async upload(name: string, text: string): Promise<{ id: string; sha256: string }> {
    const { world } = this;
    // No two files have the same bytes: one of them might mention the person by its name.
    const content = `${createHash('sha256').update(`${this.n}`).digest('hex')}\n${text}`;
    const file = await receiveFile(Readable.from([Buffer.from(content)]), name);
    const { type, size, sha256 } = file;
    const { id } = await storeAttachment(world, file, () =>
      world.commands.recordAttachment(world.author, { name, type, size, sha256 }),
    );
    await file.discard();
    return { id, sha256 };
  }
}
