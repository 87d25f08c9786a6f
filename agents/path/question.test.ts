import t from 'tap';
import { readFrom, readTo } from './question';

t.test('senders', async (t) => {
  const cases: readonly [string, object][] = [
    ['pod/web-0', { kind: 'pod', namespace: 'shop', name: 'web-0' }],
    ['web-0', { kind: 'pod', namespace: 'shop', name: 'web-0' }],
    ['other/web-0', { kind: 'pod', namespace: 'other', name: 'web-0' }],
    ['po/other/web-0', { kind: 'pod', namespace: 'other', name: 'web-0' }],
    ['deploy/web', { kind: 'workload', resource: 'deployments', namespace: 'shop', name: 'web' }],
    ['sts/other/db', { kind: 'workload', resource: 'statefulsets', namespace: 'other', name: 'db' }],
    ['node/worker-1', { kind: 'node', name: 'worker-1' }],
    ['outside', { kind: 'outside' }],
    ['203.0.113.7', { kind: 'outside', address: '203.0.113.7' }],
    ['2001:db8::7', { kind: 'outside', address: '2001:db8::7' }],
  ];
  for (const [text, wanted] of cases) t.same(readFrom(text, 'shop'), wanted, text);
  for (const text of ['', 'svc/web', 'a/b/c/d', 'x/y/z', 'Pod/Web', '../x', 'pod/', 'constructor/a/b']) {
    t.throws(() => readFrom(text, 'shop'), { code: 'BadRequest', message: /is no sender: expected pod\/NAME/ }, text);
  }
});

t.test('destinations', async (t) => {
  const cases: readonly [string, object][] = [
    ['svc/web', { kind: 'service', namespace: 'shop', name: 'web' }],
    ['svc/web:80', { kind: 'service', namespace: 'shop', name: 'web', port: 80 }],
    ['svc/other/web:http', { kind: 'service', namespace: 'other', name: 'web', port: 'http' }],
    ['service/dns:53/udp', { kind: 'service', namespace: 'shop', name: 'dns', port: 53, protocol: 'udp' }],
    ['pod/web-0:8080', { kind: 'pod', namespace: 'shop', name: 'web-0', port: 8080 }],
    ['other/web-0:8080', { kind: 'pod', namespace: 'other', name: 'web-0', port: 8080 }],
    ['node/worker-1:10250', { kind: 'node', name: 'worker-1', port: 10_250 }],
    ['10.96.0.10:53/UDP', { kind: 'address', address: '10.96.0.10', port: 53, protocol: 'udp' }],
    ['10.244.1.5', { kind: 'address', address: '10.244.1.5' }],
    ['[fd00::a]:53', { kind: 'address', address: 'fd00::a', port: 53 }],
    ['fd00::a', { kind: 'address', address: 'fd00::a' }],
    ['svc/udp', { kind: 'service', namespace: 'shop', name: 'udp' }],
    ['[fd00::a]:53/udp', { kind: 'address', address: 'fd00::a', port: 53, protocol: 'udp' }],
    ['10.244.1.5/icmp', { kind: 'address', address: '10.244.1.5', protocol: 'icmp' }],
    ['web:80', { kind: 'name', name: 'web', port: 80 }],
    ['web.shop.svc.cluster.local.:80', { kind: 'name', name: 'web.shop.svc.cluster.local.', port: 80 }],
    ['http://shop.local/cart?x=1', { kind: 'url', scheme: 'http', host: 'shop.local', port: 80, path: '/cart?x=1' }],
    ['HTTPS://[fd00::1]:8443', { kind: 'url', scheme: 'https', host: 'fd00::1', port: 8443, path: '/' }],
  ];
  for (const [text, wanted] of cases) t.same(readTo(text, 'shop'), wanted, text);
  for (const text of [
    '',
    ':80',
    'deploy/web:80',
    'web:80:81',
    'svc/:80',
    'a b',
    'web/tcp/udp',
    'a..b:80',
    `${'x'.repeat(64)}:80`,
    'http://',
    '[x]:80',
    '[fd00::1]',
    '[]:80',
    'web:80/',
    ':/udp',
  ]) {
    t.throws(() => readTo(text, 'shop'), { code: 'BadRequest' }, text);
  }
  for (const text of ['svc/web:0', 'web:65536']) t.throws(() => readTo(text, 'shop'), /is no port/, text);
});
