// Texts that make a pattern with backtracking slow: long runs of characters that patterns accept, ended by one they refuse.

/** The parts of names, times, numbers, selectors, paths and headers. */
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
const heads = ['', 'a', '"', 'a: '];
const tails = ['', '!', '\n', '\0'];

/** Some 900 texts of about `size` characters; `more` are further runs, for patterns with words in them. */
export function* hostileStrings(size: number, more: readonly string[] = []): Generator<string> {
  for (const head of heads) {
    for (const run of [...runs, ...more]) {
      const middle = run.repeat(Math.ceil(size / run.length));
      for (const tail of tails) yield head + middle + tail;
    }
  }
}

/** Linear work on texts of this size takes about a millisecond, quadratic work several hundred. */
const fullSize = 20_000;
const maxCpuMs = 100;

/** The first text for which `check` takes more than linear time, cut short for a message. Small texts come first. */
export function slowestString(check: (text: string) => unknown, more: readonly string[] = []): string | undefined {
  for (const size of [300, 3_000, fullSize]) {
    for (const text of hostileStrings(size, more)) {
      // The time includes work of other threads, so one slow run proves nothing.
      const isSlow = () => cpuMs(check, text) > maxCpuMs;
      if (isSlow() && isSlow() && isSlow()) return `${text.slice(0, 20)}...${text.slice(-5)}`;
    }
  }
  return undefined;
}

function cpuMs(check: (text: string) => unknown, text: string): number {
  const start = process.cpuUsage();
  try {
    check(text);
  } catch {
    // To refuse the text is a valid answer.
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1_000;
}
