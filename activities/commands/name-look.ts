// Computes what a person sees of a name, so that nobody passes for two persons under names that look the same.
import { createHash } from 'node:crypto';

/**
 * Letters and digits that look like ASCII ones, by those: the data of Unicode's UTS #39 (confusables.txt), after compatibility
 * and case folding. No maintained library has it.
 */
const LOOK_ALIKES: Record<string, string> = {
  '2': 'ꝛƨϩꙅᒿꛯ',
  '3': 'ɜȝʒꝫⳍзӡ\u{16f3b}\u{118ca}',
  '4': 'ꮞ\u{118cf}',
  '5': 'ƽ\u{118db}',
  '6': 'ⳓбꮾ\u{118d5}',
  '7': '\u{104fa}\u{118c6}',
  '8': '৪੪\u{1e8cb}ȣ\u{1031a}',
  '9': '੧୨৭൭ꝯⳋ\u{118cc}\u{118d6}',
  a: 'ɑαаꭺᗅꓮ\u{16f40}\u{102a0}',
  b: 'ƅьꮟᖯꞵβвᏼᗷꓐ\u{10282}\u{102a1}\u{10301}',
  c: 'ᴄςⲥсꮯ\u{1043d}\u{118f2}\u{118e9}σꓚ\u{102a2}\u{10302}\u{1051c}',
  d: 'ԁꮷᑯꓒꭰᗞᗪꓓ',
  e: 'ꬲеҽεⴹꭼꓰ\u{118ce}\u{10286}',
  f: 'ꬵꞙẝքϝᖴꓝ\u{118c2}\u{10287}\u{102a5}\u{10525}',
  g: 'ɡᶃƍցԍꮐᏻꓖ',
  h: 'һհꮒηⲏнꮋᕼꓧ\u{102cf}',
  i: 'ıɪɩιіꙇӏꭵ\u{118c3}',
  j: 'ϳјʝꭻᒍꓙ',
  k: 'κⲕкꮶᛕꓗ\u{10518}',
  l: '\u{661}\u{6f1}\u{10320}\u{1e8c7}ǀⲓ\u{5d5}\u{5df}\u{627}\u{7ca}ⵏᛁꓲ\u{16f28}\u{1028a}\u{10309}ⳑꮮᒪꓡ\u{16f16}\u{118d2}\u{10443}\u{10526}',
  m: 'μϻⲙмꮇᗰᛖꓟ\u{102b0}\u{10311}',
  n: 'ոռνⲛꓠ\u{10513}',
  o: '०੦૦௦౦೦൦๐໐၀\u{665}\u{6f5}ᴏᴑꬽοⲟоჿօ\u{5e1}\u{647}\u{6be}\u{6c1}\u{6d5}ഠဝ\u{104ea}\u{118c8}\u{118d7}\u{1042c}\u{7c0}০୦〇\u{114d0}\u{118e0}ⵔዐଠꓳ\u{10292}\u{102ab}\u{10516}',
  p: 'ρⲣрꮲᑭꓑ\u{10295}',
  q: 'ԛգզⵕ',
  r: 'ꭇꭈᴦⲅгꮁʀꭱꮢ\u{104dc}ᖇꓣ\u{16f35}',
  s: 'ꜱѕꮪ\u{118c1}\u{10448}տꮥꓢ\u{16f3a}\u{10296}',
  t: 'τⲧтꭲꓔ\u{16f0a}\u{118dc}\u{10297}\u{102b1}\u{10315}',
  u: 'ꞟᴜꭎꭒʋυս\u{104f6}\u{118d8}ሀᑌꓴ\u{16f42}',
  v: 'ᴠѵ\u{5d8}\u{11706}ꮩ\u{118c0}\u{667}\u{6f7}ⴸᐯꛟꓦ\u{16f08}\u{1051d}',
  w: 'ɯᴡѡԝա\u{1170a}\u{1170e}\u{1170f}ꮃ\u{118ef}\u{118e6}ꮤꓪ',
  x: 'хᕁᕽ\u{10322}\u{118ec}ꭓχⲭⵝᚷꓫ\u{10290}\u{102b4}\u{10317}\u{10527}',
  y: 'ɣᶌʏỿꭚγуүყⲩꭹꮍꓬ\u{16f43}\u{118c4}\u{102b2}',
  z: 'ᴢꮓ\u{102f5}\u{118e5}ζꓜ\u{118c9}',
  aa: 'ꜳ',
  ae: 'æӕ',
  ao: 'ꜵ',
  au: 'ꜷ',
  av: 'ꜹꜻ',
  ay: 'ꜽ',
  bl: 'ы',
  dz: 'ʣ',
  ll: 'ǁ\u{5f0}',
  lo: 'ю',
  ls: 'ʪ',
  lz: 'ʫ',
  oe: 'œ',
  oo: 'ꝏꚙ',
  rn: '\u{118e3}\u{11700}',
  t3: 'ꜩ',
  tf: 'ꝷ',
  ts: 'ʦ',
  ue: 'ᵫ',
  uo: 'ꭣ',
};
const SEEN = new Map(
  Object.entries(LOOK_ALIKES).flatMap(([seen, alike]) => [...alike].map((one) => [one, seen] as const)),
);

/** Returns the name with every letter that a person could take for another replaced by one of them. */
export function lookOf(name: string): string {
  const folded = name.normalize('NFKC').toLowerCase().normalize('NFC');
  return [...folded]
    .map((one) => SEEN.get(one) ?? one)
    .join('')
    .replace(/\s+/g, ' ')
    .replaceAll('rn', 'm')
    .replace(/[1i|]/g, 'l')
    .replaceAll('0', 'o')
    .trim();
}

/** Returns the SHA-256 of the look: the table of principals keeps no second copy of a name. */
export const hashOfLook = (name: string) => Uint8Array.from(createHash('sha256').update(lookOf(name)).digest());
