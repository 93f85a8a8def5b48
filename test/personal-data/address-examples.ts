// Says by example what an address in a text is. Purge, export, replay and scan are tested with every row; docs/gdpr.md shows them.
const base64 = (text: string) => Buffer.from(text).toString('base64');
const hex = (text: string) => Buffer.from(text).toString('hex');

const ADA = 'ada@customer.example';
const BRIEN = 'brien@customer.example';
const O_BRIEN = "o'brien@customer.example";
const IDN = 'ada@bücher.example';

export interface AddressExample {
  text: string;
  /** Whom it may mention. */
  address: string;
  isMention: boolean;
  why: string;
}

export const ADDRESS_EXAMPLES: AddressExample[] = [
  mention(`Ask ${ADA} today`, ADA, 'as it is'),
  mention('Ask Ada@Customer.EXAMPLE today', ADA, 'case is ignored'),
  mention(`Ask ${ADA}.`, ADA, 'a dot that ends a sentence is no part of a domain'),
  mention(`(<${ADA}>)`, ADA, 'brackets are punctuation'),
  mention(`'${ADA}'`, ADA, 'quotes around a whole address are punctuation'),
  mention(`mailto:${ADA}?subject=Hello`, ADA, 'what a link says before and behind it is no part of it'),
  mention(`https://crm.example/find?to=${ADA}&cc=`, ADA, 'a delimiter of a URL separates'),
  mention(`team/${ADA}`, ADA, 'a slash separates'),
  mention(`${ADA}.pdf`, ADA, 'a file may be called after an address'),
  mention(`请联系${ADA}谢谢`, ADA, 'a script that is written without spaces may touch it'),
  mention('ada%40customer.example', ADA, 'escaped for URLs'),
  mention('ada%2540customer%252Eexample', ADA, 'escaped for URLs, twice'),
  mention('ada=40customer.example', ADA, 'quoted-printable'),
  mention('ada@cust=\r\nomer.example', ADA, 'quoted-printable, across a soft line break'),
  mention('ada&#64;customer.example', ADA, 'HTML, as a number'),
  mention('ada&#x40;customer&period;example', ADA, 'HTML, in hex and by name'),
  mention('ada&amp;commat;customer.example', ADA, 'HTML within HTML'),
  mention('ada\\u0040customer.example', ADA, 'JSON and JavaScript'),
  mention(`Hello\\n${ADA}`, ADA, 'the escape of a line break is no letter before it'),
  mention(base64(ADA), ADA, 'base64'),
  mention(base64(`<${ADA}>`), ADA, 'base64, begun one byte before'),
  mention(base64(`: ${ADA} `), ADA, 'base64, begun two bytes before'),
  mention(hex(ADA), ADA, 'hex'),
  mention(`Ask ${IDN}`, IDN, 'a domain with letters beyond ASCII'),
  mention('Ask ada@xn--bcher-kva.example', IDN, 'the same domain as DNS writes it'),
  mention(`Ask ${O_BRIEN}`, O_BRIEN, 'an apostrophe within a local part belongs to it'),
  mention(`Ask '${BRIEN}'`, BRIEN, 'where an apostrophe begins it, it is a quote'),
  mention(`Ask &#39;${BRIEN}&#39;`, BRIEN, 'in HTML too'),
  mention('Ask ada+news@customer.example', 'ada+news@customer.example', 'a tag belongs to the address'),
  other(`Ask ${O_BRIEN}`, BRIEN, "O'Brien is somebody else"),
  other('<p>o&#39;brien@customer.example</p>', BRIEN, 'so he is in HTML'),
  other('Ask ada+news@customer.example', ADA, 'with a tag it is another address'),
  other('Ask countess.ada@customer.example', ADA, 'a dot joins what stands before it'),
  other('Ask countess-ada@customer.example', ADA, 'so does a hyphen'),
  other('Ask xada@customer.example', ADA, 'a longer local part'),
  other('Ask %78ada@customer.example', ADA, 'a longer local part, escaped'),
  other(`Ask ${ADA}.uk`, ADA, 'a longer domain'),
  other(`Ask ${ADA}%2Euk`, ADA, 'a longer domain, escaped'),
  other(`Ask ${ADA}s`, ADA, 'a longer top level'),
  other('Ask ada@shop.customer.example', ADA, 'a domain below it'),
  other('Ask ada at customer.example', ADA, 'words for an at sign are words'),
  other(base64('x-ada@customer.example'), ADA, 'a longer local part in base64'),
];

function mention(text: string, address: string, why: string): AddressExample {
  return { text, address, isMention: true, why };
}
function other(text: string, address: string, why: string): AddressExample {
  return { text, address, isMention: false, why };
}
