// storage.k8s.io/v1 CSINode: the CSI drivers on a node. Each kubelet writes that of its own node.
import type { V1CSINode, V1CSINodeDriver } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { defineKind, type WriteContext } from './kind';
import { ageColumn, nameColumn } from './table';
import type { Wire } from './types';
import { duplicate, immutable, invalid, invalidEach, required } from './validation/causes';
import { isSame } from './validation/difference';
import { nonNegative, qualifiedName } from './validation/names';
import { validateDriverName } from './volumes/source-checks';

export type CSINode = Wire<V1CSINode>;
type Driver = Wire<V1CSINodeDriver>;

const maxNodeIdBytes = 256;

function validate({ spec }: CSINode, { old }: WriteContext<CSINode>): FieldCause[] {
  const names = new Set<string>();
  const before = new Map((old?.spec?.drivers ?? []).map((driver) => [driver.name, driver]));
  const drivers = spec?.drivers ?? [];
  const causes = drivers.flatMap((driver, i) => {
    const field = `spec.drivers[${i}]`;
    const again = names.has(driver.name) ? [duplicate(`${field}.name`, driver.name)] : [];
    names.add(driver.name);
    return validateDriver(driver, field, again);
  });
  // What a driver can hold may change, nothing else about it.
  const changed = drivers.filter((driver) => {
    const was = before.get(driver.name);
    return was && !isSame({ ...driver, allocatable: undefined }, { ...was, allocatable: undefined });
  });
  return [...causes, ...changed.map((driver) => invalid('spec.drivers', driver, immutable))];
}

function validateDriver(driver: Driver, field: string, again: FieldCause[]): FieldCause[] {
  const { name = '', nodeID = '', allocatable, topologyKeys = [] } = driver;
  const known = new Set<string>();
  return [
    ...validateDriverName(name, `${field}.name`),
    ...(nodeID === '' ? [required(`${field}.nodeID`)] : []),
    ...(Buffer.byteLength(nodeID) > maxNodeIdBytes
      ? [invalid(`${field}.nodeID`, nodeID, `must be ${maxNodeIdBytes} characters or less`)]
      : []),
    ...invalidEach(`${field}.allocatable.count`, allocatable?.count, nonNegative(allocatable?.count ?? 0)),
    ...again,
    // The paths of these lack `topologyKeys`, as upstream.
    ...topologyKeys.flatMap((key) => {
      const repeated = known.has(key) ? [duplicate(field, key)] : [];
      known.add(key);
      return [...(key === '' ? [required(field)] : []), ...repeated, ...invalidEach(field, key, qualifiedName(key))];
    }),
  ];
}

export const csiNodes = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  namespaced: false,
  deletion: { answersWithObject: true },
  schema: { model: 'V1CSINode' },
  // Upstream's field is no pointer, and always present.
  defaults: (node) => {
    node.spec ??= { drivers: [] };
  },
  validate,
  columns: [
    nameColumn,
    {
      name: 'Drivers',
      type: 'integer',
      description: 'Drivers indicates the number of CSI drivers registered on the node',
      cell: ({ spec }) => spec?.drivers?.length ?? 0,
    },
    ageColumn,
  ],
});
