import t from 'tap';
import type { NetworkPolicy } from '../../controlplane/api';
import { type Judged, whyNotAllowed } from './policy-check';

const judged: Judged = {
  ...{ direction: 'ingress', protocol: 'tcp', port: 8080, portNames: ['http'], address: '10.244.1.5' },
  peer: { who: 'pod shop/client', namespace: 'shop', labels: { app: 'client' }, namespaceLabels: { team: 'a' } },
};
const of = (spec: object): NetworkPolicy => ({ metadata: { namespace: 'shop', name: 'web' }, spec }) as NetworkPolicy;
const peer = (one: object) => of({ ingress: [{ from: [one] }] });
const port = (one: object) => of({ ingress: [{ ports: [one] }] });

const cases: readonly (readonly [name: string, policy: NetworkPolicy, why: RegExp, more?: Partial<Judged>])[] = [
  ['no rules', of({}), /^NetworkPolicy shop\/web has no rule for ingress: it allows nothing$/],
  ['another port', port({ port: 80, protocol: 'TCP' }), /rule 1 allows port 80\/TCP only, not 8080\/TCP$/],
  ['another protocol', port({ port: 8080, protocol: 'UDP' }), /allows port 8080\/UDP only/],
  ['a range', port({ port: 80, endPort: 90 }), /allows port 80-90\/TCP only/],
  ['a name', port({ port: 'web' }), /allows port web\/TCP only/],
  [
    'labels of the pod',
    peer({ podSelector: { matchLabels: { role: 'friend' } } }),
    /rule 1 is for pods with role=friend, and pod shop\/client has app=client$/,
  ],
  [
    'labels of the namespace',
    peer({ namespaceSelector: { matchLabels: { team: 'b' } }, podSelector: {} }),
    /is for namespaces with team=b, and namespace shop has team=a$/,
  ],
  [
    'another namespace',
    peer({ podSelector: {} }),
    /is for pods of namespace shop alone \(no namespaceSelector\), and pod far\/x is in far$/,
    { peer: { who: 'pod far/x', namespace: 'far', labels: {}, namespaceLabels: {} } },
  ],
  [
    'a range of addresses',
    peer({ ipBlock: { cidr: '192.0.2.0/24' } }),
    /ipBlock 192\.0\.2\.0\/24, and 10\.244\.1\.5 is not in it$/,
  ],
  [
    'an exception',
    peer({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.244.0.0/16'] } }),
    /ipBlock 10\.0\.0\.0\/8, except 10\.244\.0\.0\/16, in which 10\.244\.1\.5 is$/,
  ],
  [
    'no pod',
    peer({ podSelector: {} }),
    /is for pods alone, and 192\.0\.2\.1 is no pod/,
    { address: '192.0.2.1', peer: undefined },
  ],
  [
    'two rules',
    of({ ingress: [{ ports: [{ port: 80 }] }, { from: [{ podSelector: { matchLabels: { a: 'b' } } }] }] }),
    /rule 1 allows port 80\/TCP only, not 8080\/TCP\. rule 2 is for pods with a=b/,
  ],
  [
    'port and peer',
    of({ ingress: [{ ports: [{ port: 80 }], from: [{ podSelector: { matchLabels: { a: 'b' } } }] }] }),
    /rule 1 allows port 80\/TCP only, not 8080\/TCP, and is for pods with a=b/,
  ],
  [
    'egress',
    of({ egress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }] }),
    /rule 1 is for ipBlock 192/,
    { direction: 'egress' },
  ],
];
for (const [name, policy, why, more = {}] of cases) {
  t.test(name, async (t) => t.match(whyNotAllowed(policy, { ...judged, ...more } as Judged).join('\n'), why));
}

t.test('what matches is not blamed', async (t) => {
  const open = of({ ingress: [{ ports: [{ port: 'http' }], from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] });
  t.match(whyNotAllowed(open, judged), [/rule 1 matches now/]);
});
