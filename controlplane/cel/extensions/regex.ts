// matches, find and findAll with RE2, which takes linear time: a pattern of JavaScript could hold the event loop for ever.
import type { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { CelEvaluationError } from '../errors';
import { spendWork } from '../spending';

/** The library's own `matches` cannot be replaced: the engine renames its calls to this. */
export const linearMatches = 'matchesLinear';

/** Compiled patterns; expressions mostly have constant ones. A pattern with repetitions can have a large program. */
const maxCached = 1000;
const maxCachedInstructions = 200_000;
const cached = new Map<string, RE2JS>();
let cachedInstructions = 0;

/** What it costs to compile one instruction, and to have one for each character of a text: the most that was measured. */
const compileCost = 5;
const stepCost = 1 / 3;

function compiled(pattern: string): RE2JS {
  const found = cached.get(pattern);
  if (found) return found;
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern);
  } catch (err) {
    throw new CelEvaluationError(err instanceof Error ? err.message : String(err));
  }
  cachedInstructions += regex.programSize();
  cached.set(pattern, regex);
  for (const [oldest, old] of cached) {
    if (cached.size <= maxCached && cachedInstructions <= maxCachedInstructions) break;
    cachedInstructions -= old.programSize();
    cached.delete(oldest);
  }
  spendWork(regex.programSize() * compileCost);
  return regex;
}

/** All ways through the pattern may advance with each character. @throws CostExceeded */
const spendMatch = (regex: RE2JS, characters: number): void => spendWork(regex.programSize() * characters * stepCost);

function matches(text: string, pattern: string): boolean {
  const regex = compiled(pattern);
  spendMatch(regex, text.length);
  return regex.matcher(text).find();
}

/** Each search may read the text to its end, also one that finds little. */
function findAll(text: string, pattern: string, limit: bigint): string[] {
  const regex = compiled(pattern);
  const matcher = regex.matcher(text);
  const found: string[] = [];
  let from = 0;
  while (limit < 0n || found.length < limit) {
    spendMatch(regex, text.length - from);
    if (!matcher.find()) break;
    found.push(matcher.group() ?? '');
    from = matcher.end();
  }
  return found;
}

export function registerRegex(environment: Environment): void {
  environment
    .registerFunction(
      'string.find(string): string',
      (text: string, pattern: string) => findAll(text, pattern, 1n)[0] ?? '',
    )
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
      findAll(text, pattern, -1n),
    )
    .registerFunction('string.findAll(string, int): list<string>', findAll)
    .registerFunction(`string.${linearMatches}(string): bool`, matches)
    .registerFunction(`${linearMatches}(string, string): bool`, matches);
}
