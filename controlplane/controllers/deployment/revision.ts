// Revisions of a Deployment: the annotations by which `kubectl rollout history` and `undo` find earlier templates.
import type { Deployment } from '../../api/deployment';
import type { ReplicaSet } from '../../api/replica-set';

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

export const revisionOf = ({ metadata }: ReplicaSet | Deployment): number => {
  const value = Number(metadata?.annotations?.[revisionAnnotation] ?? 0);
  return Number.isSafeInteger(value) ? value : 0;
};

/** One more than the newest among the old sets. */
export const nextRevision = (old: readonly ReplicaSet[]): number => Math.max(0, ...old.map(revisionOf)) + 1;

/**
 * The annotations the newest ReplicaSet should have: the Deployment's, its own, and a revision that only goes up. A set
 * that becomes the newest again (rollback) keeps its earlier revisions in its history.
 */
export function newSetAnnotations(deployment: Deployment, set: Annotations | undefined, revision: number): Annotations {
  const next: Record<string, string> = { ...set };
  for (const [name, value] of Object.entries(deployment.metadata?.annotations ?? {})) {
    if (!notCopied.has(name)) next[name] = value;
  }
  const before = set?.[revisionAnnotation];
  if (before === undefined) next[revisionAnnotation] = String(revision);
  else if (Number(before) < revision) {
    next[revisionAnnotation] = String(revision);
    const history = set?.[historyAnnotation];
    next[historyAnnotation] = history ? `${history},${before}` : before;
  }
  return next;
}
