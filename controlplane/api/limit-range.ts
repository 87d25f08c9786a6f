// v1 LimitRange.
import type { V1LimitRange } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind } from './kind';
import { canonicalResource, compareQuantities, isQuantity, parseQuantity } from './quantity';
import { nameColumn } from './table';
import type { Wire } from './types';
import { duplicate, forbidden, invalid, notSupported } from './validation/causes';

export type LimitRange = Wire<V1LimitRange>;
export type LimitRangeItem = NonNullable<LimitRange['spec']>['limits'][number];
type Amounts = Record<string, string>;

const limitTypes = ['Container', 'PersistentVolumeClaim', 'Pod'];
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

function validateItem(item: LimitRangeItem, at: string): FieldCause[] {
  const causes: FieldCause[] = limitTypes.includes(item.type)
    ? []
    : [notSupported(`${at}.type`, item.type, limitTypes)];
  if (item.type === 'Pod') {
    for (const name of ['default', 'defaultRequest'] as const) {
      if (item[name]) causes.push(forbidden(`${at}.${name}`, "may not be specified when `type` is 'Pod'"));
    }
  }
  for (const name of amounts) {
    for (const [resource, value] of Object.entries(item[name] ?? {})) {
      const field = `${at}.${name}[${resource}]`;
      if (!isQuantity(value)) causes.push(invalid(field, value, 'must be a quantity'));
      else if (parseQuantity(value).nano < 0n) causes.push(invalid(field, value, 'must be greater than or equal to 0'));
    }
  }
  return causes.length > 0 ? causes : validateOrder(item, at);
}

/** Pairs whose first value must not be above the second; the cause names the first. */
const ordered = [
  ['min', 'max'],
  ['defaultRequest', 'max'],
  ['defaultRequest', 'default'],
  ['default', 'max'],
] as const;

function validateOrder(item: LimitRangeItem, at: string): FieldCause[] {
  return ordered.flatMap(([low, high]) => {
    const above = item[high] as Amounts | undefined;
    return Object.entries((item[low] as Amounts | undefined) ?? {}).flatMap(([resource, value]) => {
      const bound = above?.[resource];
      if (bound === undefined || compareQuantities(parseQuantity(value), parseQuantity(bound)) <= 0) return [];
      return [
        invalid(`${at}.${low}[${resource}]`, value, `${low} value ${value} is greater than ${high} value ${bound}`),
      ];
    });
  });
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
  defaults: ({ spec }) => {
    for (const item of spec?.limits ?? []) setItemDefaults(item);
  },
  validate: ({ spec }) => {
    const seen = new Set<string>();
    return (spec?.limits ?? []).flatMap((item, i) => {
      const at = `spec.limits[${i}]`;
      const twice = seen.has(item.type) ? [duplicate(`${at}.type`, item.type)] : [];
      seen.add(item.type);
      return [...twice, ...validateItem(item, at)];
    });
  },
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
