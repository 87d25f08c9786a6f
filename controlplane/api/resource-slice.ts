// resource.k8s.io/v1 ResourceSlice: devices that a driver offers, on one node or several. Only stored and served: no part of k8ts
// allocates devices.
import type { V1CounterSet, V1ResourceSlice } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { validateSet } from './devices/lists';
import { validateLabelName, validatePoolName } from './devices/names';
import { defaultTaint } from './devices/tolerations';
import type { Device } from './devices/types';
import { validateCounters, validateDevice, validateNodes } from './devices/validate-device';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { immutable, invalid, required } from './validation/causes';
import { validateDriverName } from './volumes/source-checks';

export type ResourceSlice = Wire<V1ResourceSlice>;
type Spec = ResourceSlice['spec'];
type Pool = Spec['pool'];

const mostDevices = 128;
const mostDevicesWithTaintsOrCounters = 64;
const mostCounterSets = 8;

function prepare({ spec }: ResourceSlice): void {
  // Upstream drops fields of alpha features.
  for (const device of spec?.devices ?? []) {
    delete device.nodeAllocatableResourceMappings;
    for (const attribute of Object.values(device.attributes ?? {})) {
      for (const key of ['ints', 'bools', 'strings', 'versions'] as const) delete attribute[key];
    }
  }
}

function validate({ spec }: ResourceSlice, { old }: WriteContext<ResourceSlice>): FieldCause[] {
  const { driver = '', pool, devices, sharedCounters } = spec ?? {};
  const known = new Map((old?.spec?.devices ?? []).map((device) => [device.name, device]));
  const own = spec?.perDeviceNodeSelection === true;
  const special = devices?.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length);
  const both = 'only one of `sharedCounters` or `devices` is allowed';
  return [
    ...validateDriverName(driver, 'spec.driver'),
    ...validatePool(pool),
    ...(old ? validateUpdate(spec, old.spec) : []),
    ...validatePlace(spec),
    ...(devices && sharedCounters ? [invalid('spec', '', both)] : []),
    ...validateSet(devices, special ? mostDevicesWithTaintsOrCounters : mostDevices, 'spec.devices', {
      check: (device: Device, at) => validateDevice(device, known.get(device.name), at, own),
      key: ({ name }) => name,
    }),
    ...validateSet(sharedCounters, mostCounterSets, 'spec.sharedCounters', {
      check: validateCounterSet,
      key: ({ name }) => name,
    }),
  ];
}

function validatePool(pool: Pool | undefined): FieldCause[] {
  const { name, resourceSliceCount = 0, generation = 0 } = pool ?? {};
  const tooFew = 'must be greater than zero';
  return [
    ...validatePoolName(name, 'spec.pool.name'),
    ...(resourceSliceCount > 0 ? [] : [invalid('spec.pool.resourceSliceCount', resourceSliceCount, tooFew)]),
    ...(generation >= 0 ? [] : [invalid('spec.pool.generation', generation, 'must be greater than or equal to zero')]),
  ];
}

function validateUpdate(spec: Spec | undefined, old: Spec | undefined): FieldCause[] {
  return [
    ...(spec?.pool?.name === old?.pool?.name ? [] : [invalid('spec.pool.name', spec?.pool?.name, immutable)]),
    ...(spec?.driver === old?.driver ? [] : [invalid('spec.driver', spec?.driver, immutable)]),
    ...(spec?.nodeName === old?.nodeName ? [] : [invalid('spec.nodeName', spec?.nodeName, immutable)]),
  ];
}

function validatePlace(spec: Spec | undefined): FieldCause[] {
  const { causes, set } = validateNodes(spec ?? {}, 'spec', 'must be either unset or set to a non-empty string');
  const terms = spec?.nodeSelector?.nodeSelectorTerms;
  if (spec?.nodeSelector && terms?.length !== 1) {
    causes.push(invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term'));
  }
  if (spec?.perDeviceNodeSelection === false) {
    causes.push(invalid('spec.perDeviceNodeSelection', false, 'must be either unset or set to true'));
  }
  const all = [...set, ...(spec?.perDeviceNodeSelection ? ['`perDeviceNodeSelection`'] : [])];
  const one = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  if (all.length === 0) return [...causes, required('spec', one)];
  if (all.length === 1) return causes;
  return [...causes, invalid('spec', `{${all.join(', ')}}`, `${one}, but multiple fields are set`)];
}

function validateCounterSet({ name, counters }: Wire<V1CounterSet>, field: string): FieldCause[] {
  return [
    ...(name ? validateLabelName(name, `${field}.name`) : [required(`${field}.name`)]),
    ...validateCounters(counters, `${field}.counters`),
  ];
}

export const resourceSlices = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
  deletion: { answersWithObject: true },
  schema: { model: 'V1ResourceSlice' },
  generation: 'spec',
  defaults: ({ spec }) => {
    for (const device of spec?.devices ?? []) {
      for (const taint of device.taints ?? []) defaultTaint(taint, new Date());
    }
  },
  prepare,
  validate,
  warnings: ({ spec }) => {
    const driver = spec?.driver ?? '';
    if (driver === driver.toLowerCase()) return [];
    return [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`];
  },
  fields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
    'spec.driver': ({ spec }) => spec?.driver ?? '',
  },
  unknownField: (path) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${JSON.parse(path)}`,
  columns: [
    nameColumn,
    {
      name: 'Node',
      type: 'string',
      description: 'The node that has the devices, if it is one.',
      cell: ({ spec }) => spec?.nodeName ?? '',
    },
    {
      name: 'Driver',
      type: 'string',
      description: 'The driver that offers the devices.',
      cell: ({ spec }) => spec?.driver ?? '',
    },
    {
      name: 'Pool',
      type: 'string',
      description: 'The pool that the devices belong to.',
      cell: ({ spec }) => spec?.pool?.name ?? '',
    },
    ageColumn,
  ],
});
