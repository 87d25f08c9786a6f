// networking.k8s.io/v1 IPAddress: one address, and the object that has it. The server writes one for each ClusterIP, in the transaction of
// the Service's write (apiserver/allocation). A Service cannot get the address of an IPAddress that exists already.

import { isIP } from 'node:net';
import type { V1IPAddress } from '@kubernetes/client-node';
import { canonicalAddress, isMapped, parseAddress } from '../base/cidr';
import type { FieldCause } from '../base/errors';
import { defineKind } from './kind';
import { nameColumn, none } from './table';
import type { Wire } from './types';
import { immutable, invalid, invalidEach, required } from './validation/causes';
import { isSame } from './validation/difference';
import { dns1123Subdomain, pathSegment } from './validation/names';

export type IPAddress = Wire<V1IPAddress>;
type Parent = NonNullable<IPAddress['spec']>['parentRef'];

/** One spelling of each address, so that no two objects have the same one. */
function checkName(name: string): string[] {
  if (isIP(name) === 0) {
    const plain = name.includes(':') ? name : name.replace(/\b0+(?=\d)/g, '');
    return [
      isIP(plain) === 0 ? 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)' : 'must not have leading 0s',
    ];
  }
  if (isMapped(parseAddress(name))) return ['must not be an IPv4-mapped IPv6 address'];
  const canonical = canonicalAddress(name);
  return canonical === name ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`];
}

function validateParent(parent: Parent | undefined, field: string): FieldCause[] {
  if (!parent) return [required(field)];
  const { group = '', resource = '', namespace = '', name = '' } = parent;
  const segment = (key: string, value: string) => invalidEach(`${field}.${key}`, value, pathSegment(value));
  return [
    ...(group === '' ? [] : invalidEach(`${field}.group`, group, dns1123Subdomain(group))),
    ...(resource === '' ? [required(`${field}.resource`)] : segment('resource', resource)),
    ...(name === '' ? [required(`${field}.name`)] : segment('name', name)),
    ...(namespace === '' ? [] : segment('namespace', namespace)),
  ];
}

function parentText({ group, resource = '', namespace, name = '' }: NonNullable<Parent>): string {
  const kind = (group ? `${resource}.${group}` : resource).toLowerCase();
  return [kind, ...(namespace ? [namespace] : []), name].join('/');
}

export const ipAddresses = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  shortNames: ['ip'],
  namespaced: false,
  schema: { model: 'V1IPAddress' },
  nameCheck: checkName,
  validate: ({ spec }, { old }) => [
    ...validateParent(spec?.parentRef, 'spec.parentRef'),
    ...(old && !isSame(spec?.parentRef, old.spec?.parentRef)
      ? [invalid('spec.parentRef', spec?.parentRef, immutable)]
      : []),
  ],
  // As upstream: no age.
  columns: [
    nameColumn,
    {
      name: 'ParentRef',
      type: 'string',
      description: 'The object that has the address.',
      cell: ({ spec }) => (spec?.parentRef ? parentText(spec.parentRef) : none),
    },
  ],
});
