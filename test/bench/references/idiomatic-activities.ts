import type { Transporter } from 'nodemailer';
import type { IdiomaticDraft } from './idiomatic-contract';

export function createIdiomaticActivities(mailer: Transporter, from: string) {
  return {
    async sendMail({ id, to, subject, body }: IdiomaticDraft): Promise<void> {
      await mailer.sendMail({ from, to, subject, text: body, messageId: `<${id}@bench.example>` });
    },
  };
}

export type IdiomaticActivities = ReturnType<typeof createIdiomaticActivities>;
