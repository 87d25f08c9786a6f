// Revisions of Deployments, as their ReplicaSets say: the number that `kubectl rollout history` shows, and Deployments without pods.
import { keyOf, type LabelSelector, type ReplicaSet, selects } from './objects';

export interface Revision {
  readonly namespace: string;
  /** Of the Deployment. */
  readonly name: string;
  readonly replicaSet: string;
  /** pod-template-hash */
  readonly hash: string;
  readonly number: number;
  /** Of the pods that it makes. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The Deployment controller writes it; kubectl reads it. */
const revisionKey = 'deployment.kubernetes.io/revision';

/** By NAMESPACE/NAME of the ReplicaSet; without those that no Deployment has made. */
export function revisionsOf(replicaSets: readonly ReplicaSet[]): ReadonlyMap<string, Revision> {
  return new Map(
    replicaSets.flatMap((replicaSet) => {
      const {
        namespace = '',
        name = '',
        labels = {},
        annotations = {},
        ownerReferences = [],
      } = replicaSet.metadata ?? {};
      const owner = ownerReferences.find(({ controller, kind }) => controller === true && kind === 'Deployment');
      if (!owner) return [];
      const revision: Revision = {
        namespace,
        name: owner.name,
        replicaSet: name,
        hash: labels['pod-template-hash'] ?? '',
        number: Number(annotations[revisionKey] ?? 0),
        labels: replicaSet.spec?.template?.metadata?.labels ?? {},
      };
      return [[keyOf(replicaSet), revision] as const];
    }),
  );
}

/** The newest revision of each Deployment that has no pods: it is scaled to 0, or its pods cannot be created. */
export function withoutPods(
  revisions: Iterable<Revision>,
  hasPods: (revision: Revision) => boolean,
): readonly Revision[] {
  const newest = new Map<string, Revision>();
  const busy = new Set<string>();
  for (const revision of revisions) {
    const deployment = `${revision.namespace}/${revision.name}`;
    if (hasPods(revision)) busy.add(deployment);
    const known = newest.get(deployment);
    if (!known || known.number < revision.number) newest.set(deployment, revision);
  }
  return [...newest].flatMap(([deployment, revision]) => (busy.has(deployment) ? [] : [revision]));
}

/** Whether pods of the revision would be behind a Service with this selector. A Service without one selects nothing. */
export const wouldServe = (selector: LabelSelector['matchLabels'], { labels }: Revision): boolean =>
  selector !== undefined && Object.keys(selector).length > 0 && selects({ matchLabels: selector }, labels);

/** The box of its pods. */
export const replicaSetId = ({ namespace, replicaSet }: Pick<Revision, 'namespace' | 'replicaSet'>): string =>
  `workload/${namespace}/ReplicaSet/${replicaSet}`;
