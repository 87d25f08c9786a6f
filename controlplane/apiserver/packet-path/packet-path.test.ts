// The kinds of path.k8ts.io over HTTPS, with an HTTPS server that plays a kubelet.
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const reports = '/apis/path.k8ts.io/v1alpha1/hopreports';
const probes = '/apis/path.k8ts.io/v1alpha1/packetprobes';
const body = (kind: string, spec: object) => ({ apiVersion: 'path.k8ts.io/v1alpha1', kind, spec });
const question = {
  packet: { protocol: 'tcp', source: '', destination: '10.96.0.1', destinationPort: 443 },
  from: { kind: 'node' },
};
const asked: { readonly url: string; readonly body: unknown }[] = [];
let answer: { readonly status: number; readonly text: string } = { status: 200, text: '{"answers":[{"error":"no"}]}' };
let server: TestServer;
let kubelet: Server;

t.before(async () => {
  server = await startApiServer();
  const { cert, key } = await server.serving('127.0.0.1');
  kubelet = createServer({ cert, key }, async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    asked.push({ url: `${request.method} ${request.url}`, body: JSON.parse(text) });
    response.writeHead(answer.status).end(answer.text);
  });
  await new Promise<void>((resolve) => kubelet.listen(0, '127.0.0.1', resolve));
  await server.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } });
  const { port } = kubelet.address() as AddressInfo;
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await server.call('PATCH', '/api/v1/nodes/n/status', { type: 'application/merge-patch+json', body: { status } });
});
t.teardown(async () => {
  await server.close();
  kubelet.closeAllConnections();
  await new Promise((resolve) => kubelet.close(resolve));
});

t.test('the kubelet of the node gets the question; its answer becomes the status', async (t) => {
  const made = await server.call('POST', reports, {
    body: body('HopReport', { nodeName: 'n', questions: [question] }),
  });
  t.match(made, {
    status: 201,
    json: { kind: 'HopReport', spec: { nodeName: 'n' }, status: { answers: [{ error: 'no' }] } },
  });
  t.same(asked.at(-1), { url: 'POST /path/hops', body: { questions: [question] } });
  answer = { status: 200, text: '{"results":[],"sightings":[],"lost":0}' };
  const order = {
    from: { kind: 'node' },
    requests: [{ protocol: 'tcp', address: '10.0.0.1', port: 80, timeoutMs: 100 }],
  };
  t.match(await server.call('POST', probes, { body: body('PacketProbe', { nodeName: 'n', ...order }) }), {
    status: 201,
    json: { status: { lost: 0 } },
  });
  t.same(asked.at(-1), { url: 'POST /path/probe', body: order });
});

t.test('what is refused, and failures of the kubelet', async (t) => {
  const before = asked.length;
  const post = (spec: object) => server.call('POST', reports, { body: body('HopReport', spec) });
  t.match(await post({ nodeName: 'n', questions: [] }), {
    status: 422,
    json: { message: /should have at least 1 items/ },
  });
  t.match(await post({ nodeName: 'n', questions: Array(17).fill(question) }), { status: 422 });
  t.match(await post({ nodeName: 'n', questions: [{ ...question, from: { kind: 'moon' } }] }), {
    status: 422,
    json: { message: /"pod", "node", "machine"/ },
  });
  t.match(await post({ questions: [question] }), { status: 422 });
  t.match(await post({ nodeName: 'other', questions: [question] }), { status: 404 });
  t.equal((await server.call('GET', reports)).status, 405);
  t.equal(asked.length, before, 'no kubelet was asked');
  answer = { status: 503, text: 'busy' };
  t.match(await post({ nodeName: 'n', questions: [question] }), { status: 503, json: { message: /busy/ } });
  answer = { status: 200, text: 'no JSON' };
  t.match(await post({ nodeName: 'n', questions: [question] }), {
    status: 400,
    json: { message: /something else than JSON/ },
  });
});

t.test('each kind is a right of its own, and roles have them', async (t) => {
  const identity = await server.identity('jane');
  const as = { as: identity };
  t.equal(
    (await server.call('POST', reports, { ...as, body: body('HopReport', { nodeName: 'n', questions: [question] }) }))
      .status,
    403,
  );
  const roles = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings';
  const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: 'jane' }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'k8ts:path' };
  await server.call('POST', roles, { body: { metadata: { name: 'jane' }, roleRef, subjects } });
  answer = { status: 200, text: '{"answers":[]}' };
  t.equal(
    (await server.call('POST', reports, { ...as, body: body('HopReport', { nodeName: 'n', questions: [question] }) }))
      .status,
    201,
  );
  t.equal(
    (await server.call('POST', probes, { ...as, body: body('PacketProbe', { nodeName: 'n' }) })).status,
    403,
    'to look is not to send',
  );
});
