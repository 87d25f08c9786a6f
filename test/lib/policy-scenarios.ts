// The situations of upstream's e2e suite for NetworkPolicies (kubernetes/kubernetes test/e2e/network/netpol), as data: the objects
// in the API, without expected results. Pods a, b and c with label `pod` in namespaces x, y and z with label `ns`.
import type { NetworkPolicy } from '../../controlplane/api';
import { type PolicySpec, policy } from './policy-fixture';

export interface Scenario {
  readonly name: string;
  readonly policies: readonly NetworkPolicy[];
  /** Further labels, by pod or namespace. */
  readonly labels?: Readonly<Record<string, Record<string, string>>>;
}

export interface Addresses {
  /** Returns the address of a pod. */
  readonly of: (pod: string) => string;
}

const is = (value: string) => ({ matchLabels: { pod: value } });
const inNs = (value: string) => ({ matchLabels: { ns: value } });
const oneOf = (key: string, ...values: string[]) => ({ matchExpressions: [{ key, operator: 'In', values }] });
const ingress = (podSelector: object, ...rules: NonNullable<PolicySpec['ingress']>): PolicySpec => ({
  podSelector,
  ingress: rules,
  policyTypes: ['Ingress'],
});
const egress = (podSelector: object, ...rules: NonNullable<PolicySpec['egress']>): PolicySpec => ({
  podSelector,
  egress: rules,
  policyTypes: ['Egress'],
});
const both = (podSelector: object, rest: PolicySpec): PolicySpec => ({
  podSelector,
  policyTypes: ['Ingress', 'Egress'],
  ...rest,
});
const tcp = (port: number | string, endPort?: number) => ({ protocol: 'TCP', port, ...(endPort ? { endPort } : {}) });
const udp = (port: number | string) => ({ protocol: 'UDP', port });
const inX = (name: string, spec: PolicySpec) => policy('x', name, spec);

export const scenarios = ({ of }: Addresses): readonly Scenario[] => [
  { name: 'no policy', policies: [] },
  { name: 'default deny of ingress', policies: [inX('deny', ingress({}))] },
  { name: 'default deny of egress', policies: [inX('deny', egress({}))] },
  { name: 'default deny of both', policies: [inX('deny', both({}, {}))] },
  { name: 'allow all, ingress', policies: [inX('all', ingress({}, {}))] },
  {
    name: 'from pods of the own namespace',
    policies: [inX('p', ingress(is('a'), { from: [{ podSelector: is('b') }] }))],
  },
  { name: 'from any pod of the own namespace', policies: [inX('p', ingress({}, { from: [{ podSelector: {} }] }))] },
  { name: 'from all namespaces', policies: [inX('p', ingress({}, { from: [{ namespaceSelector: {} }] }))] },
  {
    name: 'from another namespace',
    policies: [inX('p', ingress(is('a'), { from: [{ namespaceSelector: inNs('y') }] }))],
  },
  {
    name: 'pods by matchExpressions',
    policies: [inX('p', ingress(is('a'), { from: [{ podSelector: oneOf('pod', 'b', 'nobody') }] }))],
  },
  {
    name: 'namespaces by matchExpressions',
    policies: [
      inX(
        'p',
        ingress(
          { matchExpressions: [{ key: 'pod', operator: 'NotIn', values: ['b'] }] },
          {
            from: [{ namespaceSelector: { matchExpressions: [{ key: 'ns', operator: 'NotIn', values: ['x', 'z'] }] } }],
          },
        ),
      ),
    ],
  },
  {
    name: 'pod selector or namespace selector',
    policies: [inX('p', ingress(is('a'), { from: [{ podSelector: is('b') }, { namespaceSelector: inNs('y') }] }))],
  },
  {
    name: 'pod selector and namespace selector',
    policies: [inX('p', ingress(is('a'), { from: [{ podSelector: is('b'), namespaceSelector: inNs('y') }] }))],
  },
  {
    name: 'several of both',
    policies: [
      inX(
        'p',
        ingress(is('a'), {
          from: [
            { podSelector: oneOf('pod', 'b', 'c'), namespaceSelector: oneOf('ns', 'y', 'z') },
            { podSelector: is('a'), namespaceSelector: inNs('z') },
          ],
        }),
      ),
    ],
  },
  {
    name: 'by port',
    policies: [inX('p', ingress(is('a'), { ports: [tcp(81)], from: [{ namespaceSelector: inNs('y') }] }))],
  },
  {
    name: 'by a range of ports',
    policies: [inX('p', ingress(is('a'), { ports: [tcp(81, 90)] }, { ports: [udp(80)] }))],
  },
  { name: 'any port of one protocol', policies: [inX('p', ingress(is('a'), { ports: [{ protocol: 'UDP' }] }))] },
  { name: 'SCTP is not TCP', policies: [inX('p', ingress(is('a'), { ports: [{ protocol: 'SCTP', port: 80 }] }))] },
  {
    name: 'a named port, ingress',
    policies: [
      inX('p', ingress({}, { ports: [tcp('serve-80')] })),
      policy(
        'z',
        'p',
        ingress(is('a'), { ports: [tcp('serve-80'), udp('serve-80-udp')], from: [{ namespaceSelector: inNs('x') }] }),
      ),
    ],
  },
  {
    name: 'a named port, egress: each destination has its own',
    policies: [inX('p', egress(is('a'), { ports: [tcp('serve-80')] }))],
  },
  {
    name: 'stacked policies that overlap',
    policies: [
      inX('p1', ingress(oneOf('pod', 'a'), { ports: [tcp(80)], from: [{ podSelector: is('b') }] })),
      inX('p2', ingress({}, { ports: [tcp(81)], from: [{ namespaceSelector: inNs('y') }] })),
    ],
  },
  { name: 'allow all beats deny', policies: [inX('deny', ingress({})), inX('all', ingress({}, {}))] },
  { name: 'allow all beats deny, egress', policies: [inX('deny', egress({})), inX('all', egress({}, {}))] },
  { name: 'egress of one pod', policies: [inX('p', egress(is('a')))] },
  {
    name: 'egress to another namespace',
    policies: [inX('p', egress(is('a'), { to: [{ podSelector: is('b'), namespaceSelector: inNs('y') }] }))],
  },
  {
    name: 'closed by the egress of the client, although the server allows the connection',
    policies: [inX('p', egress(is('a'))), policy('y', 'all', ingress({}, {}))],
  },
  {
    name: 'ingress and egress together',
    policies: [
      inX(
        'p',
        both(is('a'), { ingress: [{ from: [{ namespaceSelector: inNs('y') }] }], egress: [{ ports: [tcp(80)] }] }),
      ),
    ],
  },
  {
    name: 'ingress and egress of one pod are independent',
    policies: [
      inX('in', ingress(is('a'), { from: [{ podSelector: is('b') }] })),
      inX('out', egress(is('a'), { to: [{ podSelector: is('c') }] })),
    ],
  },
  {
    name: 'egress to a range of addresses',
    policies: [inX('p', egress(is('a'), { to: [{ ipBlock: { cidr: `${of('y/b')}/32` } }] }))],
  },
  {
    name: 'egress to a range with a hole',
    policies: [
      inX(
        'p',
        egress(is('a'), { to: [{ ipBlock: { cidr: '10.244.0.0/16', except: [`${of('y/a')}/32`, '10.244.1.0/24'] } }] }),
      ),
    ],
  },
  {
    name: 'an address in the hole of one policy and inside another',
    policies: [
      inX('p', egress(is('a'), { to: [{ ipBlock: { cidr: '10.244.0.0/16', except: [`${of('y/b')}/32`] } }] })),
      inX('q', egress(is('a'), { to: [{ ipBlock: { cidr: `${of('y/b')}/32` } }] })),
    ],
  },
  {
    name: 'ingress from outside only',
    policies: [
      inX('p', ingress({}, { from: [{ ipBlock: { cidr: '192.168.57.0/24', except: ['192.168.57.12/32'] } }] })),
    ],
  },
  {
    name: 'labels of a pod change: the policy selects the pod',
    policies: [inX('p', ingress({ matchLabels: { role: 'server' } }))],
    labels: { 'x/a': { role: 'server' } },
  },
  {
    name: 'labels of a pod change: the policy allows the pod',
    policies: [
      inX(
        'p',
        ingress(is('a'), { from: [{ podSelector: { matchLabels: { role: 'client' } }, namespaceSelector: {} }] }),
      ),
    ],
    labels: { 'y/b': { role: 'client' }, 'x/c': { role: 'client' } },
  },
  {
    name: 'labels of a namespace are changed',
    policies: [inX('p', ingress(is('a'), { from: [{ namespaceSelector: { matchLabels: { friend: 'yes' } } }] }))],
    labels: { z: { friend: 'yes' } },
  },
  {
    name: 'policies in every namespace',
    policies: ['x', 'y', 'z'].map((name) =>
      policy(
        name,
        'own',
        both({}, { ingress: [{ from: [{ podSelector: {} }] }], egress: [{ to: [{ podSelector: {} }] }] }),
      ),
    ),
  },
  { name: 'after the policies are deleted', policies: [] },
];
