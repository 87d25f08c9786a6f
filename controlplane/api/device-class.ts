// resource.k8s.io/v1 DeviceClass: which devices a claim may get, and how they are configured. Only stored and served.
import type { V1DeviceClass } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { mostConfigurations, validateConfiguration } from './devices/configuration';
import { validateList } from './devices/lists';
import { validateSelectors } from './devices/validate-claim';
import { defineKind, type WriteContext } from './kind';
import { isExtended } from './pods/resource-names';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { invalid } from './validation/causes';
import { isSame } from './validation/difference';

export type DeviceClass = Wire<V1DeviceClass>;

function validate({ spec }: DeviceClass, { old }: WriteContext<DeviceClass>): FieldCause[] {
  const { selectors, config, extendedResourceName: resource } = spec ?? {};
  const stored = old !== undefined && isSame(config ?? [], old.spec?.config ?? []);
  const notExtended = 'must be a valid extended resource name';
  return [
    ...validateSelectors(selectors, 'spec.selectors'),
    ...validateList(config, mostConfigurations, 'spec.config', (one, at) => validateConfiguration(one, at, stored)),
    ...(resource === undefined || isExtended(resource)
      ? []
      : [invalid('spec.extendedResourceName', resource, notExtended)]),
  ];
}

export const deviceClasses = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  namespaced: false,
  deletion: { answersWithObject: true },
  schema: { model: 'V1DeviceClass' },
  generation: 'spec',
  validate,
  columns: [nameColumn, ageColumn],
});
