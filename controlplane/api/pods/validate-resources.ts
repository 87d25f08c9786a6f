// Field rules of resource requests and limits.
import type { FieldCause } from '../../base/errors';
import { compareQuantities, parseQuantity } from '../quantity';
import { invalid, invalidEach } from '../validation/causes';
import { qualifiedName } from '../validation/names';
import type { ResourceRequirements } from './types';

const standard = new Set(['cpu', 'memory', 'ephemeral-storage']);

export function validateResources(resources: ResourceRequirements | undefined, field: string): FieldCause[] {
  const { limits = {}, requests = {} } = resources ?? {};
  const causes = [...validateAmounts(limits, `${field}.limits`), ...validateAmounts(requests, `${field}.requests`)];
  for (const [name, amount] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit !== undefined && compareQuantities(parseQuantity(amount), parseQuantity(limit)) > 0) {
      causes.push(invalid(`${field}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  return causes;
}

function validateAmounts(amounts: Readonly<Record<string, string>>, field: string): FieldCause[] {
  return Object.entries(amounts).flatMap(([name, amount]) => {
    const at = `${field}[${name}]`;
    const known = standard.has(name) || name.startsWith('hugepages-');
    const causes = invalidEach(at, name, qualifiedName(name));
    if (causes.length === 0 && !known && !name.includes('/')) {
      causes.push(invalid(at, name, 'must be a standard resource for containers'));
    }
    const { nano } = parseQuantity(amount);
    if (nano < 0n) causes.push(invalid(at, amount, 'must be greater than or equal to 0'));
    if (!standard.has(name) && nano % 1_000_000_000n !== 0n) causes.push(invalid(at, amount, 'must be an integer'));
    return causes;
  });
}
