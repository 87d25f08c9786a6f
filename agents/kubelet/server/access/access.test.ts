// The kubelet's server before a real API server in this process: who may send which request.
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { clusterRoleBindings, clusterRoles, nodes, serviceAccounts } from '../../../../controlplane/api';
import { systemClock } from '../../../../controlplane/base/clock';
import { Unavailable } from '../../../../controlplane/base/errors';
import { silentLogger } from '../../../../controlplane/base/logger';
import type { Client } from '../../../../controlplane/client/client';
import { KubeconfigTransport } from '../../../../controlplane/client/kubeconfig-transport';
import { createClient } from '../../../../controlplane/client/rest-client';
import { issueCertificate } from '../../../../controlplane/pki/issue';
import { ensureKubeconfig } from '../../../../controlplane/pki/kubeconfig';
import { openControlPlane } from '../../../../test/lib/control-plane';
import { FakeClock } from '../../../../test/lib/fake-clock';
import { serveKubelet } from '../kubelet-server';
import { Access } from './access';
import { attributesOf } from './attributes';

const nodeName = 'w1';

async function setUp(test: Test) {
  const { url, authority, client: admin, signal } = await openControlPlane(test);
  await admin.create(nodes, { metadata: { name: nodeName } });
  await admin.create(serviceAccounts, { metadata: { name: 'scraper', namespace: 'default' } });
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const { status } = await admin.post<{ readonly status: { readonly token: string } }>(
    serviceAccounts,
    'default/scraper',
    'token',
    body,
  );
  const { token } = status;
  const clock = new FakeClock(Date.now());
  const asked: string[] = [];
  const kubeconfig = join(test.testdir(), 'kubelet.conf');
  const identity = {
    commonName: `system:node:${nodeName}`,
    organizations: ['system:nodes'],
    usages: ['client'] as const,
  };
  await ensureKubeconfig(kubeconfig, authority, { name: 'k8ts', server: url, identity });
  const transport = await KubeconfigTransport.open(kubeconfig);
  test.teardown(() => transport.close());
  const client = createClient(transport);
  let reachable = true;
  const cut = () => {
    reachable = false;
  };
  const counting: Pick<Client, 'create'> = {
    create: (kind, object, params) => {
      asked.push(kind.kind);
      if (!reachable) return Promise.reject(new Unavailable('cannot reach the server'));
      return client.create(kind, object, params);
    },
  };
  const issue = (commonName: string, organizations: string[], usages: ('client' | 'server')[] = ['client']) =>
    issueCertificate(authority, { commonName, organizations, hosts: ['127.0.0.1'], usages }, Date.now());
  const pair = await issue('kubelet', [], ['server']);
  const port = await serveKubelet(
    {
      host: '127.0.0.1',
      port: 0,
      certificate: { current: { ca: authority.cert, ...pair }, onChange: () => {} },
      access: new Access({ client: counting, clock, nodeName }),
      streaming: { handleUpgrade: () => false, close: () => {} },
      metrics: () => 'up 1\n',
      problem: () => undefined,
      log: silentLogger,
      clock: systemClock,
    } as unknown as Parameters<typeof serveKubelet>[0],
    signal,
  );
  const ask = (
    path: string,
    { token, pair, ...options }: { token?: string; pair?: object; method?: string; headers?: object } = {},
  ) =>
    new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
      const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...options.headers };
      const tls = { ca: authority.cert, host: '127.0.0.1', port, agent: false as const, ...pair };
      const outgoing = httpsRequest({ ...tls, path, method: options.method ?? 'GET', headers }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode ?? 0, text });
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  const allow = async () => {
    const rules = [{ apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] }];
    await admin.create(clusterRoles, { metadata: { name: 'scrape' }, rules });
    await admin.create(clusterRoleBindings, {
      metadata: { name: 'scrape' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'scrape' },
      subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'scraper' }],
    });
  };
  return { ask, allow, issue, asked, clock, token, cut };
}

t.test('without credentials', async (t) => {
  const { ask, asked } = await setUp(t);
  for (const path of ['/metrics', '/healthz', '/pods', '/nothing', '/%zz']) {
    t.same(await ask(path), { status: 401, text: 'Unauthorized' }, path);
  }
  const upgrade = { connection: 'upgrade', upgrade: 'websocket' };
  t.same(await ask('/exec/default/web/app?command=sh', { headers: upgrade }), { status: 401, text: 'Unauthorized' });
  t.same(await ask('/metrics', { token: 'invented' }), { status: 401, text: 'Unauthorized' });
  t.same(await ask('/metrics', { token: 'invented' }), { status: 401, text: 'Unauthorized' });
  t.same(asked, ['TokenReview'], 'an answer is kept');
  t.same(await ask('/metrics', { headers: { authorization: 'Basic YTpi' } }), { status: 401, text: 'Unauthorized' });
});

t.test('a token of a ServiceAccount may do what its roles say', async (t) => {
  const { ask, allow, asked, clock, token } = await setUp(t);
  const user = 'system:serviceaccount:default:scraper';
  const denied = await ask('/metrics', { token });
  t.same(denied, {
    status: 403,
    text: `Forbidden (user=${user}, verb=get, resource=nodes, subresource(s)=[metrics])\n`,
  });
  await allow();
  t.equal((await ask('/metrics', { token })).status, 403, 'the answer is kept for 30 s');
  t.same(asked, ['TokenReview', 'SubjectAccessReview']);
  clock.advance(30_001);
  t.same(await ask('/metrics', { token }), { status: 200, text: 'up 1\n' });
  t.match(await ask('/pods', { token }), { status: 403, text: /subresource\(s\)=\[pods proxy\]/ });
  t.match(await ask('/metrics', { token, method: 'HEAD' }), { status: 403 }, 'HEAD is no verb');
  const before = asked.length;
  clock.advance(120_001);
  t.equal((await ask('/metrics', { token })).status, 200);
  t.same(asked.slice(before), ['TokenReview'], 'a token is reviewed again, its permission is still known');
});

t.test('client certificates', async (t) => {
  const { ask, allow, issue, asked, cut } = await setUp(t);
  await allow();
  const scraper = await issue('system:serviceaccount:default:scraper', []);
  t.equal((await ask('/metrics', { pair: scraper })).status, 200, 'any user of the cluster’s CA, by roles');
  const node = await issue('system:node:w2', ['system:nodes']);
  t.equal((await ask('/metrics', { pair: node })).status, 403);
  cut();
  asked.length = 0;
  t.equal((await ask('/healthz', { pair: await issue('kube-apiserver-kubelet-client', []) })).status, 200);
  t.equal((await ask('/healthz', { pair: await issue('jane', ['system:masters']) })).status, 200);
  t.same(asked, [], 'they need no API server');
  t.match(await ask('/healthz', { pair: node }), { status: 500, text: /did not review the request/ });
});

t.test('requests as subresources of the Node', async (t) => {
  const cases: readonly [string, readonly string[], object][] = [
    ['GET', ['stats', 'summary'], { verb: 'get', subresources: ['stats'] }],
    ['GET', ['metrics', 'resource'], { verb: 'get', subresources: ['metrics'] }],
    ['GET', ['logs', ''], { verb: 'get', subresources: ['log'] }],
    ['GET', ['runningpods'], { verb: 'get', subresources: ['pods', 'proxy'] }],
    ['GET', ['healthz'], { verb: 'get', subresources: ['healthz', 'proxy'] }],
    ['POST', ['exec', 'a', 'b', 'c'], { verb: 'create', subresources: ['proxy'] }],
    ['POST', ['path', 'hops'], { verb: 'create', subresources: ['hops'] }],
    ['POST', ['path', 'probe'], { verb: 'create', subresources: ['probe'] }],
    ['POST', ['path', 'other'], { verb: 'create', subresources: ['proxy'] }],
    ['GET', ['metricsx'], { verb: 'get', subresources: ['proxy'] }],
    ['OPTIONS', [], { verb: '', subresources: ['proxy'] }],
  ];
  for (const [method, segments, wanted] of cases) t.same(attributesOf(method, segments), wanted, segments.join('/'));
});
