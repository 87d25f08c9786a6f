// The declaration of the scale subresource, its fields in objects of other shapes, and the text of a selector. apiserver/subresources/scale.ts serves it.
import type { Subresource } from './kind';
import type { LabelSelector } from './types';

export const scaleSubresource: Subresource = {
  name: 'scale',
  verbs: ['get', 'patch', 'update'],
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
};

/** Where a kind has the fields of a Scale, if not at spec.replicas, spec.selector and status.replicas. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** A selector as text. */
  readonly selector?: readonly string[];
}

/** Undefined when the path leads to nothing. */
export function valueAt(object: unknown, path: readonly string[]): unknown {
  let at = object;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

/** A copy with another value at the path; objects on the way are created. */
export function withValueAt<T extends object>(object: T, [key = '', ...rest]: readonly string[], value: unknown): T {
  const inner = valueAt(object, [key]);
  const isObject = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
  return { ...object, [key]: rest.length === 0 ? value : withValueAt(isObject ? inner : {}, rest, value) };
}

/** A LabelSelector in the grammar of the labelSelector query parameter: a=b,c in (d,e). */
export function selectorText(selector: LabelSelector | undefined): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].sort().join(',')})`;
  });
  return [...labels, ...expressions].sort().join(',');
}

/** A LabelSelector as Go prints it: upstream shows some so. */
export function goText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`);
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  );
  const list = `[]LabelSelectorRequirement{${expressions.join('')}}`;
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:${list},}`;
}
