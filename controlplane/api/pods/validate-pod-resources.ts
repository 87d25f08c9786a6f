// Whether the resources of a pod itself and those of its containers fit together (KEP-2837): the containers share the pod's amounts.
import type { FieldCause } from '../../base/errors';
import { compareQuantities, formatQuantity, parseQuantity, type Quantity } from '../quantity';
import { invalid } from '../validation/causes';
import { limitsOf, requestsOf } from './requests';
import { isHugePages } from './resource-names';
import type { PodSpec } from './types';

type Amounts = Readonly<Record<string, string>>;

/** `field` is the path of the pod's resources. */
export function validateShares(spec: PodSpec, field: string): FieldCause[] {
  const { limits = {}, requests = {} } = spec.resources ?? {};
  const parts = { containers: spec.containers ?? [], initContainers: spec.initContainers ?? [] };
  return [
    ...totals(requestsOf(parts), requests, `${field}.requests`, 'requests'),
    // Huge pages are not shared, so a limit of them is a request too.
    ...totals(onlyHugePages(limitsOf(parts)), limits, `${field}.limits`, 'limits'),
    ...parts.containers.flatMap(({ resources }, i) =>
      Object.entries(resources?.limits ?? {}).flatMap(([name, limit]) => {
        const bound = limits[name];
        if (bound === undefined || compareQuantities(parseQuantity(limit), parseQuantity(bound)) <= 0) return [];
        // The path is upstream's.
        const at = `${field}.containers[${i}][${name}].limits`;
        return [invalid(at, limit, `must be less than or equal to pod limits of ${bound}`)];
      }),
    ),
  ];
}

function totals(sums: Readonly<Record<string, Quantity>>, own: Amounts, field: string, what: string): FieldCause[] {
  return Object.entries(sums).flatMap(([name, sum]) => {
    const amount = own[name];
    if (amount === undefined || compareQuantities(sum, parseQuantity(amount)) <= 0) return [];
    const detail = `must be greater than or equal to aggregate container ${what} of ${formatQuantity(sum)}`;
    return [invalid(`${field}[${name}]`, amount, detail)];
  });
}

const onlyHugePages = (sums: Readonly<Record<string, Quantity>>): Record<string, Quantity> =>
  Object.fromEntries(Object.entries(sums).filter(([name]) => isHugePages(name)));
