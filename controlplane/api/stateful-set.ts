// apps/v1 StatefulSet: pods with names that stay, created in order, each with volumes of its own.
import { isDeepStrictEqual } from 'node:util';
import type { V1StatefulSet } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { defaultTemplate, onlyAlways, validateSelected, validateTemplate } from './pods/template';
import type { PodTemplate } from './pods/types';
import { warnOfTemplate } from './pods/warnings';

import { scaleSubresource } from './scale';
import { ageColumn, containerColumns, nameColumn } from './table';
import type { Wire } from './types';
import { forbidden, invalid, invalidEach, notSupported, required } from './validation/causes';
import { isZero, notAbove100Percent, validateCountOrPercent } from './validation/count-or-percent';
import { dns1123Label, nonNegative } from './validation/names';
import { type ClaimSpec, defaultClaimSpec, validateClaimSpec } from './volumes/claim-spec';

export type StatefulSet = Wire<V1StatefulSet>;
export type StatefulSetSpec = NonNullable<StatefulSet['spec']>;

function setDefaults(set: StatefulSet): void {
  set.spec ??= {} as StatefulSetSpec;
  const { spec } = set;
  spec.podManagementPolicy ??= 'OrderedReady';
  spec.updateStrategy ??= {};
  const { updateStrategy } = spec;
  if (updateStrategy.type === undefined) {
    updateStrategy.type = 'RollingUpdate';
    updateStrategy.rollingUpdate ??= {};
  }
  // A strategy that the writer names keeps an absent rollingUpdate, as upstream.
  if (updateStrategy.type === 'RollingUpdate' && updateStrategy.rollingUpdate) {
    updateStrategy.rollingUpdate.partition ??= 0;
    updateStrategy.rollingUpdate.maxUnavailable ??= 1;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  for (const claim of spec.volumeClaimTemplates ?? []) defaultClaim(claim);
  defaultTemplate(spec);
}

function defaultClaim(claim: NonNullable<StatefulSetSpec['volumeClaimTemplates']>[number]): void {
  // Claims inside a set always show their type.
  claim.apiVersion = 'v1';
  claim.kind = 'PersistentVolumeClaim';
  if (claim.spec) defaultClaimSpec(claim.spec);
  claim.status ??= {};
  claim.status.phase ??= 'Pending';
}

const changeable = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

function validate({ spec, status }: StatefulSet, { old, subresource }: WriteContext<StatefulSet>): FieldCause[] {
  if (subresource === 'status') return validateStatus(status, old?.status);
  if (subresource !== '') return [];
  if (!spec) return [required('spec.selector')];
  const causes = validateSpec(spec, old?.spec);
  if (old?.spec && !isDeepStrictEqual(fixedPart(spec), fixedPart(old.spec))) {
    const names = `${changeable
      .slice(0, -1)
      .map((name) => `'${name}'`)
      .join(', ')} and '${changeable.at(-1)}'`;
    causes.push(forbidden('spec', `updates to statefulset spec for fields other than ${names} are forbidden`));
  }
  return causes;
}

function fixedPart(spec: StatefulSetSpec): Partial<StatefulSetSpec> {
  const rest: Partial<StatefulSetSpec> = { ...spec };
  for (const name of changeable) delete rest[name];
  return rest;
}

function validateSpec(spec: StatefulSetSpec, old: StatefulSetSpec | undefined): FieldCause[] {
  const { selector, replicas = 0, minReadySeconds = 0, ordinals, podManagementPolicy, serviceName } = spec;
  const { whenDeleted, whenScaled } = spec.persistentVolumeClaimRetentionPolicy ?? {};
  const policies = ['OrderedReady', 'Parallel'];
  const field = 'spec.template';
  const template = withClaims(spec);
  return [
    ...(policies.includes(podManagementPolicy ?? '')
      ? []
      : [invalid('spec.podManagementPolicy', podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")]),
    ...validateStrategy(spec.updateStrategy ?? {}, 'spec.updateStrategy'),
    ...validateRetention('whenDeleted', whenDeleted),
    ...validateRetention('whenScaled', whenScaled),
    // Updates cannot change the claims.
    ...(old ? [] : validateClaims(spec)),
    ...invalidEach('spec.replicas', replicas, nonNegative(replicas)),
    ...invalidEach('spec.minReadySeconds', minReadySeconds, nonNegative(minReadySeconds)),
    ...(ordinals ? invalidEach('spec.ordinals.start', ordinals.start ?? 0, nonNegative(ordinals.start ?? 0)) : []),
    // Updates cannot change the name.
    ...(serviceName && !old ? invalidEach('spec.serviceName', serviceName, dns1123Label(serviceName)) : []),
    ...validateSelected(selector, { noun: 'statefulset', wrong: '' }, () =>
      validateTemplate(template, old && withClaims(old), { selector, field }),
    ),
    ...onlyAlways(template, field, 'StatefulSet'),
  ];
}

const validateClaims = ({ volumeClaimTemplates = [] }: StatefulSetSpec): FieldCause[] =>
  volumeClaimTemplates.flatMap(({ spec }, i) =>
    validateClaimSpec(spec ?? ({} as ClaimSpec), `spec.volumeClaimTemplates[${i}].spec`),
  );

function validateRetention(name: string, policy: string | undefined): FieldCause[] {
  const policies = ['Retain', 'Delete'];
  const field = `spec.persistentVolumeClaimRetentionPolicy.${name}`;
  return policies.includes(policy ?? '') ? [] : [notSupported(field, policy ?? '', policies)];
}

function validateStrategy(strategy: NonNullable<StatefulSetSpec['updateStrategy']>, field: string): FieldCause[] {
  const { type, rollingUpdate } = strategy;
  const at = `${field}.rollingUpdate`;
  if (type === 'OnDelete') {
    return rollingUpdate ? [invalid(at, rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")] : [];
  }
  if (type !== 'RollingUpdate') return [invalid(field, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  if (!rollingUpdate) return [];
  const { partition = 0, maxUnavailable } = rollingUpdate;
  const causes = invalidEach(`${at}.partition`, partition, nonNegative(partition));
  if (maxUnavailable === undefined) return causes;
  const amount = `${at}.maxUnavailable`;
  return [
    ...causes,
    ...validateCountOrPercent(maxUnavailable, amount),
    ...(isZero(maxUnavailable) ? [invalid(amount, maxUnavailable, 'cannot be 0')] : []),
    ...notAbove100Percent(maxUnavailable, amount),
  ];
}

/** The template as its pods have it: with a volume for each claim. Claims are at the end, so that indexes in field paths stay. */
function withClaims({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplate {
  const { volumes = [] } = template?.spec ?? {};
  const known = new Set(volumes.map(({ name }) => name));
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ''));
  const claims = [...names]
    .filter((name) => !known.has(name))
    .map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return template?.spec && claims.length > 0
    ? { ...template, spec: { ...template.spec, volumes: [...volumes, ...claims] } }
    : template;
}

const counts = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;

function validateStatus(status: StatefulSet['status'], old: StatefulSet['status']): FieldCause[] {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0, collisionCount } = status ?? {};
  const amounts = [...counts, 'observedGeneration', 'collisionCount'] as const;
  const causes = amounts.flatMap((name) =>
    invalidEach(`status.${name}`, status?.[name], nonNegative(status?.[name] ?? 0)),
  );
  for (const name of counts) {
    const value = status?.[name] ?? 0;
    if (value > replicas) causes.push(invalid(`status.${name}`, value, 'cannot be greater than status.replicas'));
  }
  if (availableReplicas > readyReplicas) {
    const detail = 'cannot be greater than status.readyReplicas';
    causes.push(invalid('status.availableReplicas', availableReplicas, detail));
  }
  if (old?.collisionCount !== undefined && (collisionCount ?? -1) < old.collisionCount) {
    causes.push(invalid('status.collisionCount', collisionCount ?? 0, 'cannot be decremented'));
  }
  return causes;
}

function warnings({ spec }: StatefulSet, { old, subresource }: WriteContext<StatefulSet>): string[] {
  if (subresource !== '' || isDeepStrictEqual(spec, old?.spec)) return [];
  const limit =
    'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended';
  return [
    // Upstream names this path without the spec.
    ...warnOfTemplate(undefined, spec?.template, old?.spec?.template),
    ...((spec?.revisionHistoryLimit ?? 0) < 0 ? [limit] : []),
  ];
}

export const statefulSets = defineKind<StatefulSet>({
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  // Pods get the name as a label.
  nameCheck: dns1123Label,
  subresources: [scaleSubresource],
  schema: { model: 'V1StatefulSet' },
  hasStatus: true,
  defaults: setDefaults,
  // Set the numbers at creation, since clients expect them at once.
  prepare: (set, { old }) => {
    if (!old) set.status = { replicas: 0, availableReplicas: 0 };
  },
  validate,
  podTemplate: { path: 'spec.template', of: ({ spec }) => spec?.template },
  warnings,
  columns: [
    nameColumn,
    {
      name: 'Ready',
      type: 'string',
      description: 'Number of the pod with ready state',
      cell: ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`,
    },
    ageColumn,
    ...containerColumns,
  ],
});
