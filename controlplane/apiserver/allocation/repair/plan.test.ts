import t from 'tap';
import type { IPAddress, Service } from '../../../api/index';
import { addressOfService } from '../../../api/ip-addresses/facts';
import { planRepair } from './plan';

const created = '2026-01-01T00:00:00Z';
const at = Date.parse(created);
const service = (name: string, ...clusterIPs: string[]): Service => ({
  metadata: { name, namespace: 'd' },
  spec: { clusterIPs },
});
const address = (parent: string, change: (object: IPAddress) => void = () => undefined): IPAddress => {
  const { labels, spec } = addressOfService('10.0.0.7', { namespace: 'd', name: parent });
  const object: IPAddress = { metadata: { name: '10.0.0.7', labels, creationTimestamp: created }, spec };
  change(object);
  return object;
};
const gateway = (object: IPAddress) => {
  object.spec!.parentRef = { group: 'example.com', resource: 'gateways', name: 'g' };
};
const unlabelled = (object: IPAddress) => {
  object.metadata!.labels = {};
};
const web = service('web', '10.0.0.7');
const other = service('other', '10.0.0.8');

interface Case {
  readonly name: string;
  readonly object?: IPAddress;
  readonly holders?: readonly Service[];
  readonly parent?: Service;
  readonly inRange?: boolean;
  readonly ageMs?: number;
  /** Actions, and reason and message of reports. */
  readonly steps: readonly string[];
}
const cases: readonly Case[] = [
  { name: 'in agreement', object: address('web'), holders: [web], parent: web, steps: [] },
  { name: 'nothing has the address', steps: [] },
  {
    name: 'the object is missing',
    holders: [web],
    steps: ['ClusterIPNotAllocated: Cluster IP [IPv4]: 10.0.0.7 is not allocated; repairing', 'create web'],
  },
  {
    name: 'outside of all ranges',
    holders: [web],
    inRange: false,
    steps: [
      'ClusterIPOutOfRange: Cluster IP [IPv4]: 10.0.0.7 is not within any configured Service CIDR; please recreate service',
    ],
  },
  {
    name: 'a user wrote an object with another parent',
    object: address('', gateway),
    holders: [web],
    steps: [
      'ClusterIPNotAllocated: the ClusterIP [IPv4]: 10.0.0.7 for Service d/web has a wrong reference; repairing',
      'recreate web',
    ],
  },
  {
    name: 'the parent does not exist',
    object: address('gone'),
    holders: [web],
    steps: [
      'ClusterIPNotAllocated: the ClusterIP [IPv4]: 10.0.0.7 for Service d/web has a wrong reference; repairing',
      'recreate web',
    ],
  },
  {
    name: 'two Services have the address: the object stays with its parent',
    object: address('web'),
    holders: [service('b', '10.0.0.7'), web],
    parent: web,
    steps: [
      'ClusterIPAlreadyAllocated: Cluster IP [IPv4]:10.0.0.7 was assigned to multiple services; please recreate service',
    ],
  },
  {
    name: 'two Services have the address, and the object is missing',
    holders: [web, service('b', '10.0.0.7')],
    steps: ['ClusterIPNotAllocated: Cluster IP [IPv4]: 10.0.0.7 is not allocated; repairing', 'create web'],
  },
  {
    name: 'the parent has another address',
    object: address('other'),
    holders: [web],
    parent: other,
    ageMs: 5_000,
    steps: [
      'IPAddressWrongReference: IPAddress: 10.0.0.7 for Service d/other has a wrong reference; cleaning up',
      'delete',
    ],
  },
  {
    name: 'labels are missing',
    object: address('web', unlabelled),
    holders: [web],
    parent: web,
    steps: ['recreate web'],
  },
  {
    name: 'an object of a user',
    object: address('', (object) => {
      gateway(object);
      unlabelled(object);
    }),
    steps: [],
  },
  { name: 'an object of a user that names a Service', object: address('web', unlabelled), parent: other, steps: [] },
  { name: 'a young object without its Service', object: address('gone'), ageMs: 10_000, steps: ['wait 50000'] },
  {
    name: 'an object without its Service',
    object: address('gone'),
    ageMs: 60_000,
    steps: [
      'IPAddressNotAllocated: IPAddress: 10.0.0.7 for Service d/gone appears to have leaked: cleaning up',
      'delete',
    ],
  },
  {
    name: 'an object whose Service has no such address',
    object: address('other'),
    parent: other,
    ageMs: 1_000,
    steps: ['wait 4000'],
  },
  {
    name: 'a managed object that names no Service',
    object: address('', (object) => {
      object.spec!.parentRef = { resource: 'gateways', name: 'g' };
    }),
    steps: [
      'IPAddressNotAllocated: IPAddress 10.0.0.7 appears to have been modified, not referencing a Service ' +
        '{"group":"","resource":"gateways","namespace":"","name":"g"}: cleaning up',
      'delete',
    ],
  },
];

for (const { name, object, holders = [], parent, inRange = true, ageMs = 0, steps } of cases) {
  t.test(name, async (t) => {
    const found = planRepair({ address: '10.0.0.7', object, holders, parent, inRange, now: at + ageMs });
    const lines = found.map((step) => {
      if (step.action === 'report') return `${step.reason}: ${step.message}`;
      if (step.action === 'wait') return `wait ${step.ms}`;
      return step.action === 'delete' ? 'delete' : `${step.action} ${step.service.metadata?.name}`;
    });
    t.same(lines, steps);
  });
}
