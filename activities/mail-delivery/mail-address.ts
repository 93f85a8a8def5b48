// Writes addresses as mail servers take them.
import { domainToASCII } from 'node:url';

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1);

/** Returns the address with its domain in ASCII, which every mail server and every header takes: `ada@bücher.example` becomes
 *  `ada@xn--bcher-kva.example`. Any other domain stays as it is written. */
export function toMailAddress(address: string): string {
  const domain = domainOf(address);
  const ascii = isAscii(domain) ? domain : domainToASCII(domain) || domain;
  return address.slice(0, address.length - domain.length) + ascii;
}

/** Whether only a server that offers SMTPUTF8 (RFC 6531) takes it. */
export const needsUtf8 = (mailAddress: string): boolean => !isAscii(mailAddress);

const isAscii = (text: string) => /^\p{ASCII}*$/u.test(text);
