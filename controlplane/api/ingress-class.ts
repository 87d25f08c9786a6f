// networking.k8s.io/v1 IngressClass.
import type { V1IngressClass } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { forbidden, immutable, invalid, invalidEach, notSupported, required, tooLong } from './validation/causes';
import { domainPrefixedPath } from './validation/domain-path';
import { dns1123Label, dns1123Subdomain, pathSegment } from './validation/names';

export type IngressClass = Wire<V1IngressClass>;

type Parameters = NonNullable<NonNullable<IngressClass['spec']>['parameters']>;

const longestController = 250;
const scopes = ['Cluster', 'Namespace'];

function validateController(controller: string): FieldCause[] {
  const field = 'spec.controller';
  const long = Buffer.byteLength(controller) > longestController ? [tooLong(field, longestController)] : [];
  return [...long, ...domainPrefixedPath(controller, field)];
}

function validateParameters({ apiGroup, kind = '', name = '', scope = '', namespace }: Parameters): FieldCause[] {
  const field = 'spec.parameters';
  const segment = (at: string, value: string) =>
    value === '' ? [required(at)] : invalidEach(at, value, pathSegment(value));
  return [
    ...(apiGroup === undefined ? [] : invalidEach(`${field}.apiGroup`, apiGroup, dns1123Subdomain(apiGroup))),
    ...segment(`${field}.kind`, kind),
    ...segment(`${field}.name`, name),
    ...(scopes.includes(scope)
      ? validateNamespace(`${field}.namespace`, scope, namespace)
      : [notSupported(`${field}.scope`, scope, scopes)]),
  ];
}

function validateNamespace(field: string, scope: string, namespace: string | undefined): FieldCause[] {
  if (scope === 'Cluster') {
    return namespace === undefined ? [] : [forbidden(field, "`parameters.scope` is set to 'Cluster'")];
  }
  return namespace === undefined
    ? [required(field, "`parameters.scope` is set to 'Namespace'")]
    : invalidEach(field, namespace, dns1123Label(namespace));
}

export const ingressClasses = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
  schema: { model: 'V1IngressClass' },
  defaults: ({ spec }) => {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
  },
  validate: ({ spec }, { old }) => {
    const { controller = '', parameters } = spec ?? {};
    const isChanged = old && (old.spec?.controller ?? '') !== controller;
    return [
      ...(isChanged ? [invalid('spec.controller', controller, immutable)] : []),
      ...validateController(controller),
      ...(parameters ? validateParameters(parameters) : []),
    ];
  },
  generation: 'spec',
  columns: [
    nameColumn,
    {
      name: 'Controller',
      type: 'string',
      description: 'Controller that is responsible for handling this class',
      cell: ({ spec }) => spec?.controller ?? '',
    },
    {
      name: 'Parameters',
      type: 'string',
      description: 'A reference to a resource with additional parameters',
      cell: ({ spec }) => {
        const { apiGroup, kind, name } = spec?.parameters ?? {};
        return name ? `${kind}${apiGroup ? `.${apiGroup}` : ''}/${name}` : none;
      },
    },
    ageColumn,
  ],
});
