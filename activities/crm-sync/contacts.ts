// Finds the contacts with these addresses in HubSpot, and creates those that are missing.
import { createObjects, type HubspotObject, readObjects } from '../hubspot/batch';
import { HubspotFailure, type HubspotPost } from '../hubspot/client';

const CONTACTS = '/crm/v3/objects/contacts';

/** A name that nobody can register (RFC 2606). */
const NOBODY = 'probe@countersign.invalid';

/** Asks for a contact that does not exist: an answer says that the service works for us. Throws HubspotFailure. */
export async function probeContacts(post: HubspotPost, ending: AbortSignal): Promise<void> {
  await readContacts((path, body) => post(path, body, ending), [NOBODY]);
}

/** Returns each address's contact id, or why HubSpot does not take the address. Throws HubspotFailure if the service is at fault. */
export async function findOrCreateContacts(
  post: HubspotPost,
  addresses: readonly string[],
): Promise<Map<string, string | HubspotFailure>> {
  const contacts = new Map<string, string | HubspotFailure>();
  const asked = new Map(addresses.map((address) => [address.toLowerCase(), address]));
  for (const { id, properties } of await readContacts(post, [...asked.keys()])) {
    const known = [properties.email, ...(properties.hs_additional_emails?.split(';') ?? [])];
    for (const address of known)
      if (address && asked.has(address.toLowerCase())) contacts.set(address.toLowerCase(), id);
  }
  await createObjects(post, {
    path: `${CONTACTS}/batch/create`,
    key: 'email',
    inputs: [...asked.keys()].filter((address) => !contacts.has(address)).map((email) => ({ properties: { email } })),
    settle({ properties: { email = '' } }, result) {
      contacts.set(email, (result instanceof HubspotFailure && result.existingId) || result);
    },
  });
  return contacts;
}

async function readContacts(post: HubspotPost, addresses: readonly string[]): Promise<HubspotObject[]> {
  return readObjects(
    await post(`${CONTACTS}/batch/read`, {
      idProperty: 'email',
      properties: ['email', 'hs_additional_emails'],
      inputs: addresses.map((id) => ({ id })),
    }),
  );
}
