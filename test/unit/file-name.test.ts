import { cleanFileName, contentDisposition } from '../../api/file-name';

describe('the name of an uploaded file', () => {
  it.each([
    ['notes.txt', 'notes.txt'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\fakepath\\offer.pdf', 'offer.pdf'],
    ['a\r\nSet-Cookie: x', 'aSet-Cookie: x'],
    ['a\0b\x7f\x1b.txt', 'ab.txt'],
    ['invoice\u202efdp.exe', 'invoicefdp.exe'],
    ['  spaced.txt  ', 'spaced.txt'],
    ['Zoe\u0308.txt', 'Zoë.txt'],
    ['half \ud83d.txt', 'half \ufffd.txt'],
    ['日本語 📎.pdf', '日本語 📎.pdf'],
    ['folder/', 'attachment'],
    ['', 'attachment'],
    ['..', 'attachment'],
    [undefined, 'attachment'],
  ])('%j becomes %j', (given, clean) => {
    expect(cleanFileName(given)).toBe(clean);
  });

  it('is cut at 255 letters and keeps its extension', () => {
    expect(cleanFileName(`${'a'.repeat(255)}`)).toHaveLength(255);
    const cut = cleanFileName(`${'ä'.repeat(300)}.docx`);
    expect([[...cut].length, cut.endsWith('ä.docx')]).toEqual([255, true]);
  });
});

describe('the name of a download', () => {
  it.each([
    ['notes.txt', `attachment; filename="notes.txt"; filename*=UTF-8''notes.txt`],
    ['a "b"\\c%.txt', `attachment; filename="a _b__c_.txt"; filename*=UTF-8''a%20%22b%22%5Cc%25.txt`],
    [`it's (1)*.txt`, `attachment; filename="it's (1)*.txt"; filename*=UTF-8''it%27s%20%281%29%2A.txt`],
    ['Zoë.txt', `attachment; filename="Zo_.txt"; filename*=UTF-8''Zo%C3%AB.txt`],
  ])('%j is %j', (name, header) => {
    expect(contentDisposition(name)).toBe(header);
  });
});
