// A URL stays well-formed however often it is looked at.
import { parseUrl } from '../../ops/runtime/parse-url';

it('parses an internationalised host however often it is asked', () => {
  for (let i = 0; i < 50_000; i++) {
    if (parseUrl('https://bücher.example/outbox/')?.host !== 'xn--bcher-kva.example') throw new Error(`call ${i}`);
  }
  expect(parseUrl('https://host:99999')).toBeNull();
});
