// From a Deployment and its ReplicaSets to the next writes. One pass plans what can be decided from what is known now;
// every write comes back as an event and leads to the next pass.
import type { Deployment } from '../../api/deployment';
import type { ReplicaSet } from '../../api/replica-set';
import { controllerReference, isDeleting } from '../shared/owner';
import { canonicalTemplate, hashTemplate, podTemplateHash } from '../shared/template-hash';
import {
  desiredAnnotation,
  maxAnnotation,
  newSetAnnotations,
  nextRevision,
  revisionAnnotation,
  revisionOf,
} from './revision';
import {
  isRolling,
  limits,
  newSetReplicas,
  olderFirst,
  type Resize,
  replicasOf,
  rescale,
  shrinkOldSets,
  wasRescaled,
} from './scaling';
import { planStatus, type StatusPlan } from './status';

export type PodTemplateSpec = NonNullable<NonNullable<Deployment['spec']>['template']>;

export type Step =
  | { readonly action: 'create'; readonly set: ReplicaSet }
  /** Writes the whole set; `from` and `to` are its replicas, for the Event. */
  | { readonly action: 'update'; readonly set: ReplicaSet; readonly from: number; readonly to: number }
  | { readonly action: 'delete'; readonly set: ReplicaSet }
  /** Sets the Deployment's own revision annotation. */
  | { readonly action: 'revision'; readonly revision: string };

export interface DeploymentInput {
  readonly deployment: Deployment;
  /** The sets this Deployment controls. */
  readonly sets: readonly ReplicaSet[];
  /** Pods of old sets that still run: a Recreate waits for them. */
  readonly oldPodsRunning: (old: readonly ReplicaSet[]) => boolean;
  readonly now: number;
}
export interface DeploymentPlan extends StatusPlan {
  readonly steps: readonly Step[];
}

const deploymentKind = { apiVersion: 'apps/v1', kind: 'Deployment' };

export function planDeployment(input: DeploymentInput): DeploymentPlan {
  const { deployment, sets, now } = input;
  const template = canonicalTemplate(deployment.spec!.template!);
  // Several sets may have this template after a hash collision. The oldest counts, as upstream.
  const newSet = [...sets].sort(olderFirst).find((set) => canonicalTemplate(set.spec?.template ?? {}) === template);
  const old = sets.filter((set) => set !== newSet);
  const status = planStatus({ deployment, newSet, old, now });
  if (isDeleting(deployment)) return { ...status, steps: [] };
  const steps = planSteps(input, newSet, old, status.complete);
  const creates = steps.find((step) => step.action === 'create')?.set.metadata?.name;
  return { ...(creates === undefined ? status : planStatus({ deployment, newSet, old, now, creates })), steps };
}

function planSteps(
  { deployment, sets, oldPodsRunning }: DeploymentInput,
  newSet: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  complete: boolean,
): Step[] {
  const paused = deployment.spec?.paused === true;
  const revision = newSet ? revisionSteps(deployment, newSet, old) : [];
  if (paused || wasRescaled(deployment, sets)) {
    const steps = merge(deployment, newSet, revision, rescale(deployment, newSet, old));
    return paused ? [...steps, ...cleanUp(deployment, old)] : steps;
  }
  if (!isRolling(deployment)) {
    const running = old.filter((set) => replicasOf(set) > 0);
    const shrink = running.map((set) => ({ set, replicas: 0 }));
    if (shrink.length > 0) return merge(deployment, newSet, revision, shrink);
    if (oldPodsRunning(old)) return merge(deployment, newSet, revision, []);
  }
  if (!newSet) return [{ action: 'create', set: renderSet(deployment, sets) }];
  const desired =
    replicasOf(newSet) > replicasOf(deployment) ? replicasOf(deployment) : newSetReplicas(deployment, newSet, sets);
  const grown: Resize = { set: newSet, replicas: desired };
  // As upstream: the old sets are scaled only when the newest set has its size for this pass.
  const resizes =
    desired !== replicasOf(newSet)
      ? [grown]
      : [grown, ...(isRolling(deployment) ? shrinkOldSets(deployment, newSet, old) : [])];
  const steps = merge(deployment, newSet, revision, resizes);
  return complete ? [...steps, ...cleanUp(deployment, old)] : steps;
}

/** Changes of the newest set's annotations and minReadySeconds, and of the Deployment's revision. */
function revisionSteps(deployment: Deployment, newSet: ReplicaSet, old: readonly ReplicaSet[]): Step[] {
  const annotations = newSetAnnotations(deployment, newSet.metadata?.annotations, nextRevision(old));
  const steps: Step[] = [];
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  const sameAnnotations =
    JSON.stringify(sorted(annotations)) === JSON.stringify(sorted(newSet.metadata?.annotations ?? {}));
  if (!sameAnnotations || (newSet.spec?.minReadySeconds ?? 0) !== minReadySeconds) {
    const replicas = replicasOf(newSet);
    const set = {
      ...newSet,
      metadata: { ...newSet.metadata, annotations },
      spec: { ...newSet.spec!, minReadySeconds },
    };
    steps.push({ action: 'update', set, from: replicas, to: replicas });
  }
  const revision = annotations[revisionAnnotation]!;
  if (deployment.metadata?.annotations?.[revisionAnnotation] !== revision) steps.push({ action: 'revision', revision });
  return steps;
}

/** Joins resizes with the changes of the newest set, so that each set is written at most once. */
function merge(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  revision: readonly Step[],
  resizes: readonly Resize[],
): Step[] {
  const size = sizeAnnotations(deployment);
  const steps: Step[] = [];
  let changedNew = revision.find((step) => step.action === 'update');
  for (const { set, replicas } of resizes) {
    const base = set === newSet && changedNew ? changedNew.set : set;
    const annotations = base.metadata?.annotations ?? {};
    const sized = Object.entries(size).every(([name, value]) => annotations[name] === value);
    if (replicas === replicasOf(set) && sized && base === set) continue;
    const next = {
      ...base,
      metadata: { ...base.metadata, annotations: { ...annotations, ...size } },
      spec: { ...base.spec!, replicas },
    };
    steps.push({ action: 'update', set: next, from: replicasOf(set), to: replicas });
    if (set === newSet) changedNew = undefined;
  }
  if (changedNew) steps.unshift(changedNew);
  return [...steps, ...revision.filter(({ action }) => action === 'revision')];
}

/** Annotations with the replicas that the sets were sized for: they show a later change of the Deployment's replicas. */
function sizeAnnotations(deployment: Deployment): Readonly<Record<string, string>> {
  const desired = replicasOf(deployment);
  return { [desiredAnnotation]: String(desired), [maxAnnotation]: String(desired + limits(deployment).maxSurge) };
}

/** The ReplicaSet for the current template. `collisionCount` grows when another set has the name. */
export function renderSet(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  collisionCount = deployment.status?.collisionCount,
): ReplicaSet {
  const template = deployment.spec!.template!;
  const hash = hashTemplate(template, collisionCount);
  const labels = { ...template.metadata?.labels, [podTemplateHash]: hash };
  const selector = deployment.spec!.selector;
  return {
    metadata: {
      name: `${deployment.metadata?.name}-${hash}`,
      namespace: deployment.metadata?.namespace,
      labels,
      annotations: { ...newSetAnnotations(deployment, undefined, nextRevision(sets)), ...sizeAnnotations(deployment) },
      ownerReferences: [controllerReference(deploymentKind, deployment)],
    },
    spec: {
      replicas: newSetReplicas(deployment, undefined, sets),
      minReadySeconds: deployment.spec?.minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [podTemplateHash]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Old sets beyond revisionHistoryLimit, oldest revision first, that are empty and settled. */
function cleanUp(deployment: Deployment, old: readonly ReplicaSet[]): Step[] {
  const alive = old.filter((set) => !isDeleting(set));
  const excess = alive.length - (deployment.spec?.revisionHistoryLimit ?? 10);
  if (excess <= 0) return [];
  return [...alive]
    .sort(byRevision)
    .slice(0, excess)
    .filter(
      (set) =>
        replicasOf(set) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        (set.metadata?.generation ?? 0) <= (set.status?.observedGeneration ?? 0),
    )
    .map((set) => ({ action: 'delete', set }));
}

function byRevision(a: ReplicaSet, b: ReplicaSet): number {
  const [x, y] = [revisionOf(a), revisionOf(b)];
  return x === y ? olderFirst(a, b) : x < y ? -1 : 1;
}

const sorted = (map: Readonly<Record<string, string>>) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
