// API keys and who holds them.
import { z } from 'zod';
import { ROLES } from '../../activities/commands/context';
import { lookOf } from '../../activities/commands/name-look';
import { listOf } from './page';
import { address, line, uuid } from './text';

const OWN = lookOf('countersign:');
/** Zero-width and other format characters, variation selectors, tags, fillers. */
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Co}\p{Cn}\u2800]/u;

const CODE = /^[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N} ._-]*[\p{L}\p{M}\p{N}])?$/u;
/** A group is a code. Other people's erasures would have to rewrite a name that holds an address. */
const group = () =>
  line(100)
    .refine((name) => CODE.test(name), {
      error:
        'must be a code like `legal-de`: letters, digits, spaces, `.`, `_` and `-`, with a letter or digit at both ends. Put no address into it.',
    })
    .meta({ type: 'string', minLength: 1, maxLength: 100, example: 'legal-de' });

export const NewKey = z
  .strictObject({
    name: z
      .string()
      .transform((name) => name.normalize('NFKC').replace(/ +/g, ' ').trim())
      .pipe(
        line(200)
          .refine((name) => !UNSEEN.test(name), {
            error: 'must not hold characters that nobody sees, or that join others',
          })
          .refine((name) => !lookOf(name).startsWith(OWN), { error: 'must not begin with `countersign:`' }),
      )
      .meta({
        type: 'string',
        minLength: 1,
        maxLength: 200,
        description:
          'The person or agent; keys of one name are one principal. A name that looks like the one of another principal is refused',
      }),
    email: address().optional(),
    roles: z
      .array(z.enum(ROLES))
      .min(1)
      .max(ROLES.length)
      .refine((roles) => new Set(roles).size === roles.length, { error: 'must not name a role twice' }),
    groups: z.array(group()).max(50).optional(),
  })
  .meta({ id: 'NewKey' });

const common = { id: uuid(), name: z.string(), roles: z.array(z.enum(ROLES)) };
export const CreatedKey = z
  .object({ ...common, key: z.string().meta({ description: 'Shown this once' }), createdAt: z.iso.datetime() })
  .meta({ id: 'CreatedKey' });
export const Key = z
  .object({
    ...common,
    email: z.string().nullable(),
    groups: z.array(z.string()),
    createdAt: z.iso.datetime(),
    endedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Key' });
export const KeyList = listOf(Key).meta({ id: 'KeyList' });

export const Login = z.strictObject({ key: z.string().min(1).max(200) }).meta({ id: 'Login' });
export const LoggedIn = z.object({ name: z.string(), roles: z.array(z.enum(ROLES)) }).meta({ id: 'LoggedIn' });
