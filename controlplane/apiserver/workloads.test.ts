// Pods, Services, namespaces and scale: behaviour beyond the general verbs, and requests that go through to the kubelet.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';

const core = '/api/v1/namespaces/default';
const merge = 'application/merge-patch+json';
let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
});
t.teardown(() => server.close());

const pod = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});

t.test('a pod gets its account, token volume, tolerations and priority', async (t) => {
  const { json } = await server.call('POST', `${core}/pods`, { body: pod('full') });
  t.match(json.spec, { serviceAccountName: 'default', priority: 0, preemptionPolicy: 'PreemptLowerPriority' });
  const [volume] = json.spec.volumes;
  t.match(volume.name, /^kube-api-access-\w{5}$/);
  t.equal(volume.projected.sources[1].configMap.name, 'kube-root-ca.crt');
  t.match(json.spec.containers[0].volumeMounts, [
    { name: volume.name, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
  ]);
  t.same(json.spec.tolerations.map(({ key }: { key: string }) => key).sort(), [
    'node.kubernetes.io/not-ready',
    'node.kubernetes.io/unreachable',
  ]);
  const none = await server.call('POST', `${core}/pods`, {
    body: pod('bare', { automountServiceAccountToken: false }),
  });
  t.notOk('volumes' in none.json.spec);
  const wrong = await server.call('POST', `${core}/pods`, { body: pod('who', { serviceAccountName: 'ghost' }) });
  t.match(wrong.json, {
    code: 403,
    message:
      'pods "who" is forbidden: error looking up service account default/ghost: serviceaccount "ghost" not found',
  });
});

t.test('an update of a pod keeps the default tolerations', async (t) => {
  const own = { key: 'own', operator: 'Exists', effect: 'NoSchedule' };
  const made = (await server.call('POST', `${core}/pods`, { body: pod('tolerant') })).json;
  const seconds = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 };
  const notReady = { key: 'node.kubernetes.io/not-ready', ...seconds };
  const unreachable = { key: 'node.kubernetes.io/unreachable', ...seconds };
  const put = async (tolerations: object[] | undefined) =>
    (
      await server.call('PUT', `${core}/pods/tolerant`, {
        body: { ...made, metadata: { name: 'tolerant' }, spec: { ...made.spec, tolerations } },
      })
    ).json;
  t.same((await put(undefined)).metadata.generation, 1, 'nothing changed');
  t.same((await put([own])).spec.tolerations, [own, notReady, unreachable]);
  const longer = { ...notReady, tolerationSeconds: 600 };
  t.same((await put([own, longer])).spec.tolerations, [own, longer, unreachable], 'its own seconds stay');
  const patch = { body: { spec: { tolerations: [own, longer] } }, type: 'application/merge-patch+json' };
  const patched = await server.call('PATCH', `${core}/pods/tolerant`, patch);
  t.same(patched.json.spec.tolerations, [own, longer, unreachable], 'a patch that removes one');
  t.match(await put([]), { code: 422, message: /existing toleration can not be modified/ }, 'another one must stay');
});

t.test('binding assigns a node only once', async (t) => {
  await server.call('POST', `${core}/pods`, { body: pod('bind') });
  const bind = (node: string) =>
    server.call('POST', `${core}/pods/bind/binding`, {
      body: { metadata: { name: 'bind' }, target: { kind: 'Node', name: node } },
    });
  t.match((await bind('n1')).json, { code: 201, status: 'Success' });
  const again = await bind('n2');
  t.match(again.json, {
    code: 409,
    message: 'Operation cannot be fulfilled on pods/binding "bind": pod bind is already assigned to node "n1"',
  });
  const { json } = await server.call('GET', `${core}/pods/bind`);
  t.match(json, { spec: { nodeName: 'n1' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } });
});

t.test('binding replaces what the scheduler last reported', async (t) => {
  await server.call('POST', `${core}/pods`, { body: pod('waited') });
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  const conditions = [
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no node', lastTransitionTime },
    { type: 'Initialized', status: 'True', lastTransitionTime },
  ];
  await server.call('PATCH', `${core}/pods/waited/status`, { type: merge, body: { status: { conditions } } });
  await server.call('POST', `${core}/pods/waited/binding`, {
    body: { metadata: { name: 'waited' }, target: { kind: 'Node', name: 'n1' } },
  });
  const { json } = await server.call('GET', `${core}/pods/waited`);
  const [scheduled, initialized] = json.status.conditions;
  t.match(scheduled, { type: 'PodScheduled', status: 'True' }, 'the condition keeps its index');
  t.notMatch(scheduled, { lastTransitionTime });
  t.notOk('reason' in scheduled || 'message' in scheduled, 'reason and message of the old status are removed');
  t.same(initialized, conditions[1]);
});

t.test('a pod on a node waits for its kubelet, a pod without a node is removed at once', async (t) => {
  await server.call('POST', `${core}/pods`, {
    body: pod('slow', { nodeName: 'n1', terminationGracePeriodSeconds: 20 }),
  });
  const first = await server.call('DELETE', `${core}/pods/slow`);
  t.equal(first.json.metadata.deletionGracePeriodSeconds, 20);
  const longer = await server.call('DELETE', `${core}/pods/slow?gracePeriodSeconds=60`);
  t.equal(longer.json.metadata.deletionGracePeriodSeconds, 20, 'a second deletion cannot lengthen the period');
  const shorter = await server.call('DELETE', `${core}/pods/slow`, { body: { gracePeriodSeconds: 5 } });
  t.equal(shorter.json.metadata.deletionGracePeriodSeconds, 5);
  await server.call('DELETE', `${core}/pods/slow`, { body: { gracePeriodSeconds: 0 } });
  t.equal((await server.call('GET', `${core}/pods/slow`)).status, 404);
  await server.call('POST', `${core}/pods`, { body: pod('fast') });
  await server.call('DELETE', `${core}/pods/fast`);
  t.equal((await server.call('GET', `${core}/pods/fast`)).status, 404);
  await server.call('POST', `${core}/pods`, { body: pod('evicted') });
  const evicted = await server.call('POST', `${core}/pods/evicted/eviction`, {
    body: { metadata: { name: 'evicted' } },
  });
  t.equal(evicted.status, 201);
  t.equal((await server.call('GET', `${core}/pods/evicted`)).status, 404);
});

t.test('spec and status are written separately', async (t) => {
  await server.call('POST', `${core}/pods`, { body: { ...pod('parts'), status: { phase: 'Running' } } });
  const created = (await server.call('GET', `${core}/pods/parts`)).json;
  t.equal(created.status.phase, 'Pending');
  await server.call('PATCH', `${core}/pods/parts`, {
    type: merge,
    body: { status: { phase: 'Failed' }, metadata: { labels: { x: 'y' } } },
  });
  await server.call('PATCH', `${core}/pods/parts/status`, {
    type: merge,
    body: { status: { phase: 'Running' }, spec: { nodeName: 'z' } },
  });
  const { json } = await server.call('GET', `${core}/pods/parts`);
  t.match(json, { status: { phase: 'Running' }, metadata: { labels: { x: 'y' } } });
  t.notOk('nodeName' in json.spec);
});

t.test('cluster IPs and node ports: allocated, requested, kept, refused, released', async (t) => {
  const services = `${core}/services`;
  const service = (name: string, spec: object) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } });
  const create = async (name: string, spec: object) =>
    (await server.call('POST', services, { body: service(name, spec) })).json;
  t.match((await create('auto', {})).spec.clusterIP, /^10\.(9[6-9]|10\d|11[01])\./);
  t.equal((await create('fixed', { clusterIP: '10.96.3.3' })).spec.clusterIP, '10.96.3.3');
  t.equal(
    (await create('taken', { clusterIP: '10.96.3.3' })).message,
    'Service "taken" is invalid: spec.clusterIPs: Invalid value: ["10.96.3.3"]: failed to allocate IP 10.96.3.3: provided IP is already allocated',
  );
  t.match(
    (await create('outside', { clusterIP: '10.1.2.3' })).message,
    /failed to allocate IP 10.1.2.3: the provided network does not match the current range$/,
  );
  t.equal((await create('headless', { clusterIP: 'None' })).spec.clusterIP, 'None');
  t.notOk((await create('name', { type: 'ExternalName', externalName: 'a.b' })).spec.clusterIP);
  const port = (await create('np', { type: 'NodePort' })).spec.ports[0].nodePort;
  t.ok(port >= 30000 && port <= 32767);
  t.equal(
    (await create('np2', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] })).message,
    `Service "np2" is invalid: spec.ports[0].nodePort: Invalid value: ${port}: provided port is already allocated`,
  );
  for (const outside of [-5, 29_999, 99_999]) {
    t.equal(
      (await create('np3', { type: 'NodePort', ports: [{ port: 80, nodePort: outside }] })).message,
      `Service "np3" is invalid: spec.ports[0].nodePort: Invalid value: ${outside}: provided port is not in the valid range. The range of valid ports is 30000-32767`,
    );
  }
  t.match(
    (await create('health', { healthCheckNodePort: 31000 })).message,
    /spec.healthCheckNodePort: Invalid value: 31000: may only be set when `type` is 'LoadBalancer'/,
  );
  const kept = await server.call('PUT', `${services}/np`, {
    body: service('np', { type: 'NodePort', selector: { a: 'b' } }),
  });
  t.equal(kept.json.spec.ports[0].nodePort, port, 'an update without the node port keeps it');
  t.ok(kept.json.spec.clusterIP);
  await server.call('DELETE', `${services}/np`);
  t.equal(
    (await create('np3', { type: 'NodePort', ports: [{ port: 80, nodePort: port }] })).spec.ports[0].nodePort,
    port,
  );
  await server.call('DELETE', `${services}/fixed`);
  t.equal((await create('again', { clusterIP: '10.96.3.3' })).spec.clusterIP, '10.96.3.3');
  t.match(
    (await create('ext', { externalIPs: ['1.2.3.4'] })).message,
    /Use of external IPs is denied by admission control/,
  );
  const ips = await Promise.all(Array.from({ length: 50 }, (_, i) => create(`many${i}`, {})));
  t.equal(new Set(ips.map(({ spec }) => spec.clusterIP)).size, 50);
});

t.test('bootstrap creates the Services of every cluster', async (t) => {
  const kubernetes = (await server.call('GET', `${core}/services/kubernetes`)).json;
  t.match(kubernetes.spec, { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443 }] });
  const slice = (await server.call('GET', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes'))
    .json;
  t.match(slice, { endpoints: [{ addresses: ['10.9.8.7'] }], ports: [{ port: server.port }] });
  const dns = (await server.call('GET', '/api/v1/namespaces/kube-system/services/kube-dns')).json;
  t.match(dns.spec, { clusterIP: '10.96.0.10', internalTrafficPolicy: 'Local' });
});

t.test('a deleted namespace is Terminating until its finalizer is removed, and refuses new objects', async (t) => {
  const all = '/api/v1/namespaces';
  const created = (await server.call('POST', all, { body: { metadata: { name: 'going' } } })).json;
  t.match(created, { spec: { finalizers: ['kubernetes'] }, status: { phase: 'Active' } });
  await server.call('POST', `${all}/going/serviceaccounts`, { body: { metadata: { name: 'robot' } } });
  const gone = await server.call('DELETE', `${all}/going`);
  t.match(gone.json, { status: { phase: 'Terminating' }, metadata: { deletionTimestamp: /Z$/ } });
  const late = await server.call('POST', `${all}/going/configmaps`, { body: { metadata: { name: 'late' } } });
  t.match(late.json, {
    code: 403,
    message:
      'configmaps "late" is forbidden: unable to create new content in namespace going because it is being terminated',
    details: { causes: [{ reason: 'NamespaceTerminating' }] },
  });
  const token = await server.call('POST', `${all}/going/serviceaccounts/robot/token`, { body: { spec: {} } });
  t.match(
    token.json,
    { code: 403, details: { causes: [{ reason: 'NamespaceTerminating' }] } },
    'tokens are refused too',
  );
  const finalize = await server.call('PUT', `${all}/going/finalize`, {
    body: { ...gone.json, spec: { finalizers: [] } },
  });
  t.equal(finalize.status, 200);
  t.equal((await server.call('GET', `${all}/going`)).status, 404);
  t.match((await server.call('DELETE', `${all}/default`)).json, {
    code: 403,
    message: /this namespace may not be deleted/,
  });
});

t.test('scale reads and writes replicas', async (t) => {
  const path = '/apis/apps/v1/namespaces/default/deployments';
  const template = { metadata: { labels: { app: 's' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await server.call('POST', path, {
    body: { metadata: { name: 's' }, spec: { replicas: 2, selector: { matchLabels: { app: 's' } }, template } },
  });
  const scale = (await server.call('GET', `${path}/s/scale`)).json;
  t.match(scale, { kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 2 }, status: { selector: 'app=s' } });
  const shown = 'v=v1;g=meta.k8s.io';
  const accept = (form: string) => ({ headers: { accept: `application/json;as=${form};${shown},application/json` } });
  const table = (await server.call('GET', `${path}/s/scale`, accept('Table'))).json;
  t.same(
    table.columnDefinitions.map(({ name }: { name: string }) => name),
    ['Name', 'Desired', 'Available', 'Age'],
    'kubectl get --subresource=scale',
  );
  t.match(table.rows, [
    { cells: ['s', 2, 0, String], object: { kind: 'PartialObjectMetadata', metadata: { name: 's' } } },
  ]);
  t.match((await server.call('GET', `${path}/s/scale`, accept('PartialObjectMetadata'))).json, {
    kind: 'PartialObjectMetadata',
    metadata: { name: 's', uid: scale.metadata.uid },
  });
  await server.call('PUT', `${path}/s/scale`, { body: { ...scale, spec: { replicas: 3 } } });
  const grown = (await server.call('GET', `${path}/s`)).json;
  t.match(grown, { spec: { replicas: 3 }, metadata: { generation: 2 } });
  t.equal((await server.call('PUT', `${path}/s/scale`, { body: scale })).status, 409, 'an old Scale is a conflict');
  await server.call('PATCH', `${path}/s/scale`, { type: merge, body: { spec: { replicas: 0 } } });
  t.equal((await server.call('GET', `${path}/s`)).json.spec.replicas, 0);
});

t.test('logs and upgrades are forwarded to the kubelet of the pod', async (t) => {
  const seen: string[] = [];
  const pair = await server.serving('127.0.0.1');
  const kubelet = createServer({ ...pair, ca: server.ca, requestCert: true }, (request, response) => {
    seen.push(request.url ?? '');
    const isSick = request.url === '/sick';
    response.writeHead(isSick ? 503 : 200, { 'content-type': isSick ? 'text/html' : 'text/plain' });
    response.end(isSick ? '<p>not today' : 'line one\nline two\n');
  });
  kubelet.on('upgrade', (request, socket) => {
    seen.push(request.url ?? '');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  t.teardown(() => kubelet.close());
  const { port } = kubelet.address() as AddressInfo;
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await server.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'klet' } } });
  await server.call('PATCH', '/api/v1/nodes/klet/status', { type: merge, body: { status } });
  await server.call('POST', `${core}/pods`, { body: pod('logged', { nodeName: 'klet' }) });
  const logs = await server.call('GET', `${core}/pods/logged/log?tailLines=2&container=c`);
  t.equal(logs.text, 'line one\nline two\n');
  t.equal(seen[0], '/containerLogs/default/logged/c?tailLines=2');
  const wrong = await server.call('GET', `${core}/pods/logged/log?container=zz`);
  t.match(wrong.json, { code: 400, message: 'container zz is not valid for pod logged' });
  const sick = await server.call('GET', '/api/v1/nodes/klet/proxy/sick');
  t.same(
    [sick.status, sick.text, sick.headers['content-type']],
    [503, '<p>not today', 'text/html'],
    'as the kubelet said it',
  );
  const admin = await server.identity('kubernetes-admin', 'system:masters');
  const socket = tlsConnect({ host: '127.0.0.1', port: server.port, ca: server.ca, cert: admin.cert, key: admin.key });
  socket.write(
    `GET ${core}/pods/logged/exec?command=cat&command=-&stdin=true HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`,
  );
  const echoed = await new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.endsWith('\r\n\r\n')) socket.write('hello');
      if (text.endsWith('hello')) resolve(text);
    });
  });
  t.match(echoed, /^HTTP\/1.1 101 Switching Protocols\r\n/);
  t.equal(seen[2], '/exec/default/logged/c?input=1&command=cat&command=-');
  socket.destroy();
  // The error names a node that does not answer.
  await server.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'dead' } } });
  const away = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: 1 } },
  };
  await server.call('PATCH', '/api/v1/nodes/dead/status', { type: merge, body: { status: away } });
  await server.call('POST', `${core}/pods`, { body: pod('lost', { nodeName: 'dead' }) });
  const lost = await server.call('GET', `${core}/pods/lost/log`);
  t.match(lost.json, { code: 500, message: /cannot reach the kubelet of node dead at 127.0.0.1:1/ });
});
