// The declaration of the scale subresource, and the text of a selector. apiserver/subresources/scale.ts serves it.
import type { Subresource } from './kind';
import type { LabelSelector } from './types';

export const scaleSubresource: Subresource = {
  name: 'scale',
  verbs: ['get', 'patch', 'update'],
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
};

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
