// The texts of /healthz, /livez and /readyz, and which checks each of them has.
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { type HealthCheck, healthReply } from './health';
import { healthChecks } from './health-checks';
import type { ApiRequest, FullReply } from './request';

const request = (search = ''): ApiRequest => ({
  method: 'GET',
  path: '/',
  search,
  headers: {},
  user: { name: 'u', groups: [] },
  body: async () => Buffer.alloc(0),
});
const checks: readonly HealthCheck[] = [
  { name: 'ping', failure: () => undefined },
  { name: 'a/b', failure: () => 'the disk is full' },
  { name: 'ready', at: ['readyz'], failure: () => undefined },
  { name: 'store', at: ['readyz'], failure: () => 'the disk is full', isPublic: true },
];
const good = checks.filter(({ name }) => name !== 'a/b' && name !== 'store');

const cases: readonly (readonly [string, readonly HealthCheck[], string, number, string])[] = [
  ['/livez', good, '', 200, 'ok'],
  ['/livez', good, 'verbose', 200, '[+]ping ok\nlivez check passed\n'],
  ['/readyz', good, 'verbose=', 200, '[+]ping ok\n[+]ready ok\nreadyz check passed\n'],
  ['/healthz', good, 'verbose&exclude=ping', 200, '[+]ping excluded: ok\nhealthz check passed\n'],
  [
    '/livez',
    good,
    'verbose&exclude=z&exclude=%22',
    200,
    '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "\\"","z"\nlivez check passed\n',
  ],
  ['/livez', checks, '', 500, '[+]ping ok\n[-]a/b failed: reason withheld\nlivez check failed\n'],
  [
    '/readyz',
    checks,
    'exclude=a/b',
    500,
    '[+]ping ok\n[+]a/b excluded: ok\n[+]ready ok\n[-]store failed: the disk is full\nreadyz check failed\n',
  ],
  ['/livez', checks, 'exclude=a/b', 200, 'ok'],
  ['/livez/ping', checks, 'verbose', 200, 'ok'],
  ['/livez/a/b', checks, '', 500, 'internal server error: the disk is full\n'],
];
for (const [path, installed, search, status, text] of cases) {
  t.test(`${path}?${search} of ${installed.length} checks`, async (t) => {
    const reply = healthReply(request(search), path, installed) as FullReply;
    t.equal(reply.body.toString(), text);
    t.match(reply, { status, type: 'text/plain; charset=utf-8' });
    // As upstream: only a single check that passes lacks the header.
    const single = status === 200 && path !== '/livez' && path !== '/readyz' && path !== '/healthz';
    t.same(reply.headers, single ? undefined : { 'x-content-type-options': 'nosniff' });
  });
}

t.test('a check that the endpoint does not have', async (t) => {
  t.equal(healthReply(request(), '/livez/ready', checks), undefined);
  t.equal(healthReply(request(), '/readyz/none', checks), undefined);
});

t.test('the checks of the server', async (t) => {
  const lost = 'the cache does not follow the store';
  const facts = { problem: undefined as string | undefined, full: '', isBootstrapped: true, isStopping: false };
  const all = healthChecks({
    storeProblem: () => facts.problem,
    isBootstrapped: () => facts.isBootstrapped,
    isStopping: () => facts.isStopping,
    writeProblem: () => facts.full || undefined,
    hasPriorityAndFairness: true,
  });
  const failed = (path: string) =>
    [...(healthReply(request('verbose'), path, all) as FullReply).body.toString().matchAll(/^\[-\](\S+)/gm)].map(
      ([, name]) => name,
    );
  t.same(failed('/readyz'), []);
  facts.full = 'the disk is full';
  t.same(failed('/readyz'), ['store']);
  t.same(failed('/livez'), []);
  facts.full = '';
  facts.problem = lost;
  t.same(failed('/readyz'), ['etcd', 'etcd-readiness', 'informer-sync']);
  t.same(failed('/livez'), ['etcd']);
  facts.problem = undefined;
  facts.isStopping = true;
  t.same(failed('/readyz'), ['shutdown']);
  t.same(failed('/livez'), []);
  facts.isStopping = false;
  facts.isBootstrapped = false;
  t.equal(failed('/healthz').length, 5);
});

t.test('over HTTPS: all may read the summary, not the single checks', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const anonymous = async (path: string) => (await server.call('GET', path, { as: null })).status;
  for (const path of ['/livez', '/readyz?verbose', '/healthz']) t.equal(await anonymous(path), 200, path);
  for (const path of ['/livez/ping', '/readyz/poststarthook/rbac/bootstrap-roles']) t.equal(await anonymous(path), 403);
  const { text } = await server.call('GET', '/readyz?verbose');
  t.match(text, /^\[\+\]ping ok\n\[\+\]etcd ok\n\[\+\]etcd-readiness ok\n\[\+\]informer-sync ok\n/);
  t.match(text, /readyz check passed\n$/);
  for (const path of ['/livez/ping', '/readyz/informer-sync', '/readyz/poststarthook/rbac/bootstrap-roles']) {
    t.match(await server.call('GET', path), { status: 200, text: 'ok' }, path);
  }
  t.equal((await server.call('GET', '/livez/informer-sync')).status, 404);
  t.equal((await server.call('GET', '/livez/none')).status, 404);
});
