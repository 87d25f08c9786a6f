// The kind of a failure, from the stderr of nft. This is the only file that reads its messages. nft has no translations, so the
// text is stable within a version line. Unknown text is an unknown failure, never a success.
import { CommandFailed } from '../../controlplane/base/errors';

export type NftFailure =
  /** Another transaction was committed meanwhile, or the kernel was out of memory for a moment: try again. */
  | 'busy'
  /** A named object does not exist, or has other content: our record of the kernel's state is wrong. */
  | 'stale'
  /** The kernel or this nft lacks a feature, or does not understand the syntax. */
  | 'unsupported'
  /** Not root, or not in the right namespace. */
  | 'forbidden'
  | 'unknown';

/** The first that matches decides. */
const patterns: readonly (readonly [RegExp, NftFailure])[] = [
  [/Operation not permitted|you must be root/i, 'forbidden'],
  [/syntax error|not supported|Invalid argument|Protocol error|unknown chain type/i, 'unsupported'],
  [/Resource busy|Interrupted system call|Cannot allocate memory|No buffer space|Resource temporarily/i, 'busy'],
  [/No such file or directory|File exists|does not exist|No such process/i, 'stale'],
];

export const reactions: Readonly<Record<NftFailure, string>> = {
  busy: 'rules not written: nftables is busy',
  stale: 'rules not written: the kernel does not hold what was expected',
  unsupported: 'rules not written: the kernel or nft lacks what they need',
  forbidden: 'rules not written: not permitted',
  unknown: 'rules not written',
};

export function classifyNftFailure(err: unknown): NftFailure {
  if (!(err instanceof CommandFailed)) return 'unknown';
  return patterns.find(([pattern]) => pattern.test(err.stderr))?.[1] ?? 'unknown';
}
