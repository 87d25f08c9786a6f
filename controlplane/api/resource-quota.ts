// v1 ResourceQuota: how much the objects of a namespace may use together. The API server keeps status.used with each write; the
// controller resourcequota counts again what was deleted.
import type { V1ResourceQuota } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { canonicalize } from './quantity';
import { validateAmounts, validateScopes, validateScopeUpdate } from './quota/validate';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';

export type ResourceQuota = Wire<V1ResourceQuota>;

/** `pods: 1/2, requests.cpu: 1/4`, by name. */
function amountsCell({ status }: ResourceQuota, ofLimits: boolean): string {
  const { hard = {}, used = {} } = status ?? {};
  return Object.keys(hard)
    .filter((name) => name.startsWith('limits.') === ofLimits)
    .sort()
    .map((name) => `${name}: ${used[name] ?? '0'}/${hard[name]}`)
    .join(', ');
}

export const resourceQuotas = defineKind<ResourceQuota>({
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  deletion: { answersWithObject: true },
  shortNames: ['quota'],
  namespaced: true,
  schema: { model: 'V1ResourceQuota' },
  hasStatus: true,
  generation: 'absent',
  defaults: ({ spec, status }) => {
    for (const amounts of [spec?.hard, status?.hard, status?.used]) if (amounts) canonicalize(amounts);
  },
  prepare: (quota, { old }) => {
    // As upstream's struct, which is always written.
    quota.spec ??= {};
    if (!old) quota.status = {};
  },
  validate: ({ spec, status }, { old, subresource }) => {
    if (subresource === 'status') {
      return [...validateAmounts(status?.hard, 'status.hard'), ...validateAmounts(status?.used, 'status.used')];
    }
    return [
      ...validateAmounts(spec?.hard, 'spec.hard'),
      ...validateScopes(spec ?? {}),
      ...(old ? validateScopeUpdate(spec ?? {}, old.spec ?? {}) : []),
    ];
  },
  columns: [
    nameColumn,
    {
      name: 'Request',
      type: 'string',
      description: 'Used and allowed requests and numbers of objects.',
      cell: (quota) => amountsCell(quota, false),
    },
    {
      name: 'Limit',
      type: 'string',
      description: 'Used and allowed limits.',
      cell: (quota) => amountsCell(quota, true),
    },
    ageColumn,
  ],
});
