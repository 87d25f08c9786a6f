// The pure parts of the server, each as a small table.
import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { KindCatalog } from '../api/catalog';
import { registry } from '../api/registry';
import { Invalid } from '../base/errors';
import { signJwt, verifyJwt } from '../pki/jwt';
import { NumberPool } from './allocation/number-pool';
import { ruleAllowsPath, ruleAllowsResource } from './authz/rules';
import { containerOf } from './kubelet/target';
import { formatAge, formatDuration } from './rest/age';
import { decodeContinue, encodeContinue } from './rest/continue-token';
import { equalJson } from './rest/equal';
import { negotiate, type Offer } from './rest/negotiate';
import { renderWarning } from './rest/warnings';
import { type ResourceRoute, RouteTable } from './route';
import { invalid, toStatus } from './status';

/** The HTTP status of what a call throws. */
const found = (route: ReturnType<RouteTable['match']>): ResourceRoute => {
  if (!route || 'refusal' in route) throw route?.refusal ?? new Error('no resource');
  return route;
};

function failure(call: () => unknown): number | undefined {
  try {
    call();
    return undefined;
  } catch (err) {
    return toStatus(err).code;
  }
}

t.test('paths become verb, kind, namespace, name and subresource', async (t) => {
  const routes = new RouteTable(new KindCatalog(registry));
  const cases = [
    ['GET', '/api/v1/pods', 'list pods   '],
    ['GET', '/api/v1/namespaces/a/pods/b/log', 'get pods a b log'],
    ['POST', '/apis/apps/v1/namespaces/a/deployments', 'create deployments a  '],
    ['GET', '/api/v1/namespaces/a', 'get namespaces a a '],
    ['PUT', '/api/v1/namespaces/a/finalize', 'update namespaces a a finalize'],
    ['PATCH', '/api/v1/nodes/n%2Dx/status', 'patch nodes  n-x status'],
    ['DELETE', '/api/v1/namespaces/a/pods', 'deletecollection pods a  '],
    ['GET', '/api/v1/watch/namespaces/a/pods', 'watch pods a  '],
    ['GET', '/api/v1/namespaces//pods', 'list pods   '],
    ['GET', '/apis/apps/v1/namespaces//deployments', 'list deployments   '],
    ['GET', '/api/v1/watch/namespaces//pods', 'watch pods   '],
  ] as const;
  for (const [method, path, wanted] of cases) {
    const route = found(routes.match(method, path, false));
    const { verb, kind, namespace, name, subresource } = route;
    t.equal([verb, kind.plural, namespace, name, subresource].join(' '), wanted, path);
  }
  t.equal(routes.match('GET', '/healthz', false), undefined);
  t.equal(routes.match('GET', '/apis/apps/v1', false), undefined);
  t.equal(
    failure(() => found(routes.match('GET', '/api/v1/namespaces/a/nodes', false))),
    404,
  );
  const refusals = [
    ['GET', '/api/v1/namespaces//pods/a', 400],
    ['GET', '/apis/apps/v1/namespaces//deployments/a/scale', 400],
    ['POST', '/api/v1/namespaces//pods', 400],
    ['DELETE', '/api/v1/namespaces//pods', 400],
    ['PUT', '/api/v1/namespaces//pods', 405],
    ['GET', '/api/v1/namespaces//nodes', 404],
    ['GET', '/api/v1/namespaces/a//pods', 404],
    ['GET', '/api/v1//pods', 404],
    ['GET', '/api/v1/namespaces/a/pods//status', 404],
  ] as const;
  for (const [method, path, code] of refusals) {
    t.equal(
      failure(() => found(routes.match(method, path, false))),
      code,
      `${method} ${path}`,
    );
  }
  t.throws(() => routes.match('GET', '/api/v1/namespaces/%zz/pods', false), { code: 'BadRequest' });
  const names = [
    ['a%2Fb', /^Name parameter invalid: "a\/b": may not contain '\/'$/],
    ['a%25b', /may not contain '%'/],
    ['..', /may not be '\.\.'/],
    ['%2e', /may not be '\.'/],
    ['%ff', /invalid path segment/],
  ] as const;
  for (const [segment, message] of names) {
    t.throws(() => routes.match('GET', `/api/v1/namespaces/a/pods/${segment}`, false), { code: 'BadRequest', message });
    const namespace = `/api/v1/namespaces/${segment}/pods`;
    t.throws(() => routes.match('DELETE', namespace, false), { code: 'BadRequest' }, namespace);
  }
  t.equal(
    found(routes.match('GET', '/api/v1/namespaces/a/pods/b%0Ac', false)).name,
    'b\nc',
    'a name that no object can have',
  );
  const named = found(routes.match('GET', '/api/v1/namespaces/a/pods/b', true));
  t.equal(named.verb, 'get', 'a watch of a named object is a get');
  t.equal(
    failure(() => found(routes.match('BREW', '/api/v1/pods', false))),
    405,
  );
});

t.test('Accept headers', async (t) => {
  const json = { rendering: { as: 'object' }, encoding: 'json' };
  const table = { as: 'table', version: 'v1' };
  const asTable = 'as=Table;v=v1;g=meta.k8s.io';
  const cases: readonly (readonly [accept: string, negotiated: object])[] = [
    ['', json],
    ['application/vnd.kubernetes.protobuf,application/json', { ...json, encoding: 'protobuf' }],
    ['application/*, application/json', json],
    ['text/html, */*;q=0.8', json],
    ['application/json;q=0', json],
    ['application/json;stream=foo, application/yaml', { ...json, encoding: 'yaml' }],
    ['application/json;sv=v1', json],
    ['application/json;as=Table;v=v1beta1;g=meta.k8s.io', { ...json, rendering: { as: 'table', version: 'v1beta1' } }],
    ['application/json;as=Table;v=v9;g=meta.k8s.io, application/json', json],
    ['application/yaml', { ...json, encoding: 'yaml' }],
    ['application/json;q=0.1, application/yaml;q=0.9', { ...json, encoding: 'yaml' }],
    ['application/yaml;q=0, application/json', json],
    [`application/yaml;${asTable}`, { rendering: table, encoding: 'yaml' }],
  ];
  for (const [accept, negotiated] of cases) t.same(negotiate(accept), negotiated, accept);
  t.same(negotiate(`application/json;${asTable},application/json`, 'answers'), json, 'no Table for an answer');
  t.same(negotiate('application/*', 'custom objects'), json, 'no router looks at the Accept header');
  const refused: readonly (readonly [accept: string, offer: Offer])[] = [
    ['application/cbor', 'objects'],
    ['text/html', 'objects'],
    [`application/json;${asTable}`, 'answers'],
    ['application/*', 'objects'],
    ['APPLICATION/JSON', 'custom objects'],
    ['application/json;v=v1', 'objects'],
    ['application/json;g=meta.k8s.io', 'objects'],
    ['application/json;as=Table;g=meta.k8s.io', 'objects'],
    ['application/yaml;stream=watch', 'watch'],
    ['application/json;sv=v2', 'objects'],
    [`application/json;${asTable}`, 'documents'],
    ['application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io', 'failures'],
  ];
  for (const [accept, offer] of refused) {
    t.equal(
      failure(() => negotiate(accept, offer)),
      406,
      accept,
    );
  }
});

t.test('errors become Status objects', async (t) => {
  t.match(toStatus(new Error('broken')), {
    code: 500,
    reason: 'InternalError',
    message: 'Internal error occurred: broken',
  });
  const kind = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
  const two = invalid(kind, 'p', [
    { reason: 'FieldValueRequired', field: 'spec.a', message: 'Required value' },
    { reason: 'FieldValueInvalid', field: 'spec.b', message: 'Invalid value: 1: no' },
  ]);
  t.ok(two instanceof Invalid);
  t.equal(two.message, 'Pod "p" is invalid: [spec.a: Required value, spec.b: Invalid value: 1: no]');
});

t.test('ages as kubectl prints them', async (t) => {
  const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000];
  const cases: [number, string][] = [
    [-5 * s, '<invalid>'],
    [119 * s, '119s'],
    [125 * s, '2m5s'],
    [10 * m, '10m'],
    [3 * h + 5 * m, '3h5m'],
    [9 * h, '9h'],
    [49 * h, '2d1h'],
    [8 * d, '8d'],
    [800 * d, '2y70d'],
  ];
  for (const [ms, text] of cases) t.equal(formatDuration(ms), text);
  t.equal(formatAge(undefined, 0), '<unknown>');
});

t.test('RBAC rules', async (t) => {
  const ask = (resource: string, subresource = '', name = '') => ({
    verb: 'get',
    group: '',
    resource,
    subresource,
    namespace: 'a',
    name,
  });
  const rule = (resources: string[], resourceNames?: string[]) => ({
    verbs: ['get'],
    apiGroups: [''],
    resources,
    resourceNames,
  });
  t.ok(ruleAllowsResource(rule(['pods']), ask('pods')));
  t.notOk(ruleAllowsResource(rule(['pods']), ask('pods', 'log')), 'a resource does not include its subresources');
  t.ok(ruleAllowsResource(rule(['*/scale']), ask('deployments', 'scale')));
  t.ok(ruleAllowsResource(rule(['*']), ask('pods', 'log')));
  t.ok(ruleAllowsResource(rule(['pods'], ['x']), ask('pods', '', 'x')));
  t.notOk(ruleAllowsResource(rule(['pods'], ['x']), ask('pods')), 'a name-bound rule allows no list');
  t.ok(ruleAllowsPath({ verbs: ['get'], nonResourceURLs: ['/api/*'] }, 'get', '/api/v1'));
  t.notOk(ruleAllowsPath({ verbs: ['get'], nonResourceURLs: ['/api/*'] }, 'get', '/apis'));
});

t.test('continue tokens and equality of JSON', async (t) => {
  t.same(decodeContinue(encodeContinue('a/b', 7)), { key: 'a/b', revision: 7 });
  t.throws(() => decodeContinue('eyJhIjoxfQ'), { code: 'BadRequest' });
  t.ok(equalJson({ a: [1, { b: 2 }], c: undefined }, { a: [1, { b: 2 }] }));
  t.notOk(equalJson({ a: [1] }, { a: [1, 2] }));
  t.notOk(equalJson({ a: null }, {}));
  t.equal(renderWarning('say "hi"\nthere'), '299 - "say \\"hi\\" there"');
});

t.test('a number has one owner only', async (t) => {
  const pool = new NumberPool(70);
  t.ok(pool.take(69));
  t.notOk(pool.take(69));
  const rest = new Set(Array.from({ length: 69 }, () => pool.takeAny(0, 70, () => 0.99)));
  t.equal(rest.size, 69);
  t.equal(
    pool.takeAny(0, 70, () => 0),
    undefined,
  );
  pool.free(69);
  t.equal(
    pool.takeAny(0, 70, () => 0.5),
    69,
  );
});

t.test('tokens are signed and checked', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const token = signJwt({ sub: 'x' }, privateKey);
  t.equal(verifyJwt(token, publicKey).sub, 'x');
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  t.throws(() => verifyJwt(token, other), { code: 'Unauthorized' });
  const [, body, signature] = token.split('.');
  const none = Buffer.from('{"alg":"none"}').toString('base64url');
  t.throws(() => verifyJwt(`${none}.${body}.${signature}`, publicKey), { code: 'Unauthorized' });
  t.throws(() => verifyJwt('a.b', publicKey), { code: 'Unauthorized' });
});

t.test('the container that a request selects', async (t) => {
  const container = (name: string) => ({ name, image: 'i' });
  const pod = { metadata: { name: 'p' }, spec: { containers: [container('a'), container('b')] } };
  t.equal(containerOf(pod, 'b'), 'b');
  t.throws(() => containerOf(pod, ''), {
    message: 'a container name must be specified for pod p, choose one of: [a b]',
  });
  const annotations = { 'kubectl.kubernetes.io/default-container': 'b' };
  t.equal(containerOf({ ...pod, metadata: { name: 'p', annotations } }, ''), 'b');
});
