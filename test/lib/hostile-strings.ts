// Texts that make a pattern with backtracking slow: long runs of characters that patterns accept, ended by one they refuse.

/** What names, times, numbers, selectors, paths and headers are made of. */
const runs = [
  ...' \t\n,.;:/-_=!0a[]()<>{}"\'~%*+$&#@\\',
  'ab',
  'a.',
  'a-',
  '-a',
  'a/',
  '0.',
  '1h',
  'a,',
  'a=b,',
  ' a',
  'a ',
  '  ,',
  ', ',
  '..',
  '//',
  '()',
  '::',
  '%2',
  '\\"',
  'ü',
  '\u2028',
];
const heads = ['', 'a', '0', '"', '/', '-', 'a=', 'a: '];
const tails = ['', '!', '\n', '\0', ' x', '-', '"'];

/** Some 1,700 texts of `size` characters. */
export function* hostileStrings(size: number): Generator<string> {
  for (const head of heads) {
    for (const run of runs) {
      const middle = run.repeat(Math.ceil(size / run.length));
      for (const tail of tails) yield head + middle + tail;
    }
  }
}

/** The first of them for which `check` took more than `maxCpuMs` of CPU time, cut short for a message. */
export function slowestString(
  check: (text: string) => unknown,
  maxCpuMs: number,
  size = 100_000,
): { readonly text: string; readonly tookMs: number } | undefined {
  for (const text of hostileStrings(size)) {
    const start = process.cpuUsage();
    try {
      check(text);
    } catch {
      // A refusal is an answer.
    }
    const { user, system } = process.cpuUsage(start);
    const tookMs = (user + system) / 1_000;
    if (tookMs > maxCpuMs) return { text: `${text.slice(0, 20)}...${text.slice(-5)}`, tookMs };
  }
  return undefined;
}
