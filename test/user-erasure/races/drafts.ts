// The drafts of one interleaving: to the person, mentioning them, and of others; what was ever said in each.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { storeAttachment } from '../../../activities/attachments';
import type { SubmitInput } from '../../../activities/commands/index';
import { Refusal } from '../../../activities/commands/refusal';
import { mentionsOf } from '../../../activities/personal-data/mentions';
import type { Chance } from './chance';
import type { World } from './world';

export type Kind = 'own' | 'mention' | 'other';
const KINDS: readonly Kind[] = ['own', 'own', 'mention', 'mention', 'other'];

export interface KnownDraft {
  id: string;
  kind: Kind;
  to: string;
  /** Every body it was ever to have, without the person. */
  bodies: Set<string>;
  /** By this process's clock: when something was last said in it. */
  saidAt: number;
}

export class Drafts {
  readonly known: KnownDraft[] = [];
  private said = 0;

  constructor(
    private readonly world: World,
    readonly email: string,
    private readonly mark: string,
  ) {}

  /** @param chance of whoever submits it */
  async submit(chance: Chance): Promise<KnownDraft> {
    const kind = chance.one(KINDS);
    const to = kind === 'own' ? chance.one([this.email, this.email.toUpperCase()]) : `bob-${this.mark}@other.example`;
    const input: SubmitInput = {
      to,
      subject: kind === 'mention' && chance.is(0.3) ? `About ${this.email}` : 'The minutes',
      body: this.body(chance, kind),
      ...(chance.is(0.5) ? { confidence: 1 } : {}),
      ...(kind === 'mention' && chance.is(0.3) ? { replyTo: this.email } : {}),
      ...(kind === 'mention' && chance.is(0.3) ? { metadata: { about: this.email } } : {}),
      ...(chance.is(0.25) ? { attachments: [await this.upload(chance, kind)] } : {}),
    };
    const { id } = await this.world.commands.submitDraft(this.world.author, input);
    const draft = { id, kind, to, bodies: new Set([this.clean(input.body)]), saidAt: Date.now() };
    this.known.push(draft);
    return draft;
  }

  body(chance: Chance, kind: Kind): string {
    const words = `Words ${++this.said} of ${this.mark}`;
    return kind === 'mention' && chance.is(0.8)
      ? `${words}: ask ${chance.one([this.email, this.email.toUpperCase()])}`
      : words;
  }

  clean(text: string): string {
    return mentionsOf(this.email).replace(text).text;
  }

  /** Old enough for retention. */
  async age({ id }: KnownDraft): Promise<void> {
    await this.world.pool.query(`UPDATE drafts SET created_at = created_at - interval '100 days' WHERE id = $1`, [id]);
  }

  private async upload(chance: Chance, kind: Kind): Promise<string> {
    const mentions = kind === 'mention' && chance.is(0.5);
    const bytes = Buffer.from(mentions ? `A file about ${this.email}` : `File ${chance.between(1, 2)} of ${this.mark}`);
    const name = kind === 'mention' && chance.is(0.3) ? `${this.email}.txt` : 'file.txt';
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const file = { name, type: 'text/plain', size: bytes.length, sha256 };
    const received = { ...file, read: () => Readable.from([bytes]), discard: async () => {} };
    const record = () => this.world.commands.recordAttachment(this.world.author, file);
    return (await storeAttachment(this.world, received, record)).id;
  }
}

/** Null where it was refused; everything else is a fault. */
export async function unlessRefused<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}
