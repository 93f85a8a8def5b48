// The address of a person where it is a part of the path.
import { Problem } from './problems';
import { Subject } from './schemas/personal-data';

/** Throws `invalid-request` where it is none. */
export function addressOf(given = ''): string {
  const { success, data } = Subject.safeParse({ email: given });
  if (success) return data.email;
  throw new Problem('invalid-request', 'The address is not as it must be.', {
    errors: [{ path: 'email', message: 'must be one bare e-mail address, like ada@customer.example' }],
  });
}
