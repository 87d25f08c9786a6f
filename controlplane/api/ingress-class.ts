// networking.k8s.io/v1 IngressClass.
import type { V1IngressClass } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { ageColumn, nameColumn, none } from './table';
import type { Wire } from './types';
import { immutable, invalid, required } from './validation/causes';

export type IngressClass = Wire<V1IngressClass>;

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
    if (!spec?.controller) return [required('spec.controller')];
    if (!/^[^/]+\/.+$/.test(spec.controller)) {
      return [invalid('spec.controller', spec.controller, 'must be a domain-prefixed path (such as "acme.io/foo")')];
    }
    const changed = old && old.spec?.controller !== spec.controller;
    return changed ? [invalid('spec.controller', spec.controller, immutable)] : [];
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
