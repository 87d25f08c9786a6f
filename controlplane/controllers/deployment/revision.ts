// Revisions of a Deployment: the annotations by which `kubectl rollout history` and `undo` find earlier templates.
import type { Deployment } from '../../api/deployment';
import type { ReplicaSet } from '../../api/replica-set';
import { largestInt64, parseInt64 } from '../../base/integers';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';
/** Annotations of the Deployment that are not copied to its ReplicaSets. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

type Annotations = Readonly<Record<string, string>>;

/** An int64; 0 where there is none. */
export const revisionOf = ({ metadata }: ReplicaSet | Deployment): bigint =>
  parseInt64(metadata?.annotations?.[revisionAnnotation]) ?? 0n;

/** One more than the newest among the old sets; the largest int64 has no next one. */
export function nextRevision(old: readonly ReplicaSet[]): bigint {
  const newest = old.map(revisionOf).reduce((most, each) => (each > most ? each : most), 0n);
  return newest < largestInt64 ? newest + 1n : newest;
}

/** Characters of the history annotation, as upstream. */
const historyLimit = 2000;

/** The earlier revisions of a set, newest last; the oldest are removed when the text becomes too long. */
function appendHistory(history: string | undefined, revision: string): string {
  const all = [...(history ? history.split(',') : []), revision];
  let length = all.reduce((sum, each) => sum + each.length + 1, -1);
  while (length > historyLimit && all.length > 1) length -= all.shift()!.length + 1;
  return all.join(',');
}

/**
 * The annotations the newest ReplicaSet should have: the Deployment's, its own, and a revision that only goes up. A set
 * that becomes the newest again (rollback) keeps its earlier revisions in its history.
 */
export function newSetAnnotations(deployment: Deployment, set: Annotations | undefined, revision: bigint): Annotations {
  const next: Record<string, string> = { ...set };
  for (const [name, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!notCopied.has(name)) next[name] = value;
  }
  const before = set?.[revisionAnnotation];
  if (before === undefined || before === '') {
    next[revisionAnnotation] = String(revision);
    return next;
  }
  // A revision that is not a number stays: it is not ours.
  if ((parseInt64(before) ?? revision) < revision) {
    next[revisionAnnotation] = String(revision);
    next[historyAnnotation] = appendHistory(set?.[historyAnnotation], before);
  }
  return next;
}
