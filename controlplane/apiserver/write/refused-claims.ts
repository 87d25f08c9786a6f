// When the store refuses a claim, the write starts again and its rules see the refused claim. If the server chose the value, it
// chooses another; if the writer requested the value, the rule refuses the write with its own message.
import type { Kind } from '../../api/kind';
import type { AlreadyClaimed } from '../../base/errors';
import { conflict } from '../status';

/** A bound: each refusal is one value that another server assigned and this server has not seen yet, so there are few. */
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
