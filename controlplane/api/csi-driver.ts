// storage.k8s.io/v1 CSIDriver: what a CSI driver wants from the cluster. The kubelet, the attach-detach controller and the scheduler follow it.
import type { V1CSIDriver, V1CSIDriverSpec } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { duplicate, immutable, invalid, notSupported } from './validation/causes';
import { isSame } from './validation/difference';
import { oneOf } from './validation/selectors';

export type CSIDriver = Wire<V1CSIDriver>;
type Spec = Wire<V1CSIDriverSpec>;

const lifecycleModes = ['Persistent', 'Ephemeral'];
const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType'];

const tokensInAttributes =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of ' +
  'tokens in volume attributes';

function validate({ spec = {} }: CSIDriver, { old }: WriteContext<CSIDriver>): FieldCause[] {
  const modes = spec.volumeLifecycleModes ?? [];
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  const withoutTokens = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified';
  return [
    ...oneOf('spec.fsGroupPolicy', spec.fsGroupPolicy, groupPolicies),
    ...validateTokens(spec.tokenRequests ?? [], 'spec.tokenRequests'),
    ...modes
      .filter((mode) => !lifecycleModes.includes(mode))
      .map((mode) => notSupported('spec.volumeLifecycleModes', mode, lifecycleModes)),
    ...(period !== undefined && period < 10
      ? [invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, 'must be greater than or equal to 10 seconds')]
      : []),
    ...(spec.serviceAccountTokenInSecrets !== undefined && !spec.tokenRequests?.length
      ? [invalid('spec.serviceAccountTokenInSecrets', spec.serviceAccountTokenInSecrets, withoutTokens)]
      : []),
    ...(old ? validateUpdate(spec, old.spec ?? {}) : []),
  ];
}

/** The path is upstream's, which is not that of the field. */
function validateUpdate(spec: Spec, old: Spec): FieldCause[] {
  const modes = [spec, old].map(({ volumeLifecycleModes = [] }) => ({ modes: volumeLifecycleModes }));
  return [
    ...(spec.attachRequired === old.attachRequired
      ? []
      : [invalid('spec.attachedRequired', spec.attachRequired, immutable)]),
    ...(isSame(modes[0], modes[1]) ? [] : [invalid('spec.volumeLifecycleModes', modes[0]?.modes, immutable)]),
  ];
}

function validateTokens(requests: NonNullable<Spec['tokenRequests']>, field: string): FieldCause[] {
  const known = new Set<string>();
  return requests.flatMap(({ audience = '', expirationSeconds: seconds }, i) => {
    if (known.has(audience)) return [duplicate(`${field}[${i}].audience`, audience)];
    known.add(audience);
    const at = `${field}[${i}].expirationSeconds`;
    if (seconds === undefined) return [];
    if (seconds < 600) return [invalid(at, seconds, 'may not specify a duration less than 10 minutes')];
    return seconds > 2 ** 32 ? [invalid(at, seconds, 'may not specify a duration larger than 2^32 seconds')] : [];
  });
}

export const csiDrivers = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  namespaced: false,
  deletion: { answersWithObject: true },
  schema: { model: 'V1CSIDriver' },
  generation: 'spec-changes',
  defaults: (driver) => {
    driver.spec ??= {};
    const { spec } = driver;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  prepare: ({ spec }, { old }) => {
    // An alpha feature of upstream, which drops the field while it is off.
    if (spec && old?.spec?.preventPodSchedulingIfMissing === undefined) delete spec.preventPodSchedulingIfMissing;
  },
  validate,
  warnings: ({ spec }, { old }) => {
    const { tokenRequests = [], serviceAccountTokenInSecrets } = spec ?? {};
    const isNew = !old || !isSame(tokenRequests, old.spec?.tokenRequests ?? []);
    return isNew && tokenRequests.length > 0 && serviceAccountTokenInSecrets === undefined ? [tokensInAttributes] : [];
  },
  columns: [
    nameColumn,
    {
      name: 'AttachRequired',
      type: 'boolean',
      description: 'Whether the driver needs an attach operation.',
      cell: ({ spec }) => spec?.attachRequired ?? true,
    },
    {
      name: 'PodInfoOnMount',
      type: 'boolean',
      description: 'Whether the driver needs information about the pod.',
      cell: ({ spec }) => spec?.podInfoOnMount ?? false,
    },
    {
      name: 'StorageCapacity',
      type: 'boolean',
      description: 'Whether the scheduler must consider the capacity that the driver reports.',
      cell: ({ spec }) => spec?.storageCapacity ?? false,
    },
    {
      name: 'TokenRequests',
      type: 'string',
      description: 'The audiences of the tokens that the driver needs.',
      cell: ({ spec }) => spec?.tokenRequests?.map(({ audience = '' }) => audience).join(',') ?? '<unset>',
    },
    {
      name: 'RequiresRepublish',
      type: 'boolean',
      description: 'Whether the driver wants to be called again from time to time.',
      cell: ({ spec }) => spec?.requiresRepublish ?? false,
    },
    {
      name: 'Modes',
      type: 'string',
      description: 'The kinds of volumes that the driver supports.',
      cell: ({ spec }) => spec?.volumeLifecycleModes?.join(',') || none,
    },
    ageColumn,
  ],
});
