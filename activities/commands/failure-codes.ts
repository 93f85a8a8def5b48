// What a code of a failed delivery means to a person. Codes go everywhere; these sentences only into answers.

/** A restore went back to before the claim (activities/rewind/). */
export const REWOUND = 'rewound';
/** The database went back by other means than a restore: nobody knows what was decided since. */
export const UNCONFIRMED = 'unconfirmed';

const MEANINGS: Record<string, string> = {
  outcome_unknown:
    'The connection broke after the message began and before the server answered: it may or may not have arrived. A person has to resolve it.',
  [REWOUND]:
    'The database was restored to a time before this mail was claimed for sending: it may or may not have gone out. A person has to resolve it.',
  [UNCONFIRMED]:
    'The database went back to an earlier time. Since then this draft may have been withdrawn, or its mail sent. A person has to resolve it.',
  suppressed: 'The address is on the list of those that get no mail; nothing was sent.',
  content_changed: 'What would have been sent is not what was approved.',
  attachment_missing: 'An attachment is no longer in the file store.',
  file_store_away: 'The file store of the attachments did not answer; it is tried again.',
  connection_lost: 'The mail server broke off before the message began; it is tried again.',
  bad_address: 'The address is none that a mail server takes.',
  needs_smtputf8:
    'The address has letters beyond ASCII before the @, and the mail server does not offer SMTPUTF8. Ask for another address.',
  gave_up: 'The recipient could not be reached in all the time that is allowed for it.',
};

/** @param code one of the above, or `smtp_<reply code>` */
export function describeFailure(code: string): string {
  const reply = /^smtp_(\d{3})$/.exec(code)?.[1];
  if (reply?.startsWith('5')) return `The mail server refused the message for good (${reply}).`;
  if (reply) return `The mail server refused the message for now (${reply}); it is tried again.`;
  return MEANINGS[code] ?? code;
}
