import t from 'tap';
import type { Service } from '../../api/index';
import { type IpFamily, initFamilies } from './ip-families';

type Spec = NonNullable<Service['spec']>;
const v4: readonly IpFamily[] = ['IPv4'];
const both: readonly IpFamily[] = ['IPv4', 'IPv6'];

interface Case {
  readonly name: string;
  readonly spec: Spec;
  readonly old?: Spec;
  readonly cluster?: readonly IpFamily[];
  /** Policy and families afterwards, or the error. */
  readonly want: string | RegExp;
}
const single: Spec = { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'], clusterIPs: ['10.96.0.5'] };
const dual: Spec = {
  ipFamilyPolicy: 'RequireDualStack',
  ipFamilies: ['IPv4', 'IPv6'],
  clusterIPs: ['10.96.0.5', 'fd00::5'],
};
const preferred: Spec = { ...dual, ipFamilyPolicy: 'PreferDualStack' };
const headless = { clusterIP: 'None', clusterIPs: ['None'] };

const cases: readonly Case[] = [
  { name: 'no policy and no family', spec: {}, want: 'SingleStack IPv4' },
  { name: 'no policy and no family, dual-stack cluster', spec: {}, cluster: both, want: 'SingleStack IPv4' },
  { name: 'an IPv6 cluster', spec: {}, cluster: ['IPv6'], want: 'SingleStack IPv6' },
  {
    name: 'an address determines its family',
    spec: { clusterIPs: ['fd00::7'] },
    cluster: both,
    want: 'SingleStack IPv6',
  },
  { name: 'one requested family', spec: { ipFamilies: ['IPv6'] }, cluster: both, want: 'SingleStack IPv6' },
  {
    name: 'a family that the cluster does not have',
    spec: { ipFamilies: ['IPv6'] },
    want: /^spec.ipFamilies\[0\]: Invalid value: "IPv6": not configured on this cluster$/,
  },
  {
    name: 'an address of a family that the cluster does not have',
    spec: { clusterIPs: ['fd00::7'] },
    want: /^spec.clusterIPs\[0\]: .*: IPv6 is not configured on this cluster$/,
  },
  { name: 'preference, one family', spec: { ipFamilyPolicy: 'PreferDualStack' }, want: 'PreferDualStack IPv4' },
  {
    name: 'preference, both',
    spec: { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv6'] },
    cluster: both,
    want: 'PreferDualStack IPv6,IPv4',
  },
  {
    name: 'required, one family',
    spec: { ipFamilyPolicy: 'RequireDualStack' },
    want: /this cluster is not configured for dual-stack services/,
  },
  {
    name: 'required, both',
    spec: { ipFamilyPolicy: 'RequireDualStack' },
    cluster: both,
    want: 'RequireDualStack IPv4,IPv6',
  },
  {
    name: 'two families, single stack',
    spec: { ipFamilies: ['IPv4', 'IPv6'] },
    cluster: both,
    want: /must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified/,
  },
  {
    name: 'two addresses, single stack',
    spec: { clusterIPs: ['10.96.0.9', 'fd00::9'] },
    cluster: both,
    want: /must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified/,
  },
  {
    name: 'two addresses of one family',
    spec: { ipFamilyPolicy: 'RequireDualStack', clusterIPs: ['10.96.0.9', '10.96.0.10'] },
    cluster: both,
    want: /may specify no more than one IP for each IP family/,
  },
  {
    name: 'address and family differ',
    spec: { clusterIPs: ['10.96.0.9'], ipFamilies: ['IPv6'] },
    cluster: both,
    want: /spec.clusterIPs\[0\]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies\[0\]`/,
  },
  {
    name: 'a family twice',
    spec: { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv4'] },
    cluster: both,
    want: /spec.ipFamilies\[1\]: Duplicate value: "IPv4"/,
  },
  { name: 'headless', spec: { ...headless, selector: { a: 'b' } }, want: 'SingleStack IPv4' },
  { name: 'headless without selector may have any', spec: headless, want: 'RequireDualStack IPv4,IPv6' },
  {
    name: 'headless without selector, one requested family',
    spec: { ...headless, ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv6'] },
    want: 'SingleStack IPv6',
  },
  { name: 'an ExternalName has no family', spec: { type: 'ExternalName' }, want: 'undefined ' },
  {
    name: 'an update without policy and families keeps both',
    spec: { clusterIPs: ['10.96.0.5', 'fd00::5'] },
    old: dual,
    cluster: both,
    want: 'RequireDualStack IPv4,IPv6',
  },
  {
    name: 'SingleStack to PreferDualStack adds a family',
    spec: { ...single, ipFamilyPolicy: 'PreferDualStack' },
    old: single,
    cluster: both,
    want: 'PreferDualStack IPv4,IPv6',
  },
  {
    name: 'dual to single releases the second',
    spec: { ...dual, ipFamilyPolicy: 'SingleStack' },
    old: dual,
    cluster: both,
    want: 'SingleStack IPv4',
  },
  {
    name: 'an update may not remove an address alone',
    spec: { ...dual, clusterIPs: ['10.96.0.5'] },
    old: dual,
    cluster: both,
    want: /must be 'SingleStack' to release the secondary cluster IP/,
  },
  {
    name: 'an update may not remove a family alone',
    spec: { ...dual, ipFamilies: ['IPv4'] },
    old: dual,
    cluster: both,
    want: /must be 'SingleStack' to release the secondary IP family/,
  },
  {
    name: 'a preference stays as it is when the cluster loses a family',
    spec: preferred,
    old: preferred,
    want: 'PreferDualStack IPv4,IPv6',
  },
  {
    name: 'a preference stays as it is when the cluster gains a family',
    spec: { ...single, ipFamilyPolicy: 'PreferDualStack' },
    old: { ...single, ipFamilyPolicy: 'PreferDualStack' },
    cluster: both,
    want: 'PreferDualStack IPv4',
  },
];

/** As the kind and its writer make them equal. */
const aligned = (spec: Spec): Spec => ({ ...structuredClone(spec), clusterIP: spec.clusterIP ?? spec.clusterIPs?.[0] });

for (const { name, spec: given, old, cluster = v4, want } of cases) {
  t.test(name, async (t) => {
    const spec = aligned(given);
    const causes = initFamilies(spec, old && aligned(old), cluster);
    if (typeof want === 'string') {
      t.same(causes, []);
      t.equal(`${spec.ipFamilyPolicy} ${(spec.ipFamilies ?? []).join(',')}`, want);
    } else {
      t.match(causes.map(({ field, message }) => `${field}: ${message}`).join('; '), want);
    }
  });
}
