import t from 'tap';
import type { EndpointSlice, Pod, Service } from '../../controlplane/api';
import { candidates, hostsAddress, type Resolver, resolveName, zoneOf } from './names';

const service = (namespace: string, name: string, spec: object): Service =>
  ({ metadata: { namespace, name }, spec }) as Service;
const services = [
  service('shop', 'web', { clusterIP: '10.96.3.7' }),
  service('data', 'db', { clusterIP: 'None' }),
  service('data', 'cache', { clusterIP: '10.96.3.9' }),
  service('shop', 'empty', { clusterIP: 'None' }),
  service('shop', 'alias', { type: 'ExternalName', externalName: 'cache.data.svc.cluster.local' }),
  service('shop', 'far', { type: 'ExternalName', externalName: 'example.com' }),
  service('shop', 'a', { type: 'ExternalName', externalName: 'b.shop.svc.cluster.local' }),
  service('shop', 'gone', { type: 'ExternalName', externalName: 'db.nowhere.svc.cluster.local' }),
  service('shop', 'b', { type: 'ExternalName', externalName: 'a.shop.svc.cluster.local.' }),
];
const slice = {
  metadata: { namespace: 'data', name: 'db-1', labels: { 'kubernetes.io/service-name': 'db' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.244.1.9'], conditions: { ready: true } }],
  ports: [{ port: 5432 }],
} as EndpointSlice;
const zone = zoneOf('cluster.local', services, [slice]);
const ofShop: Resolver = {
  servers: ['10.96.0.10'],
  search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
  ndots: 5,
};
const resolve = (name: string, resolver = ofShop, family: 4 | 6 = 4) =>
  resolveName(name, { resolver, zone, services, family, namespace: 'shop' });

t.test('the order of resolv.conf', async (t) => {
  t.same(candidates('web', ofShop), [
    'web.shop.svc.cluster.local',
    'web.svc.cluster.local',
    'web.cluster.local',
    'web',
  ]);
  t.same(candidates('web.', ofShop), ['web'], 'an absolute name');
  t.same(candidates('a.b', { ...ofShop, ndots: 1 })[0], 'a.b', 'enough dots: as it is first');
});

t.test('names that are found', async (t) => {
  t.match(resolve('web'), { hop: { state: 'passes' }, addresses: ['10.96.3.7'], service: 'shop/web' });
  t.match(resolve('cache.data'), { addresses: ['10.96.3.9'], service: 'data/cache' });
  t.match(resolve('db.data'), { addresses: ['10.244.1.9'] }, 'headless: the endpoints');
  t.match(resolve('alias'), { hop: { state: 'passes' }, addresses: ['10.96.3.9'] });
  t.match(resolve('web.shop.svc.cluster.local.'), { addresses: ['10.96.3.7'] });
});

t.test('names that are not found say why', async (t) => {
  const code = (name: string, resolver?: Resolver) => resolve(name, resolver).hop.fault?.code;
  t.match(resolve('cache').hop.fault, { code: 'OtherNamespace', remedy: 'use cache.data' });
  t.equal(code('nothing'), 'NameNotFound');
  t.equal(code('a'), 'ExternalNameLoop');
  t.equal(code('web', { servers: [], search: [], ndots: 1 }), 'NoSearchList', 'dnsPolicy Default');
  t.equal(code('web.shop', { servers: [], search: ['example.com'], ndots: 1 }), 'NoSearchList');
  const astray = { servers: [], search: ['data.svc.cluster.local'], ndots: 5 };
  t.match(resolve('web', astray).hop.fault, { code: 'NoSearchList', remedy: 'use web.shop.svc.cluster.local' });
  t.equal(code('node1.db.data'), 'NoSuchHostname');
  t.match(resolve('empty').hop.fault, {
    code: 'NotReady',
    message: /headless Service shop\/empty has no ready endpoint/,
  });
  t.match(resolve('web.shop.svc.cluster.locale').hop.fault, {
    message: /web\.shop\.svc\.cluster\.locale is not its name/,
  });
  t.match(resolve('web', ofShop, 6).hop.state, 'stops', 'no address of this family');
  t.match(
    resolve('example.com'),
    { hop: { state: 'unknown' }, addresses: [] },
    'a name of the outside world is not judged',
  );
  t.match(resolve('far'), { addresses: [] });
});

t.test('the hosts file of the pod', async (t) => {
  const hosts = [
    { address: 'fe00::1', names: ['web'] },
    { address: '10.9.9.9', names: ['Web', 'web.shop'] },
  ];
  const resolver = { ...ofShop, hosts };
  t.equal(hostsAddress('web', resolver, 4), '10.9.9.9');
  t.equal(hostsAddress('WEB.shop.', resolver, 4), '10.9.9.9');
  t.equal(hostsAddress('web', resolver, 6), 'fe00::1');
  t.equal(hostsAddress('web.shop.svc', resolver, 4), undefined);
  t.equal(hostsAddress('web', ofShop, 4), undefined);
});

t.test('what other servers are asked for', async (t) => {
  t.match(resolve('far'), { hop: { state: 'unknown' }, asked: 'far.shop.svc.cluster.local', alias: 'example.com' });
  t.match(resolve('example.org'), { asked: 'example.org' });
});

t.test('an alias of a Service that is not there, and a dot at the end', async (t) => {
  t.match(resolve('gone').hop.fault, {
    code: 'NameNotFound',
    message:
      /^Service shop\/gone \(ExternalName\) is another name for db\.nowhere\.svc\.cluster\.local, .* no Service nowhere\/db$/,
    remedy: 'kubectl edit service -n shop gone',
  });
  t.match(resolve('web.').hop.fault, {
    code: 'NoSearchList',
    message: /ends in a dot/,
    remedy: /^use web, or web\.shop\.svc/,
  });
  t.match(resolve('cache.data.').hop.fault, { code: 'NoSearchList', message: /Service data\/cache/ });
  t.match(resolve('cache.').hop.fault, { code: 'OtherNamespace' });
});

t.test('names of pods by their addresses', async (t) => {
  const pod = { metadata: { namespace: 'shop', name: 'a' }, status: { podIPs: [{ ip: '10.244.1.8' }] } } as Pod;
  const withPods = zoneOf('cluster.local', services, [slice], [pod]);
  const ask = (name: string) =>
    resolveName(name, { resolver: ofShop, zone: withPods, services, family: 4, namespace: 'shop' });
  t.match(ask('10-244-1-8.shop.pod.cluster.local'), { hop: { state: 'passes' }, addresses: ['10.244.1.8'] });
  t.match(ask('10-244-1-9.shop.pod.cluster.local').hop, { state: 'stops' });
});
