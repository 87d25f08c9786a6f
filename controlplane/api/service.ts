// v1 Service.
import type { V1Service } from '@kubernetes/client-node';
import { serviceClaims } from './claims';
import { defineKind } from './kind';
import { carryOver } from './services/carry-over';
import { serviceColumns } from './services/columns';
import { alignNewAddresses, defaultService } from './services/defaults';
import { defaultStatus, validateStatus } from './services/status';
import { validateService } from './services/validate';
import { warnOfService } from './services/warnings';
import type { Wire } from './types';
import { dns1123Label } from './validation/names';

export type Service = Wire<V1Service>;

export const services = defineKind<Service>({
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  shortNames: ['svc'],
  categories: ['all'],
  namespaced: true,
  schema: { model: 'V1Service' },
  createOnUpdate: true,
  subresources: [
    {
      name: 'proxy',
      verbs: ['create', 'delete', 'get', 'patch', 'update'],
      kind: 'ServiceProxyOptions',
      takesPath: true,
      furtherMethods: ['HEAD', 'OPTIONS'],
    },
  ],
  hasStatus: true,
  // Beyond upstream, whose Services have no generation: condition Programmed names the generation that the kernels of the nodes
  // have, and for `kubectl wait` a condition with an older observedGeneration is not met.
  generation: 'spec',
  claims: serviceClaims,
  // Since 1.36 (KEP-5311) a name may begin with a digit.
  nameCheck: dns1123Label,
  defaults: (service) => {
    service.spec ??= {};
    defaultService(service.spec);
    defaultStatus(service);
  },
  prepare: (service, { old, subresource }) => {
    if (!old) service.status = { loadBalancer: {} };
    if (!service.spec) return;
    if (!old?.spec) return alignNewAddresses(service.spec);
    carryOver(service.spec, old.spec);
    // A load balancer that becomes another type loses what was reported; a report of another type is refused.
    if (subresource === '' && service.spec.type !== 'LoadBalancer')
      service.status = { ...service.status, loadBalancer: {} };
  },
  validate: (service, context) =>
    context.subresource === 'status' ? validateStatus(service, context.old) : validateService(service, context),
  warnings: (service, { subresource }) => (subresource === '' ? warnOfService(service) : []),
  deletion: { answersWithObject: true },
  columns: serviceColumns,
  fields: {
    'spec.clusterIP': ({ spec }) => spec?.clusterIP ?? '',
    'spec.type': ({ spec }) => spec?.type ?? '',
  },
});
