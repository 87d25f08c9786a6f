import t from 'tap';
import { checkWhatIf } from './what-if-check';

const policy = (more: object) => ({ policies: [{ metadata: { namespace: 'shop', name: 'a' }, spec: more }] });

t.test('objects as an API server has checked them', async () => {
  checkWhatIf({
    services: [
      {
        service: {
          metadata: { namespace: 'shop', name: 'web' },
          spec: { clusterIP: 'fd00::1', ports: [{ port: 80 }] },
        },
        slices: [{ addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] }],
      },
    ],
    ...policy({
      podSelector: { matchLabels: { 'app.kubernetes.io/name': 'web_1', empty: '' } },
      ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: [] } }], ports: [{ port: 'http' }] }],
    }),
    gone: { services: ['shop/old'] },
  });
});

t.test('words that nft would read as something else are refused, with their place', async (t) => {
  const refuses = (whatIf: object, message: RegExp) => t.throws(() => checkWhatIf(whatIf), { message });
  const include = 'a\n include "/etc/shadow"';
  refuses({ policies: [{ metadata: { namespace: 'shop', name: include } }] }, /whatIf\.policies\[0\]\.metadata\.name/);
  refuses(policy({ ingress: [{ ports: [{ protocol: 'tcp; include', port: 1 }] }] }), /protocol.*";"/);
  refuses(policy({ ingress: [{ ports: [{ port: 1, endPort: '2 }' }] }] }), /endPort/);
  refuses(policy({ podSelector: { matchLabels: { 'a"b': 'c' } } }), /matchLabels/);
  refuses({ gone: { policies: ['shop/a{'] } }, /gone\.policies\[0\]/);
  refuses(policy({ podSelector: { matchLabels: { a: 'ü' } } }), /ü/);
  let deep: object = {};
  for (let i = 0; i < 50; i++) deep = { deep };
  refuses(policy(deep), /nested too deeply/);
});
