// The addresses that get no mail.
import { z } from 'zod';
import { listOf } from './page';
import { address, text, uuid } from './text';

export const SuppressedAddress = z.strictObject({ email: address() }).meta({ id: 'SuppressedAddress' });
export const NewSuppression = z.strictObject({ email: address(), reason: text(10_000) }).meta({ id: 'NewSuppression' });

export const Suppression = z
  .object({
    id: uuid(),
    kind: z.enum(['manual', 'unsubscribed', 'erased']),
    email: z.string().nullable().meta({ description: 'Null where only a keyed hash of the address is kept' }),
    reason: z.string().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Suppression' });
export const SuppressionList = listOf(Suppression).meta({ id: 'SuppressionList' });
