// Selectors, peers and ports of NetworkPolicies in words.
import t from 'tap';
import { directionsOf, rulesOf, selectorWords } from './policy-words';

t.equal(selectorWords({}), '');
t.equal(
  selectorWords({
    matchLabels: { app: 'web' },
    matchExpressions: [
      { key: 'tier', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'DoesNotExist' },
    ],
  }),
  'app=web, tier in (a,b), !old',
);
const spec = {
  ingress: [
    { from: [{ podSelector: { matchLabels: { app: 'a' } } }, { namespaceSelector: {} }], ports: [{ port: 80 }] },
  ],
  egress: [
    {
      to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }],
      ports: [{ protocol: 'UDP', port: 1, endPort: 9 }],
    },
  ],
};
t.strictSame(rulesOf(spec), [
  { direction: 'ingress', peers: ['podSelector app=a', 'namespaceSelector *'], ports: ['TCP 80'] },
  { direction: 'egress', peers: ['10.0.0.0/8 (except 10.1.0.0/16)'], ports: ['UDP 1-9'] },
]);
t.strictSame(directionsOf(spec), ['ingress', 'egress']);
t.strictSame(directionsOf({ policyTypes: ['Egress'] }), ['egress']);
