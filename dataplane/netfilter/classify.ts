// The kind of a failure, from the stderr of iptables tools. This is the only file that reads their messages. The tools have no
// translations, so the text is stable within a version line. Unknown text is an unknown failure, never a success.
import { CommandFailed } from '../../controlplane/base/errors';

export type Failure =
  /** Another process holds the xtables lock, or two nft transactions collided: try again. */
  | 'busy'
  /** A chain, table or target that our text names does not exist: our record of the kernel's state is wrong. */
  | 'stale'
  /** The kernel or this build of iptables lacks a match, a target or a table. */
  | 'unsupported'
  /** Not root, or not in the right namespace. */
  | 'forbidden'
  | 'unknown';

/** The first that matches decides: a missing extension is also reported as a missing file. */
const patterns: readonly (readonly [RegExp, Failure])[] = [
  [/xtables lock|Resource temporarily unavailable|Device or resource busy|interrupted system call/i, 'busy'],
  [/Permission denied|Operation not permitted|you must be root/i, 'forbidden'],
  [
    /Couldn't load (match|target)|not supported|unknown option|Table does not exist|Extension .* missing/i,
    'unsupported',
  ],
  [/No chain\/target\/match by that name|No such file or directory|does not exist|Bad rule/i, 'stale'],
];

export function classifyFailure(err: unknown): Failure {
  if (!(err instanceof CommandFailed)) return 'unknown';
  return patterns.find(([pattern]) => pattern.test(err.stderr))?.[1] ?? 'unknown';
}
