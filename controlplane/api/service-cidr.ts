// networking.k8s.io/v1 ServiceCIDR: ranges of ClusterIPs. The server writes its own range as the object `kubernetes`, and
// Services get addresses from all that are ready (service-cidrs/facts.ts).
import type { V1ServiceCIDR } from '@kubernetes/client-node';
import { type Cidr, parseCidr } from '../base/cidr';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { immutable, invalid, required } from './validation/causes';
import { validateCidr } from './validation/cidrs';

export type ServiceCIDR = Wire<V1ServiceCIDR>;

const field = 'spec.cidrs';

function validate({ spec }: ServiceCIDR, { old, subresource }: WriteContext<ServiceCIDR>): FieldCause[] {
  if (subresource !== '') return [];
  const cidrs = spec?.cidrs ?? [];
  return old ? validateUpdate(cidrs, old.spec?.cidrs ?? []) : validateRanges(cidrs, spec);
}

function validateRanges(cidrs: readonly string[], spec: ServiceCIDR['spec']): FieldCause[] {
  if (cidrs.length === 0) return [required(field, 'at least one CIDR required')];
  // Upstream shows the spec here.
  if (cidrs.length > 2) return [invalid(field, spec, 'may only hold up to 2 values')];
  const causes = cidrs.flatMap((cidr, i) => validateCidr(`${field}[${i}]`, cidr));
  const [first, second] = cidrs.map(rangeOf);
  if (first && second && first.family === second.family) {
    const detail = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    causes.push(invalid(field, cidrs, detail));
  }
  return causes;
}

/** A range of the second family may be added. */
function validateUpdate(cidrs: readonly string[], old: readonly string[]): FieldCause[] {
  const added = cidrs.length === old.length + 1 && old.length === 1;
  if (cidrs.length !== old.length && !added) return [invalid(field, cidrs, immutable)];
  const changed = old.flatMap((cidr, i) => (cidr === cidrs[i] ? [] : [invalid(`${field}[${i}]`, cidrs[i], immutable)]));
  return [...changed, ...(added ? validateRanges(cidrs, { cidrs: [...cidrs] }) : [])];
}

function rangeOf(text: string): Cidr | undefined {
  try {
    return parseCidr(text);
  } catch {
    return undefined;
  }
}

export const serviceCidrs = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  namespaced: false,
  schema: { model: 'V1ServiceCIDR' },
  hasStatus: true,
  generation: 'absent',
  prepare: (object, { old }) => {
    if (!old) object.status = {};
  },
  validate,
  columns: [
    nameColumn,
    {
      name: 'CIDRs',
      type: 'string',
      description: 'The ranges from which ClusterIPs are assigned, one for each family.',
      cell: ({ spec }) => (spec?.cidrs ?? []).join(','),
    },
    ageColumn,
  ],
});
