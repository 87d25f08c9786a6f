// When the store refuses a claim, the write begins again and its rules know what was refused: what the server chose itself is
// chosen again, what the writer asked for is refused in the words of the rule.
import type { Kind } from '../../api/kind';
import type { AlreadyClaimed } from '../../base/errors';
import { conflict } from '../status';

/** Each refusal shows one value that another server gave and this one has not seen yet. So many at once are not expected. */
const maxRefusals = 100;

/** The refusals so far and this one. @throws Conflict when no rule did anything about a refusal, or after too many */
export function noteRefusal(
  refused: ReadonlyMap<string, string> | undefined,
  kind: Kind,
  name: string,
  { claim, owner }: AlreadyClaimed,
): ReadonlyMap<string, string> {
  if (refused?.has(claim) || refused?.size === maxRefusals) {
    throw conflict(kind, name, `${claim} is held by ${owner.replace('/registry/', '')}`);
  }
  return new Map([...(refused ?? []), [claim, owner]]);
}
