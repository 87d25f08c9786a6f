// Counts of assertions from what tap writes. Pure.

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const noCounts: Counts = { passed: 0, failed: 0, skipped: 0 };

export const addCounts = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

/** The closing line of hack/test. */
export const renderCounts = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

/** From the summary comment at the end of the outermost level: # { total: 55, pass: 53, fail: 1, skip: 1 } */
export function countsOf(tap: string): Counts {
  const summary = [...tap.matchAll(/^# \{ ([^}]*) \}$/gm)].at(-1)?.[1];
  if (summary === undefined) return noCounts;
  const values = new Map(
    summary.split(', ').map((part) => {
      const [name = '', value = ''] = part.split(': ');
      return [name, Number(value)];
    }),
  );
  const value = (name: string) => values.get(name) ?? 0;
  return { passed: value('pass'), failed: value('fail'), skipped: value('skip') + value('todo') };
}

export interface Verdict {
  readonly counts: Counts;
  /** Why the run failed, if no failed assertion says so. */
  readonly problem?: string;
}

/** A run without a test, or a run that failed without a failed assertion (a crash of the runner), must not pass. */
export function judgeRun(tap: string, exitCode: number): Verdict {
  const counts = countsOf(tap);
  if (counts.failed > 0) return { counts };
  const failed = { ...counts, failed: 1 };
  if (exitCode !== 0) return { counts: failed, problem: `tap ended with code ${exitCode}` };
  if (counts.passed > 0) return { counts };
  if (counts.skipped > 0)
    return { counts: failed, problem: 'no test ran: all were skipped, or no name matches --grep' };
  return { counts: failed, problem: 'no test ran: tap left no results' };
}

/** Lines of a failure's details that are shown; a rule dump can have hundreds. */
const maxDetailLines = 60;

/**
 * What failed, for people: each failed assertion with the names of the tests around it and its details. Tests that failed only
 * because something inside them did are left out.
 */
export function failuresOf(tap: string): readonly string[] {
  const lines = tap.split('\n');
  const path: string[] = [];
  const failures: string[] = [];
  lines.forEach((line, i) => {
    const indent = /^ */.exec(line)![0].length;
    const depth = indent / 4;
    const subtest = /^ *# Subtest: (.*)$/.exec(line)?.[1];
    if (subtest !== undefined) {
      path.length = depth;
      path[depth] = subtest;
      return;
    }
    const failed = /^ *not ok \d+ (?:- )?(.*)$/.exec(line)?.[1];
    if (failed === undefined || / # (TODO|SKIP)/i.test(failed)) return;
    const details = detailsAfter(lines, i + 1, indent);
    const isLeaf = !closesSubtest(lines, i, indent);
    // A file that fails without a failed assertion has crashed or timed out.
    const file = `FAIL ${failed.replace(/ # time=.*$/, '')} > `;
    const crashed = depth === 0 && !failures.some((text) => text.startsWith(file));
    if (!isLeaf && !crashed) return;
    const shown = details.slice(0, maxDetailLines).map((detail) => `    ${detail.slice(indent)}`);
    failures.push([`FAIL ${[...path.slice(0, depth), failed].join(' > ')}`, ...shown].join('\n'));
  });
  return failures;
}

/** The YAML block after a test point. */
function detailsAfter(lines: readonly string[], start: number, indent: number): string[] {
  if (lines[start]?.trim() !== '---') return [];
  const end = lines.findIndex((line, i) => i > start && line === `${' '.repeat(indent + 2)}...`);
  return lines.slice(start + 1, end < 0 ? start + 1 + maxDetailLines : end);
}

/** A test point closes a subtest when the comment that opened it is the last line before it with the same indentation. */
function closesSubtest(lines: readonly string[], at: number, indent: number): boolean {
  for (let i = at - 1; i >= 0; i--) {
    const line = lines[i]!;
    const depth = /^ */.exec(line)![0].length;
    if (line.trim() === '' || depth > indent) continue;
    return depth === indent && line.trimStart().startsWith('# Subtest');
  }
  return false;
}
