// matches, find and findAll with RE2, which takes linear time: a pattern of JavaScript could hold the event loop for ever.
import type { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { CelEvaluationError } from '../errors';

/** The library's own `matches` cannot be replaced: the engine renames its calls to this. */
export const linearMatches = 'matchesLinear';

/** Compiled patterns; expressions mostly have constant ones. */
const maxCached = 1000;
const cached = new Map<string, RE2JS>();

function compiled(pattern: string): RE2JS {
  const found = cached.get(pattern);
  if (found) return found;
  let regex: RE2JS;
  try {
    regex = RE2JS.compile(pattern);
  } catch (err) {
    throw new CelEvaluationError(err instanceof Error ? err.message : String(err));
  }
  if (cached.size >= maxCached) cached.delete(cached.keys().next().value!);
  cached.set(pattern, regex);
  return regex;
}

function findAll(text: string, pattern: string, limit: bigint): string[] {
  const matcher = compiled(pattern).matcher(text);
  const found: string[] = [];
  while ((limit < 0n || found.length < limit) && matcher.find()) found.push(matcher.group() ?? '');
  return found;
}

export function registerRegex(environment: Environment): void {
  const matches = (text: string, pattern: string) => compiled(pattern).matcher(text).find();
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
