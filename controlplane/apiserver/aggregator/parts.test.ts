// The pure parts of the aggregator: what a path means, which headers are sent, what discovery says, what is missing of a Service.
import t from 'tap';
import type { APIService } from '../../api/api-service';
import type { EndpointSlice } from '../../api/endpoint-slice';
import type { Service } from '../../api/service';
import { groupVersionOf, readRemotePath } from '../servers/request-info';
import { checkService } from './availability';
import { proxiedHeaders } from './proxied-headers';
import { kindsOf, readAggregated, readLegacy } from './remote-resources';

t.test('the attributes of a path', async (t) => {
  const root = '/apis/g.example.com/v1';
  const cases: readonly (readonly [method: string, path: string, shown: string])[] = [
    ['GET', '/things', 'list things// '],
    ['POST', '/namespaces/n/things', 'create things// n'],
    ['DELETE', '/namespaces/n/things', 'deletecollection things// n'],
    ['DELETE', '/namespaces/n/things/a', 'delete things/a/ n'],
    ['PATCH', '/namespaces/n/things/a/status', 'patch things/a/status n'],
    ['GET', '/namespaces//things', 'list things// '],
    ['GET', '/namespaces//things/a', 'get things/a/ '],
    ['GET', '/things/', 'list things// '],
    ['HEAD', '/things/a', 'get things/a/ '],
    ['OPTIONS', '/things', ' things// '],
    ['GET', '/watch/things/a', 'watch things/a/ '],
    ['GET', '/namespaces/n', 'get namespaces/n/ n'],
    ['PUT', '/namespaces/n/status', 'update namespaces/n/status n'],
  ];
  for (const [method, path, shown] of cases) {
    const { attributes } = readRemotePath(method, root + path, false)!;
    const { verb, resource, name, subresource, namespace } = attributes!;
    t.equal(`${verb} ${resource}/${name}/${subresource} ${namespace}`, shown, path);
  }
  t.equal(readRemotePath('GET', `${root}/things`, true)?.attributes?.verb, 'watch');
  t.equal(readRemotePath('GET', root, false)?.attributes, undefined, 'discovery is no resource');
  t.equal(readRemotePath('GET', `${root}/things/a%20%23b`, false)?.path, `${root}/things/a%20%23b`);
  t.equal(readRemotePath('GET', `${root}/things/%61`, false)?.path, `${root}/things/a`, 'one spelling');
  for (const wrong of ['..', '%2e%2e', 'a%2Fb', '%zz']) {
    t.throws(() => readRemotePath('GET', `${root}/${wrong}`, false), { code: 'BadRequest' }, wrong);
  }
  t.same(groupVersionOf('/api/v1/pods'), { group: '', version: 'v1' });
  for (const path of ['/apis', '/apis/g', '/version', '/api', '/']) t.equal(groupVersionOf(path), undefined, path);
});

t.test('headers', async (t) => {
  const headers = {
    authorization: 'x',
    connection: 'close',
    host: 'h',
    'x-remote-uid': 'root',
    accept: 'a/b',
    te: 'x',
  };
  const user = { name: 'jürgen', uid: 'u', groups: ['a', 'b'], extra: { 'example.com/a b': ['1', '2'], plain: ['3'] } };
  t.same(proxiedHeaders({ headers, user }), {
    accept: 'a/b',
    'X-Remote-User': Buffer.from('jürgen').toString('latin1'),
    'X-Remote-Uid': 'u',
    'X-Remote-Group': ['a', 'b'],
    'X-Remote-Extra-example.com%2Fa%20b': ['1', '2'],
    'X-Remote-Extra-plain': ['3'],
  });
});

t.test('discovery documents', async (t) => {
  const kind = { group: 'g', version: 'v1', kind: 'Thing' };
  const thing = { resource: 'things', responseKind: kind, scope: 'Namespaced', verbs: ['list', 'watch', 'delete'] };
  const document = {
    kind: 'APIGroupDiscoveryList',
    items: [{ metadata: { name: 'g' }, versions: [{ version: 'v1', resources: [thing, 7] }] }, null],
  };
  const found = readAggregated(document, 'g', 'v1')!;
  t.match(found, [{ resource: 'things', scope: 'Namespaced', singularResource: '', responseKind: kind }]);
  t.equal(found.length, 1);
  for (const other of [undefined, [], { kind: 'APIGroupList' }, { kind: 'APIGroupDiscoveryList' }]) {
    t.equal(readAggregated(other, 'g', 'v1'), undefined);
  }
  const legacy = readLegacy(
    {
      resources: [
        { name: 'things', namespaced: true, kind: 'Thing', singularName: 'thing', verbs: ['list', 'watch', 'delete'] },
        { name: 'things/scale', group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get'] },
        { name: 'reviews', kind: 'Review', verbs: ['create'] },
      ],
    },
    'g',
    'v1',
  );
  t.match(legacy, [
    {
      resource: 'things',
      responseKind: kind,
      subresources: [{ subresource: 'scale', responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' } }],
    },
    { resource: 'reviews', scope: 'Cluster' },
  ]);
  t.same(readLegacy('x', 'g', 'v1'), []);
  const kinds = kindsOf('g', 'v1', [...legacy, ...found]);
  t.match(kinds, [{ group: 'g', kind: 'Thing', plural: 'things', namespaced: true }]);
  t.equal(kinds.length, 1, 'only what can be deleted, and once');
});

t.test('what is missing of a Service', async (t) => {
  const object = { spec: { service: { namespace: 'n', name: 's', port: 443 } } } as APIService;
  const service = (type: string, port: number): Service => ({ spec: { type, ports: [{ name: 'https', port }] } });
  const slice = (ready: boolean | undefined, name: string): EndpointSlice => ({
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.0.0.1'], conditions: ready === undefined ? {} : { ready } }],
    ports: [{ name, port: 1 }],
  });
  const cases: readonly (readonly [Service | undefined, readonly EndpointSlice[], string | undefined])[] = [
    [undefined, [], 'ServiceNotFound'],
    [service('ExternalName', 1), [], undefined],
    [service('ClusterIP', 80), [], 'ServicePortError'],
    [service('ClusterIP', 443), [], 'EndpointsNotFound'],
    [service('ClusterIP', 443), [slice(false, 'https')], 'MissingEndpoints'],
    [service('ClusterIP', 443), [slice(true, 'http')], 'MissingEndpoints'],
    [service('ClusterIP', 443), [slice(undefined, 'https')], undefined],
  ];
  for (const [found, slices, reason] of cases)
    t.equal(checkService(object, found, slices)?.reason, reason, reason ?? 'ok');
});
