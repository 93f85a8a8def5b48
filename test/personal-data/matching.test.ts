// The thread that searches content: its limits hold for one question, not for how much others ask.
import { createMatcher, type Matcher, MatchingFailed } from '../../activities/personal-data/matching/matcher';

const ADA = 'ada@customer.example';
const MIB = 1024 * 1024;
/** A quarter of a second to search, or more on a busy machine. */
const LARGE = 'bob@customer.example '.repeat(MIB / 21);
/** What MANY need together is longer. */
const LIMIT = { answersWithinMs: 2_500 };
const MANY = 20;

const matchers: Matcher[] = [];
function open(limit?: typeof LIMIT): Matcher {
  const matcher = createMatcher(limit);
  matchers.push(matcher);
  return matcher;
}
afterEach(() => Promise.all(matchers.splice(0).map((one) => one.close())));

it('answers a question however many others wait before it', async () => {
  const matcher = open(LIMIT);
  const answers = await Promise.all(Array.from({ length: MANY }, () => matcher.areMentioned([LARGE], ADA)));
  expect(answers.flat()).toEqual(Array(MANY).fill(false));
});

it('answers for each of many large values', async () => {
  const texts = [...Array(MANY - 1).fill(LARGE), `Ask ${ADA}`];
  expect(await open(LIMIT).areMentioned(texts, ADA)).toEqual([...Array(MANY - 1).fill(false), true]);
});

it('fails a question that takes longer than its limit, and answers the next', async () => {
  const matcher = open({ answersWithinMs: 1_000 });
  const [whole] = [LARGE.repeat(40)];
  await expect(matcher.areMentioned([whole], ADA)).rejects.toThrow(MatchingFailed);
  expect(await matcher.areMentioned([`Ask ${ADA}`], ADA)).toEqual([true]);
});

it('fails those who wait when it is closed', async () => {
  const matcher = open();
  const asked = matcher.areMentioned([LARGE], ADA);
  const refused = expect(asked).rejects.toThrow(MatchingFailed);
  await matcher.close();
  await refused;
});

it('leaves the event loop free while it searches', async () => {
  let [last, longest] = [performance.now(), 0];
  const ticks = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 10);
  await open().areMentioned(Array(2).fill('=\n@'.repeat(MIB / 3)), ADA);
  clearInterval(ticks);
  expect(longest).toBeLessThan(500);
});
