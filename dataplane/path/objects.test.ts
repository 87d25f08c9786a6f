// The objects in the comments of rules.
import t from 'tap';
import { maxComment } from '../nftables/text';
import { policiesOfComment, serviceOfComment } from './objects';

const services = [
  { comment: 'shop/web', is: { kind: 'Service', key: 'shop/web' } },
  { comment: 'shop/web:http', is: { kind: 'Service', key: 'shop/web', port: 'http' } },
  { comment: 'shop/web: no such port', is: { kind: 'Service', key: 'shop/web' } },
  { comment: 'shop/web:http has no endpoints', is: { kind: 'Service', key: 'shop/web', port: 'http' } },
  { comment: 'shop/web:http: from outside', is: { kind: 'Service', key: 'shop/web', port: 'http' } },
  { comment: 'pod:shop/web-0:http', is: { kind: 'Pod', key: 'shop/web-0', port: 'http' } },
  {
    comment: 'shop/web:http -> 10.244.1.5:8080',
    is: { kind: 'Service', key: 'shop/web', port: 'http', endpoint: '10.244.1.5:8080' },
  },
  {
    comment: 'shop/web -> [fd00::5]:8080',
    is: { kind: 'Service', key: 'shop/web', endpoint: '[fd00::5]:8080' },
  },
  { comment: 'k8ts: node ports' },
  { comment: 'services 10.96.0.0/12' },
  { comment: 'node ports 30080:30095' },
  { comment: 'not to one of ours/theirs' },
  { comment: '' },
] as const;

t.test('comments of Services', async (t) => {
  for (const one of services) t.strictSame(serviceOfComment(one.comment), 'is' in one ? [one.is] : [], one.comment);
});

t.test('comments of policies', async (t) => {
  t.strictSame(policiesOfComment('shop/allow-web: ingress[0]'), [
    { kind: 'NetworkPolicy', key: 'shop/allow-web', rule: 'ingress[0]' },
  ]);
  t.strictSame(policiesOfComment('shop/allow-web'), [{ kind: 'NetworkPolicy', key: 'shop/allow-web' }]);
  t.strictSame(policiesOfComment('egress not allowed by shop/a, shop/b'), [
    { kind: 'NetworkPolicy', key: 'shop/a' },
    { kind: 'NetworkPolicy', key: 'shop/b' },
  ]);
  t.strictSame(policiesOfComment('of connections that were let through'), []);
});

t.test('a name that nft has shortened names no object', async (t) => {
  const name = 'x'.repeat(maxComment - 'shop/'.length);
  t.strictSame(serviceOfComment(`shop/${name}`), []);
  t.strictSame(policiesOfComment(`shop/${name}`), []);
  const refused = `ingress not allowed by shop/a, shop/${name}`.slice(0, maxComment);
  t.strictSame(policiesOfComment(refused), [{ kind: 'NetworkPolicy', key: 'shop/a' }]);
  t.equal(serviceOfComment(`shop/${name.slice(1)}`).length, 1);
});
