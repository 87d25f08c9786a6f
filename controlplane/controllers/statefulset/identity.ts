// Who a pod of a StatefulSet is: its ordinal, its name, its labels, its claims. Pure.
import type { PersistentVolumeClaim } from '../../api/persistent-volume-claim';
import type { Pod } from '../../api/pod';
import { type StatefulSet, statefulSets } from '../../api/stateful-set';
import { controllerReference } from '../shared/owner';
import { revisionHashLabel } from '../shared/revisions';

export const podNameLabel = 'statefulset.kubernetes.io/pod-name';
export const podIndexLabel = 'apps.kubernetes.io/pod-index';

type Template = NonNullable<StatefulSet['spec']>['template'];

export const replicasOf = ({ spec }: StatefulSet): number => spec?.replicas ?? 1;
export const startOf = ({ spec }: StatefulSet): number => spec?.ordinals?.start ?? 0;

/** Undefined for a pod whose name is none that the set gives. */
export function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${set.metadata?.name}-`;
  const name = metadata?.name ?? '';
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
}

export const isMember = (set: StatefulSet, pod: Pod): boolean => ordinalOf(set, pod) !== undefined;
export const podNameOf = ({ metadata }: StatefulSet, ordinal: number): string => `${metadata?.name}-${ordinal}`;

/** False for a pod that the set no longer has: it shrank, or starts at another ordinal. */
export function isDesired(set: StatefulSet, ordinal: number): boolean {
  const start = startOf(set);
  return ordinal >= start && ordinal < start + replicasOf(set);
}

/** The name of the revision from whose template the pod was created. */
export const revisionOf = ({ metadata }: Pod): string | undefined => metadata?.labels?.[revisionHashLabel];

/** The labels that say who the pod is; a user may remove them, and the controller writes them again. */
export const identityLabels = (set: StatefulSet, ordinal: number): Record<string, string> => ({
  [podNameLabel]: podNameOf(set, ordinal),
  [podIndexLabel]: String(ordinal),
});

export const hasIdentity = (set: StatefulSet, pod: Pod, ordinal: number): boolean =>
  Object.entries(identityLabels(set, ordinal)).every(([label, value]) => pod.metadata?.labels?.[label] === value);

export const claimNamesOf = (set: StatefulSet, ordinal: number): string[] =>
  (set.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => claimName(set, metadata?.name, ordinal));

const claimName = (set: StatefulSet, template: string | undefined, ordinal: number): string =>
  `${template}-${podNameOf(set, ordinal)}`;

export function renderClaims(set: StatefulSet, ordinal: number): PersistentVolumeClaim[] {
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    metadata: {
      name: claimName(set, metadata?.name, ordinal),
      namespace: set.metadata?.namespace,
      labels: { ...metadata?.labels, ...set.spec?.selector.matchLabels },
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
    },
    ...(spec ? { spec } : {}),
  }));
}

/** The pod of an ordinal, from the template of a revision; volumes of claims replace those of the template with the same name. */
export function renderPod(set: StatefulSet, ordinal: number, template: Template, revision: string): Pod {
  const { metadata, spec } = template;
  const name = podNameOf(set, ordinal);
  const claims = (set.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => ({
    name: metadata?.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, metadata?.name, ordinal) },
  }));
  const claimed = new Set(claims.map(({ name }) => name));
  const volumes = [...claims, ...(spec?.volumes ?? []).filter((volume) => !claimed.has(volume.name))];
  return {
    metadata: {
      name,
      generateName: `${set.metadata?.name}-`,
      namespace: set.metadata?.namespace,
      labels: { ...metadata?.labels, ...identityLabels(set, ordinal), [revisionHashLabel]: revision },
      annotations: metadata?.annotations,
      finalizers: metadata?.finalizers,
      ownerReferences: [controllerReference(statefulSets, set)],
    },
    spec: {
      ...spec,
      containers: spec?.containers ?? [],
      hostname: name,
      ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  };
}
