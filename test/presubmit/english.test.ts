// Words that made readers read a sentence twice do not come back into comments and documents. CONTRIBUTING.md has the reasons.
import t from 'tap';
import { filesBelow, readSources, readText } from './sources';

/** Word or phrase → what to write. */
const unclear: Readonly<Record<string, string>> = {
  anew: 'again',
  beside: 'next to, in addition to',
  besides: 'in addition to',
  'let go': 'removed, released',
  nobody: 'no user, no process, no client',
  'taken away': 'removed',
  told: 'reported, notified, configured',
  whoever: 'the user who, the process that',
  wish: 'desired, requested',
  wished: 'desired, requested',
};
const words = new RegExp(`\\b(${Object.keys(unclear).join('|')})\\b`, 'gi');

/** Whether the position is inside a quotation, such as a name in code. */
const isQuoted = (line: string, at: number): boolean => (line.slice(0, at).split('`').length - 1) % 2 === 1;

function unclearIn(line: string): readonly string[] {
  return [...line.matchAll(words)]
    .filter(({ index }) => !isQuoted(line, index))
    .map(([word]) => `${word}: write ${unclear[word!.toLowerCase()]}`);
}

/** The comment of a line. URLs and strings that look like a comment are not part of it. */
const commentOf = (line: string): string => /^\s*(?:\/\/|\/?\*+)(.*)|\s\/\/ (.*)/.exec(line)?.slice(1).join(' ') ?? '';

t.test('comments have no unclear words', async (t) => {
  const wrong = readSources()
    .filter(({ path }) => path !== 'test/presubmit/english.test.ts')
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, i) => unclearIn(commentOf(line)).map((problem) => `${path}:${i + 1}: ${problem}`)),
    );
  t.strictSame(wrong, []);
});

t.test('documents have no unclear words', async (t) => {
  const documents = ['agents', 'controlplane', 'dataplane', 'hack', 'test'].flatMap((top) => filesBelow(top, '.md'));
  const all = [...documents, 'README.md', 'CONTRIBUTING.md', 'DESIGN.md', 'CHANGELOG.md'];
  const wrong = all.flatMap((path) =>
    readText(path)
      .split('\n')
      .flatMap((line, i) => unclearIn(line).map((problem) => `${path}:${i + 1}: ${problem}`)),
  );
  t.strictSame(wrong, []);
});

t.test('the check finds unclear words, but not in quotations', async (t) => {
  t.strictSame(unclearIn(commentOf('  // Made anew for whoever asks')), [
    'anew: write again',
    'whoever: write the user who, the process that',
  ]);
  t.strictSame(unclearIn(commentOf('const a = 1; // nobody reads it')), [
    'nobody: write no user, no process, no client',
  ]);
  t.strictSame(unclearIn(commentOf("const a = 'nobody';")), []);
  t.strictSame(unclearIn('the user `nobody` owns it'), []);
});
