import t from 'tap';
import type { IPAddress, ServiceCIDR } from '../../api/index';
import { addressOfService } from '../../api/ip-addresses/facts';
import { graceMs, planServiceCidr } from './plan';

const deleted = '2026-01-01T00:00:00Z';
const at = Date.parse(deleted);
const finalizer = 'networking.k8s.io/service-cidr-finalizer';

interface Shape {
  readonly name?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: string[];
  readonly condition?: object;
}
const cidr = (cidrs: string[], { name = 'a', condition, ...metadata }: Shape = {}): ServiceCIDR =>
  ({
    metadata: { name, ...metadata },
    spec: { cidrs },
    ...(condition ? { status: { conditions: [{ type: 'Ready', ...condition }] } } : {}),
  }) as ServiceCIDR;
const address = (name: string): IPAddress => {
  const { labels, spec } = addressOfService(name, { namespace: 'd', name: 's' });
  return { metadata: { name, labels }, spec };
};
const ready = { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
const leaving = (cidrs: string[], more: Shape = {}) =>
  cidr(cidrs, { deletionTimestamp: deleted, finalizers: [finalizer], ...more });
const late = at + graceMs;

const cases: {
  name: string;
  cidr: ServiceCIDR;
  others?: ServiceCIDR[];
  addresses?: IPAddress[];
  now?: number;
  steps: unknown;
}[] = [
  {
    name: 'a new one gets the finalizer and the condition',
    cidr: cidr(['10.0.0.0/24']),
    steps: [{ action: 'protect' }, { action: 'report', condition: { type: 'Ready', ...ready } }],
  },
  {
    name: 'a complete one stays as it is',
    cidr: cidr(['10.0.0.0/24'], { finalizers: [finalizer], condition: ready }),
    steps: [],
  },
  {
    name: 'the message of the API server is replaced',
    cidr: cidr(['10.0.0.0/24'], {
      finalizers: [finalizer],
      condition: { ...ready, message: 'Kubernetes default Service CIDR is ready' },
    }),
    steps: [{ action: 'report', condition: { type: 'Ready', ...ready } }],
  },
  {
    name: 'an address that only this one has keeps it',
    cidr: leaving(['10.0.0.0/24']),
    addresses: [address('10.0.0.7')],
    others: [cidr(['10.0.1.0/24'], { name: 'b' })],
    now: late,
    steps: [
      {
        action: 'report',
        condition: {
          type: 'Ready',
          status: 'False',
          reason: 'Terminating',
          message:
            'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
        },
      },
    ],
  },
  {
    name: 'an address of a user does not',
    cidr: leaving(['10.0.0.0/24']),
    addresses: [{ ...address('10.0.0.7'), metadata: { name: '10.0.0.7' } }],
    now: late,
    steps: [{ action: 'release' }],
  },
  {
    name: 'an address that another one has too does not',
    cidr: leaving(['10.0.0.0/16']),
    addresses: [address('10.0.0.7')],
    others: [cidr(['10.0.0.0/24'], { name: 'b' })],
    now: late,
    steps: [{ action: 'release' }],
  },
  {
    name: 'the network address of the other one is not one of its addresses',
    cidr: leaving(['10.0.0.0/16']),
    addresses: [address('10.0.1.0')],
    others: [cidr(['10.0.1.0/24'], { name: 'b' })],
    now: late,
    steps: [{ action: 'report', condition: { status: 'False' } }],
  },
  {
    name: 'one that lies in another one can go',
    cidr: leaving(['10.0.1.0/24']),
    addresses: [address('10.0.1.7')],
    others: [cidr(['10.0.0.0/16'], { name: 'b' })],
    now: late,
    steps: [{ action: 'release' }],
  },
  {
    name: 'of two families, one is covered: an address of the other keeps it',
    cidr: leaving(['10.0.1.0/24', 'fd00::/112']),
    addresses: [address('10.0.1.7'), address('fd00::7')],
    others: [cidr(['10.0.0.0/16'], { name: 'b' })],
    now: late,
    steps: [{ action: 'report', condition: { status: 'False' } }],
  },
  {
    name: 'before the grace period has passed it waits',
    cidr: leaving(['10.0.0.0/24']),
    now: at + 4_000,
    steps: [{ action: 'wait', ms: 6_000 }],
  },
  {
    name: 'without the finalizer nothing is left to do',
    cidr: leaving(['10.0.0.0/24'], { finalizers: ['example.com/other'] }),
    now: late,
    steps: [],
  },
];

for (const { name, cidr: one, others = [], addresses = [], now = at, steps } of cases) {
  t.test(name, async (t) => {
    const found = planServiceCidr(one, [one, ...others], addresses, now);
    t.match(found, steps);
    t.equal(found.length, (steps as unknown[]).length);
  });
}
