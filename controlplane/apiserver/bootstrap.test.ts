// The objects of every cluster, and which of them are created again after a deletion.
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';
import { silentLogger } from '../base/logger';
import { keepServices } from './bootstrap';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

t.test('an Ingress without a class has one: the default', async (t) => {
  const { json } = await server.call('GET', '/apis/networking.k8s.io/v1/ingressclasses/k8ts');
  t.match(json, {
    metadata: { annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'k8ts.dev/ingress' },
  });
});

t.test('the Services kubernetes and kube-dns come back', async (t) => {
  const paths = ['default/services/kubernetes', 'default/endpoints/kubernetes', 'kube-system/services/kube-dns'];
  const before = await Promise.all(paths.map((path) => server.call('GET', `/api/v1/namespaces/${path}`)));
  for (const path of paths) await server.call('DELETE', `/api/v1/namespaces/${path}`);
  const stop = new AbortController();
  let rounds = 0;
  // The first sleep ends at once, the second one ends the loop: one repair between them.
  const clock = {
    sleep: async () => {
      if (rounds++ === 0) return;
      stop.abort();
      throw stop.signal.reason;
    },
  };
  const admin = server.api.transport({ name: 'system:apiserver', groups: ['system:masters'] });
  const options = {
    advertiseAddress: '10.9.8.7',
    port: server.port,
    kubernetesIp: '10.96.0.1',
    dnsIp: '10.96.0.10',
    caPem: server.ca,
  };
  await keepServices(admin, options, { clock, log: silentLogger, signal: stop.signal });
  for (const [at, path] of paths.entries()) {
    const { status, json } = await server.call('GET', `/api/v1/namespaces/${path}`);
    t.equal(status, 200, path);
    t.not(json.metadata.uid, before[at]!.json.metadata.uid);
    t.equal(json.spec?.clusterIP, before[at]!.json.spec?.clusterIP);
    t.same(json.subsets, before[at]!.json.subsets);
  }
});
