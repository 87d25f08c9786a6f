import t from 'tap';
import type { ServiceCIDR } from '../../controlplane/api';
import { serviceRanges } from './service-ranges';

const cidr = (...cidrs: string[]): ServiceCIDR => ({ metadata: { name: cidrs.join() }, spec: { cidrs } });
const around = {
  family: 4,
  configured: ['10.96.0.0/12'],
  clusterCidr: '10.244.0.0/16',
  addresses: ['192.168.57.11'],
} as const;

const cases: { name: string; cidrs: ServiceCIDR[]; around?: object; ranges: string[] }[] = [
  { name: 'the range of the option alone', cidrs: [cidr('10.96.0.0/12')], ranges: ['10.96.0.0/12'] },
  {
    name: 'further ranges, in the same order whatever the order of the objects is',
    cidrs: [cidr('172.31.0.0/16', 'fd00::/112'), cidr('10.9.0.0/24'), cidr('10.7.0.0/24')],
    ranges: ['10.96.0.0/12', '172.31.0.0/16', '10.7.0.0/24', '10.9.0.0/24'],
  },
  {
    name: 'a range inside another needs no rule',
    cidrs: [cidr('10.97.0.0/16'), cidr('172.31.0.0/24'), cidr('172.31.0.0/16')],
    ranges: ['10.96.0.0/12', '172.31.0.0/16'],
  },
  {
    name: 'never a range with pods or with this node',
    cidrs: [cidr('10.244.3.0/24'), cidr('10.0.0.0/8'), cidr('192.168.0.0/16')],
    ranges: ['10.96.0.0/12'],
  },
  {
    name: 'without the option nothing is dropped',
    cidrs: [cidr('10.9.0.0/24')],
    around: { configured: [] },
    ranges: [],
  },
  {
    name: 'the other family',
    cidrs: [cidr('10.9.0.0/24', 'fd00:9::/112')],
    around: { family: 6, configured: ['fd00:96::/108'], clusterCidr: 'fd00:244::/56', addresses: ['fd00:57::11'] },
    ranges: ['fd00:96::/108', 'fd00:9::/112'],
  },
];
for (const { name, cidrs, around: other, ranges } of cases) {
  t.test(name, async (t) => t.same(serviceRanges(cidrs, { ...around, ...other }), ranges));
}
