// What we sign, written as RFC 8785 has it, so that somebody else's library gets the same bytes.
import { canonicalJson, NotCanonical } from '../../ops/runtime/canonical-json';

/** JSON.parse keeps what a literal in TypeScript would lose, a `__proto__` among them. */
const canonical = (json: string) => canonicalJson(JSON.parse(json));

describe('canonical JSON', () => {
  it('is that of the example in RFC 8785, section 3.2.2', () => {
    const json = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    expect(canonical(json)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('sorts names by UTF-16 code units, as section 3.2.3 has it', () => {
    const json = String.raw`{
      "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
    }`;
    expect([...canonical(json).matchAll(/"([^"]+)":/g)].map(([, name]) => name)).toEqual([
      '\\r',
      '1',
      '\u0080',
      'ö',
      '€',
      '😀',
      '\ufb33',
    ]);
  });

  it.each([
    ['{"10":1,"9":2,"a":3}', '{"10":1,"9":2,"a":3}'],
    ['{"b":{"2":0,"11":0,"-1":0,"1.5":0},"a":0}', '{"a":0,"b":{"-1":0,"1.5":0,"11":0,"2":0}}'],
    ['{"4294967295":1,"4294967294":2,"5":3}', '{"4294967294":2,"4294967295":1,"5":3}'],
    ['{"a":1,"":2,"__proto__":{"b":1,"a":2},"B":3}', '{"":2,"B":3,"__proto__":{"a":2,"b":1},"a":1}'],
    [' [ [ ] , { } , [ { } ] , "" ] ', '[[],{},[{}],""]'],
    ['{"toJSON":1,"length":2}', '{"length":2,"toJSON":1}'],
  ])('of %s is %s', (json, text) => {
    expect(canonical(json)).toBe(text);
  });

  // Appendix B.
  it.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('of the number %s is %s', (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
  });

  it('leaves out a property that is undefined, as JSON.stringify does', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });

  const cycle: unknown[] = [];
  cycle.push({ cycle });
  it.each<[string, unknown]>([
    ['NaN', [Number.NaN]],
    ['an infinity, which JSON.parse makes of 1e400', JSON.parse('{"a":1e400}')],
    ['half a character in a text', JSON.parse('["\\ud83d"]')],
    ['half a character in a name', JSON.parse('{"\\ude00 ":1}')],
    ['halves in the wrong order', ['\ude00\ud83d']],
    ['a cycle', cycle],
    ['a date', { at: new Date(0) }],
    ['a bigint', [1n]],
    ['undefined', undefined],
    ['undefined in an array', [undefined]],
    ['a function', { call() {} }],
  ])('does not exist for %s', (_title, value) => {
    expect(() => canonicalJson(value)).toThrow(NotCanonical);
  });

  it('is made of any nesting that a database or a file may hold', () => {
    const json = `${'[{"a":'.repeat(40_000)}0${'}]'.repeat(40_000)}`;
    expect(canonical(json)).toBe(json);
  });
});
