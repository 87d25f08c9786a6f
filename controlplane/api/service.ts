// v1 Service.
import type { V1Service } from '@kubernetes/client-node';
import { defineKind } from './kind';
import { serviceColumns } from './services/columns';
import { carryOver, defaultService } from './services/defaults';
import { validateService } from './services/validate';
import type { Wire } from './types';
import { dns1035Label } from './validation/names';

export type Service = Wire<V1Service>;

export const services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  model: 'V1Service',
  hasStatus: true,
  // Services predate the counting of generations, and clients compare with upstream's objects.
  tracksGeneration: false,
  nameCheck: dns1035Label,
  defaults: ({ spec }) => {
    if (spec) defaultService(spec);
  },
  prepare: (service, { old }) => {
    if (!old) service.status = { loadBalancer: {} };
    if (!service.spec || !old?.spec) return;
    carryOver(service.spec, old.spec);
    if (service.spec.type !== 'LoadBalancer') service.status = { loadBalancer: {} };
  },
  validate: validateService,
  columns: serviceColumns,
  fields: {
    'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '',
    'spec.type': ({ spec }) => spec?.type ?? '',
  },
});
