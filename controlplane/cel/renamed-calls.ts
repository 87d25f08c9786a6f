// Some functions of the library cannot be replaced, so calls of them get another name before the check: that of the function that stands
// in. Error messages and estimates know the name that the author wrote.
import { linearMatches } from './extensions/regex';
import { unzonedName, zonedName } from './extensions/zoned-times';

/** @param part a part of an expression that is parsed and not checked; its calls change */
export function renameCalls(part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  if ('args' in part && 'op' in part && Array.isArray(part.args) && (part.op === 'call' || part.op === 'rcall')) {
    const [name, , rest] = part.args as [unknown, unknown, unknown];
    const takesOne = part.op === 'rcall' && Array.isArray(rest) && rest.length === 1;
    part.args[0] = name === 'matches' ? linearMatches : (takesOne && zonedName(name)) || name;
  }
  for (const inner of Object.values('args' in part ? [part.args] : part)) renameCalls(inner);
}

export const writtenName = (name: string): string => (name === linearMatches ? 'matches' : unzonedName(name));
