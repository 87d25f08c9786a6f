// Modes of authorization, and a program outside the server that decides: over real HTTPS on both sides, by its kubeconfig.
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { FakeClock } from '../../test/lib/fake-clock';
import type { AuthorizationMode } from '../apiserver/access';
import { parseOptions } from '../process/options';
import { authorizationOptions, readAuthorization } from './authorization-options';

const robot = { as: null, headers: { authorization: 'Bearer secret-token' } };
const pods = '/api/v1/namespaces/default/pods';
const tokenFile = 'secret-token,robot,1,ci\n';

// biome-ignore lint/suspicious/noExplicitAny: the test answers by any part of a review.
type Review = any;

/** A server that asks a webhook; `answer` gets the spec of the review, and returns the status of the answer or of HTTP. */
async function openLab(t: Test, modes: string, answer: (spec: Review) => object | number, version = 'v1') {
  const helper = await startApiServer();
  t.teardown(() => helper.close());
  const { cert, key } = await helper.serving('127.0.0.1');
  const client = await helper.identity('kube-apiserver');
  const reviews: Review[] = [];
  const hook = createServer(
    { cert, key, ca: helper.ca, requestCert: true, rejectUnauthorized: true },
    (message, response) => {
      const chunks: Buffer[] = [];
      message.on('data', (chunk: Buffer) => chunks.push(chunk));
      message.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString());
        reviews.push({ path: message.url, ...review });
        const status = answer(review.spec);
        if (typeof status === 'number') response.writeHead(status).end('{}');
        else response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, status }));
      });
    },
  );
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    hook.close();
    hook.closeAllConnections();
  });
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const url = `https://127.0.0.1:${(hook.address() as AddressInfo).port}/authorize`;
  const kubeconfig = {
    clusters: [{ name: 'c', cluster: { server: url, 'certificate-authority-data': base64(helper.ca) } }],
    users: [
      { name: 'u', user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) } },
    ],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  const file = join(t.testdir(), 'webhook.kubeconfig');
  await writeFile(file, JSON.stringify(kubeconfig));
  const flags = [
    `--authorization-mode=${modes}`,
    `--authorization-webhook-config-file=${file}`,
    `--authorization-webhook-version=${version}`,
  ];
  const authorization = await readAuthorization(parseOptions(authorizationOptions, flags, {}).options);
  const clock = new FakeClock(Date.now());
  const server = await startApiServer({ authorization, clock, tokenFile });
  t.teardown(() => authorization.webhook?.transport.close());
  t.teardown(() => server.close());
  const get = async (path: string, options: object = robot) => (await server.call('GET', path, options)).status;
  return { server, clock, reviews, get };
}

t.test('a webhook allows what RBAC does not, and is asked once for an answer that counts', async (t) => {
  const { server, reviews, get, clock } = await openLab(
    t,
    'Node,RBAC,Webhook',
    ({ resourceAttributes: asked, nonResourceAttributes: path }) => ({
      allowed: asked?.resource === 'pods' && asked.verb !== 'delete',
      reason: path ? 'no paths' : 'as it likes',
    }),
  );
  t.equal(await get('/version'), 200);
  t.equal(await get('/api'), 200);
  t.equal(reviews.length, 0, 'RBAC has allowed both');
  t.equal(await get(`${pods}?limit=1`), 200);
  t.match(reviews, [
    {
      path: '/authorize',
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: 'robot',
        uid: '1',
        groups: ['ci', 'system:authenticated'],
        resourceAttributes: { namespace: 'default', verb: 'list', version: 'v1', resource: 'pods' },
      },
    },
  ]);
  t.equal(await get(pods), 200);
  t.equal(reviews.length, 1);
  const denied = await server.call('DELETE', `${pods}/p`, robot);
  t.match(denied.json, {
    code: 403,
    message: /cannot delete resource "pods" .* in the namespace "default": as it likes$/,
  });
  t.match((await server.call('GET', '/metrics', robot)).json, {
    code: 403,
    message: /cannot get path "\/metrics": no paths$/,
  });
  t.equal(await get(pods, {}), 200);
  t.equal(reviews.length, 3, 'no question about system:masters');
  clock.advance(30_000);
  await server.call('DELETE', `${pods}/p`, robot);
  t.equal(reviews.length, 4, 'a refusal is asked again after 30 s');
  t.equal(await get(pods), 200);
  t.equal(reviews.length, 4, 'a permission is not');
  clock.advance(270_000);
  await Promise.all([get(pods), get(pods), get(pods)]);
  t.equal(reviews.length, 5, 'one question for three requests at once');
  const review = { spec: { user: 'robot', groups: ['ci'], resourceAttributes: { verb: 'get', resource: 'pods' } } };
  t.match(
    (await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: review })).json.status,
    {
      allowed: true,
      reason: 'as it likes',
    },
  );
});

t.test('a webhook before the others can deny', async (t) => {
  const { server, get } = await openLab(t, 'Webhook,RBAC', ({ nonResourceAttributes: path }) =>
    path?.path === '/api' ? { allowed: false, denied: true, reason: 'closed' } : { allowed: false },
  );
  t.equal(await get('/apis'), 200, 'no opinion: RBAC decides');
  t.match((await server.call('GET', '/api', robot)).json, { code: 403, message: /: closed$/ });
  const review = {
    spec: { user: 'robot', groups: ['system:authenticated'], nonResourceAttributes: { path: '/api', verb: 'get' } },
  };
  const asked = await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: review });
  t.match(asked.json.status, { allowed: false, denied: true, reason: 'closed' });
});

t.test('a webhook decides about impersonation, and gets the older version when that is chosen', async (t) => {
  const { reviews, get, server } = await openLab(
    t,
    'RBAC,Webhook',
    ({ resourceAttributes: asked }) => ({ allowed: asked?.verb === 'impersonate' && asked.name === 'joe' }),
    'v1beta1',
  );
  const as = (user: string) => ({ ...robot, headers: { ...robot.headers, 'impersonate-user': user } });
  t.equal(await get('/version', as('joe')), 200);
  t.match(reviews[0], { apiVersion: 'authorization.k8s.io/v1beta1', spec: { group: ['ci', 'system:authenticated'] } });
  t.notOk(reviews[0].spec.groups);
  t.match((await server.call('GET', '/version', as('jane'))).json, {
    code: 403,
    message: /cannot impersonate resource "users"/,
  });
});

t.test('a webhook that fails has no opinion', async (t) => {
  const answers: (object | number)[] = [500, { allowed: true, denied: true }, {}];
  const { get, reviews } = await openLab(
    t,
    'RBAC,Webhook',
    () => answers[Math.min(reviews.length, answers.length) - 1]!,
  );
  t.equal(await get(`${pods}/a`), 403);
  t.equal(await get(`${pods}/b`), 403, 'yes and no is no');
  t.equal(await get(`${pods}/c`), 403);
  t.equal(await get('/version'), 200);
});

t.test('modes without a program outside', async (t) => {
  const status = async (...modes: AuthorizationMode[]) => {
    const server = await startApiServer({ tokenFile, authorization: { modes } });
    t.teardown(() => server.close());
    const found = [
      await server.call('GET', pods, robot),
      await server.call('GET', '/api', robot),
      await server.call('GET', pods),
    ];
    return found.map((one) => one.status);
  };
  t.same(await status('Node', 'RBAC'), [403, 200, 200]);
  t.same(await status('AlwaysAllow'), [200, 200, 200]);
  t.same(await status('AlwaysDeny', 'RBAC'), [403, 403, 200]);
});

t.test('options of authorization', async (t) => {
  const parse = (...argv: string[]) => parseOptions(authorizationOptions, argv, {}).options;
  t.same((await readAuthorization(parse())).modes, ['Node', 'RBAC']);
  t.throws(
    () => parse('--authorization-mode=ABAC'),
    /expected one or more of Node, RBAC, Webhook, AlwaysAllow, AlwaysDeny/,
  );
  t.throws(() => parse('--authorization-mode=RBAC,RBAC'), /a mode stands twice/);
  await t.rejects(readAuthorization(parse('--authorization-mode=Webhook')), { message: /needed together/ });
  await t.rejects(readAuthorization(parse('--authorization-webhook-config-file=x')), { message: /needed together/ });
});
