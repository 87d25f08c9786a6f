// The API objects a pod refers to: its node must read them to run it, and a mirror pod, which a node creates, must have none.
// Pure.

import type { Pod } from '../pod';
import { allContainers } from './facts';

export interface PodReference {
  /** The resource, in brackets the kind of reference if not a plain field: `secrets (via projected volumes)`. */
  readonly what: string;
  readonly resource: string;
  /** The object's name in the pod's namespace; '' when the reference names no single object. */
  readonly name: string;
}

type Spec = NonNullable<Pod['spec']>;
type Volume = NonNullable<Spec['volumes']>[number];
type Source = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

/** All references, in the order of the spec; the same object may occur more than once. */
export function podReferences(pod: Pod): PodReference[] {
  const { spec } = pod;
  if (!spec) return [];
  const podName = pod.metadata?.name ?? '';
  return [
    ...named('serviceaccounts', spec.serviceAccountName, spec.serviceAccount),
    ...named('secrets', ...(spec.imagePullSecrets ?? []).map(({ name }) => name)),
    ...allContainers(spec).flatMap(({ env = [], envFrom = [] }) => [
      ...env.flatMap(({ valueFrom }) => [
        ...named('secrets', valueFrom?.secretKeyRef?.name),
        ...named('configmaps', valueFrom?.configMapKeyRef?.name),
      ]),
      ...envFrom.flatMap(({ secretRef, configMapRef }) => [
        ...named('secrets', secretRef?.name),
        ...named('configmaps', configMapRef?.name),
      ]),
    ]),
    ...(spec.volumes ?? []).flatMap((volume) => ofVolume(volume, podName)),
    ...(spec.resourceClaims ?? []).map(({ resourceClaimName, resourceClaimTemplateName }) =>
      reference('resourceclaims', resourceClaimName ?? resourceClaimTemplateName ?? ''),
    ),
  ];
}

function ofVolume(volume: Volume, podName: string): PodReference[] {
  return [
    ...named('secrets', volume.secret?.secretName, volume.azureFile?.secretName, ...credentialsOf(volume)),
    ...named('configmaps', volume.configMap?.name),
    ...named('persistentvolumeclaims', volume.persistentVolumeClaim?.claimName),
    ...(volume.ephemeral
      ? [
          reference(
            'persistentvolumeclaims',
            `${podName}-${volume.name}`,
            'persistentvolumeclaims (via ephemeral volumes)',
          ),
        ]
      : []),
    ...(volume.csi ? [reference('csidrivers', volume.csi.driver, 'csidrivers (via CSI volumes)')] : []),
    ...(volume.projected?.sources ?? []).flatMap(ofProjection),
  ];
}

/** Secrets with which volume drivers log in to storage systems. */
const credentialsOf = ({ cephfs, csi, flexVolume, iscsi, rbd, scaleIO, storageos }: Volume): (string | undefined)[] => [
  csi?.nodePublishSecretRef?.name,
  ...[cephfs, flexVolume, iscsi, rbd, scaleIO, storageos].map((source) => source?.secretRef?.name),
];

function ofProjection(source: Source): PodReference[] {
  const via = (resource: string, name: string) => reference(resource, name, `${resource} (via projected volumes)`);
  return [
    ...(source.secret?.name ? [via('secrets', source.secret.name)] : []),
    ...(source.configMap?.name ? [via('configmaps', source.configMap.name)] : []),
    // The token belongs to the pod's account, which another field names.
    ...(source.serviceAccountToken ? [via('serviceaccounts', '')] : []),
    ...(source.clusterTrustBundle ? [via('clustertrustbundles', source.clusterTrustBundle.name ?? '')] : []),
    ...(source.podCertificate ? [via('podcertificates', '')] : []),
  ];
}

const named = (resource: string, ...names: readonly (string | undefined)[]): PodReference[] =>
  names.flatMap((name) => (name ? [reference(resource, name)] : []));

const reference = (resource: string, name: string, what = resource): PodReference => ({ what, resource, name });
