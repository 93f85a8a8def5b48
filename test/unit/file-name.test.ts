import { cleanFileName } from '../../api/file-name';

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
