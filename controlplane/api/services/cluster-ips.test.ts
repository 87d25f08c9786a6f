// Causes that kube-apiserver 1.36.3 returned for the same fields.
import t from 'tap';
import { validateClusterIps } from './cluster-ips';
import type { ServiceSpec } from './types';

const notIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const one = { clusterIP: '10.96.7.7', clusterIPs: ['10.96.7.7'] };

const cases: readonly { name: string; spec: ServiceSpec; old?: ServiceSpec; causes: readonly string[] }[] = [
  { name: 'an address', spec: one, causes: [] },
  { name: 'headless', spec: { clusterIP: 'None', clusterIPs: ['None'] }, causes: [] },
  { name: 'ExternalName has other rules', spec: { type: 'ExternalName', clusterIPs: ['x'] }, causes: [] },
  {
    name: 'the list alone',
    spec: { clusterIPs: ['10.96.7.7'] },
    causes: ['spec.clusterIPs: Invalid value: ["10.96.7.7"]: must be empty when `clusterIP` is not specified'],
  },
  { name: 'without the list', spec: { clusterIP: '10.96.7.7' }, causes: ['spec.clusterIPs: Required value'] },
  {
    name: 'another first value, which is no address',
    spec: { ...one, clusterIPs: [''] },
    causes: [
      'spec.clusterIPs: Invalid value: [""]: first value must match `clusterIP`',
      `spec.clusterIPs[0]: Invalid value: "": ${notIp}`,
    ],
  },
  {
    name: 'an address that the Service has already',
    spec: { clusterIP: 'x', clusterIPs: ['x'] },
    old: { clusterIPs: ['x'] },
    causes: [],
  },
  {
    name: 'an unknown family',
    spec: { ...one, ipFamilies: ['Bogus'] },
    causes: ['spec.ipFamilies[0]: Unsupported value: "Bogus": supported values: "IPv4", "IPv6"'],
  },
  {
    name: 'a family twice',
    spec: { ...one, ipFamilies: ['IPv4', 'IPv4'] },
    causes: ['spec.ipFamilies[1]: Duplicate value: "IPv4"'],
  },
  {
    name: 'an unknown policy',
    spec: { ...one, ipFamilyPolicy: 'Bogus' },
    causes: [
      'spec.ipFamilyPolicy: Unsupported value: "Bogus": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
  },
  {
    name: 'None among others',
    spec: { clusterIP: 'None', clusterIPs: ['None', 'None'] },
    causes: [
      `spec.clusterIPs: Invalid value: ["None","None"]: 'None' must be the first and only value`,
      `spec.clusterIPs[1]: Invalid value: "None": ${notIp}`,
    ],
  },
  {
    name: 'two of one family',
    spec: { ...one, clusterIPs: ['10.96.7.7', '10.96.7.8'] },
    causes: [
      'spec.clusterIPs: Invalid value: ["10.96.7.7","10.96.7.8"]: may specify no more than one IP for each IP family',
    ],
  },
  {
    name: 'the other family',
    spec: { ...one, ipFamilies: ['IPv6'] },
    causes: ['spec.clusterIPs[0]: Invalid value: "10.96.7.7": expected an IPv6 value as indicated by `ipFamilies[0]`'],
  },
];

for (const { name, spec, old, causes } of cases) {
  t.test(name, async (t) => {
    t.same(
      validateClusterIps(spec, old).map(({ field, message }) => `${field}: ${message}`),
      causes,
    );
  });
}
