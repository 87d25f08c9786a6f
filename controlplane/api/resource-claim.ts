// resource.k8s.io/v1 ResourceClaim: a request for devices, for one pod or several. Only stored and served: no part of k8ts allocates
// devices.
import type { ResourceV1ResourceClaim } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defaultToleration } from './devices/tolerations';
import { defaultClaim, requestNames, validateClaim } from './devices/validate-claim';
import { validateClaimStatus } from './devices/validate-status';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { immutable, invalid } from './validation/causes';
import { isSame } from './validation/difference';

export type ResourceClaim = Wire<ResourceV1ResourceClaim>;

function prepare(claim: ResourceClaim, { old, subresource }: WriteContext<ResourceClaim>): void {
  if (!old) claim.status = {};
  if (old && subresource === 'status') dropDeallocatedDevices(claim, old);
}

/** Reports about devices that the claim has no more. */
function dropDeallocatedDevices({ status }: ResourceClaim, old: ResourceClaim): void {
  if (!status?.devices) return;
  const devicesOf = (claim: ResourceClaim['status']): string[] =>
    (claim?.allocation?.devices?.results ?? []).map(({ driver, pool, device }) => [driver, pool, device].join('/'));
  const gone = new Set(devicesOf(old.status));
  for (const device of devicesOf(status)) gone.delete(device);
  status.devices = status.devices.filter(({ driver, pool, device }) => !gone.has([driver, pool, device].join('/')));
  if (status.devices.length === 0) delete status.devices;
}

function validate(claim: ResourceClaim, { old, subresource }: WriteContext<ResourceClaim>): FieldCause[] {
  const devices = claim.spec?.devices ?? {};
  if (!old) return validateClaim(devices, 'spec.devices');
  if (subresource === 'status') {
    const deleted = claim.metadata?.deletionTimestamp !== undefined;
    return validateClaimStatus(claim.status ?? {}, { old: old.status ?? {}, names: requestNames(devices), deleted });
  }
  return isSame(claim.spec, old.spec) ? [] : [invalid('spec', claim.spec, immutable)];
}

function state({ metadata, status }: ResourceClaim): string {
  const deleted = metadata?.deletionTimestamp !== undefined;
  const reserved = status?.reservedFor?.length ? ['reserved'] : [];
  const states = status?.allocation ? ['allocated', ...reserved] : deleted ? [] : ['pending'];
  return [...(deleted ? ['deleted'] : []), ...states].join(',');
}

export const resourceClaims = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  namespaced: true,
  deletion: { answersWithObject: true },
  schema: { model: 'ResourceV1ResourceClaim', listModel: 'V1ResourceClaimList' },
  hasStatus: true,
  statusKeeps: ['labels', 'annotations', 'finalizers', 'ownerReferences'],
  generation: 'absent',
  defaults: ({ spec, status }) => {
    if (spec?.devices) defaultClaim(spec.devices);
    for (const { tolerations = [] } of status?.allocation?.devices?.results ?? [])
      tolerations.forEach(defaultToleration);
  },
  prepare,
  validate,
  columns: [
    nameColumn,
    {
      name: 'State',
      type: 'string',
      description: 'A summary of the current state (allocated, pending, reserved, etc.).',
      cell: state,
    },
    ageColumn,
  ],
});
