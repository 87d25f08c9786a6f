// v1 LimitRange.
import type { V1LimitRange } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { validateLimits } from './limits/validate';
import { canonicalResource, isQuantity } from './quantity';
import { nameColumn } from './table';
import type { Wire } from './types';

export type LimitRange = Wire<V1LimitRange>;
export type LimitRangeItem = NonNullable<LimitRange['spec']>['limits'][number];
type Amounts = Record<string, string>;

const amounts = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const;

/** Derives missing defaults: limits from the maximum, requests from limits, then from the minimum. */
function setItemDefaults(item: LimitRangeItem): void {
  for (const name of amounts) {
    const list = item[name] as Amounts | undefined;
    for (const [resource, value] of Object.entries(list ?? {})) {
      if (isQuantity(value)) list![resource] = canonicalResource(value);
    }
  }
  if (item.type !== 'Container') return;
  const limits: Amounts = { ...item.max, ...item.default };
  const requests: Amounts = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

export const limitRanges = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  shortNames: ['limits'],
  namespaced: true,
  schema: { model: 'V1LimitRange' },
  createOnUpdate: true,
  prepare: (range, { old }) => {
    // As upstream: the only kind that needs no name.
    const { name, uid } = range.metadata ?? {};
    if (!old && !name && uid) range.metadata = { ...range.metadata, name: uid };
  },
  defaults: ({ spec }) => {
    for (const item of spec?.limits ?? []) setItemDefaults(item);
  },
  validate: ({ spec }) => validateLimits(spec?.limits ?? []),
  columns: [
    nameColumn,
    {
      name: 'Created At',
      type: 'date',
      description: 'When the limits were set.',
      cell: ({ metadata }) => metadata?.creationTimestamp ?? '',
    },
  ],
});
