// A question that only a person's own word answers.
import { createInterface } from 'node:readline';

/** Null where nobody is there to answer. */
export async function askYesNo(question: string): Promise<boolean | null> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: `${question} [yes/no] ` });
  // Or Ctrl-C would only end the question.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  lines.prompt();
  for await (const answer of lines) {
    if (/^y(es)?$/i.test(answer.trim())) return true;
    if (/^no?$/i.test(answer.trim())) return false;
    lines.prompt();
  }
  return null;
}
