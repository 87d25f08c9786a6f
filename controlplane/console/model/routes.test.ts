import t from 'tap';
import { consolePath, loginFragment as inApi } from '../../api/console';
import { hashOf, home, isSameObject, loginFragment, type ObjectRoute, parseHash, type Route, routeOf } from './routes';

const pods = { group: '', version: 'v1', plural: 'pods' };
const deployments = { group: 'apps', version: 'v1', plural: 'deployments' };

t.test('a route and its fragment', async (t) => {
  const cases: readonly (readonly [string, Route])[] = [
    ['#/api/v1/pods', { view: 'list', resource: pods, namespace: '', labelSelector: '' }],
    ['#/api/v1/namespaces/a/pods', { view: 'list', resource: pods, namespace: 'a', labelSelector: '' }],
    [
      '#/api/v1/namespaces/a/pods?labelSelector=app%3Dweb%2Ctier+in+%28x%29',
      { view: 'list', resource: pods, namespace: 'a', labelSelector: 'app=web,tier in (x)' },
    ],
    [
      '#/apis/apps/v1/namespaces/a/deployments/web',
      { view: 'object', resource: deployments, namespace: 'a', name: 'web', tab: 'summary' },
    ],
    [
      '#/api/v1/namespaces/a/pods/web?tab=logs',
      { view: 'object', resource: pods, namespace: 'a', name: 'web', tab: 'logs' },
    ],
    [
      '#/api/v1/namespaces/a',
      { view: 'object', resource: { ...pods, plural: 'namespaces' }, namespace: '', name: 'a', tab: 'summary' },
    ],
    [
      '#/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode',
      {
        view: 'object',
        resource: { group: 'rbac.authorization.k8s.io', version: 'v1', plural: 'clusterroles' },
        namespace: '',
        name: 'system:node',
        tab: 'summary',
      },
    ],
    ['#/create?kind=pods.', { view: 'create', namespace: '', query: { kind: 'pods.' } }],
    ['#/topology', { view: 'topology', namespace: '', query: {} }],
    ['#/topology?namespace=a&box=x%2Fy', { view: 'topology', namespace: 'a', query: { box: 'x/y' } }],
    [
      '#/path?from=a%2Fweb-0&to=http%3A%2F%2Fshop.local%2F',
      { view: 'path', namespace: '', query: { from: 'a/web-0', to: 'http://shop.local/' } },
    ],
  ];
  for (const [hash, route] of cases) {
    t.strictSame(parseHash(hash), route, hash);
    t.equal(hashOf(route), hash);
  }
});

t.test('fragments that name no view', async (t) => {
  for (const hash of [
    '',
    '#',
    '#x',
    '#/',
    '#/api',
    '#/api/v1',
    '#/api/v1/',
    '#/apis/apps/v1',
    '#/other/v1/pods',
    '#/topology/x',
  ]) {
    t.equal(parseHash(hash), undefined, hash);
  }
  for (const hash of ['#/api/v1/pods/a/log', '#/api/v1/namespaces/a/pods/b/c', '#/api/v1/%zz', '#/api/v1//pods']) {
    t.equal(parseHash(hash), undefined, hash);
  }
});

t.test('an address that names no view is said to be one; an empty one is the home view', async (t) => {
  for (const hash of ['', '#', '#/', '#login=abc']) t.strictSame(routeOf(hash), home, hash);
  const unknown = routeOf('#/nodes-of-mine');
  t.strictSame(unknown, { view: 'unknown', namespace: '', hash: '#/nodes-of-mine' });
  t.equal(hashOf(unknown), '#/nodes-of-mine');
});

t.test('tabs of one object are the same object', async (t) => {
  const pod = (name: string, tab: string, group = ''): ObjectRoute => ({
    ...{ view: 'object', namespace: 'a', name, tab },
    resource: { group, version: 'v1', plural: 'pods' },
  });
  t.ok(isSameObject(pod('web', 'logs'), pod('web', 'yaml')));
  t.notOk(isSameObject(pod('web', 'logs'), pod('db', 'logs')));
  t.notOk(isSameObject(pod('web', 'logs'), pod('web', 'logs', 'x.io')));
  t.notOk(isSameObject(pod('web', 'logs'), home));
});

t.test('the link of k8ts console and the page agree', async (t) => {
  t.equal(loginFragment, `#${inApi}`);
  t.equal(consolePath, '/console');
});
