// Modes of authorization, and a program outside the server that decides: over real HTTPS on both sides, by its kubeconfig.
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { FakeClock } from '../../test/lib/fake-clock';
import { openReviewServer, type ReviewAnswer } from '../../test/lib/review-server';
import type { AuthorizationOptions } from '../apiserver/access';
import { silentLogger } from '../base/logger';
import { parseOptions } from '../process/options';
import {
  authorizationOptions,
  closeAuthorization,
  followAuthorization,
  readAuthorization,
} from './authorization-options';
import { lookMs } from './follow-file';

const robot = { as: null, headers: { authorization: 'Bearer secret-token' } };
const pods = '/api/v1/namespaces/default/pods';
const tokenFile = 'secret-token,robot,1,ci\n';

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('the awaited state did not come');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A server with these options. */
async function openServer(t: Test, flags: readonly string[]) {
  const { options } = parseOptions(authorizationOptions, flags, {});
  const authorization = await readAuthorization(options);
  const clock = new FakeClock(Date.now());
  const server = await startApiServer({ authorization, clock, tokenFile });
  t.teardown(() => closeAuthorization(authorization));
  t.teardown(() => server.close());
  const get = async (path: string, as: object = robot) => (await server.call('GET', path, as)).status;
  return { options, server, clock, get };
}

/** A server that asks one webhook. */
async function openLab(t: Test, modes: string, answer: ReviewAnswer, version = 'v1') {
  const { file, reviews } = await openReviewServer(t, answer);
  const lab = await openServer(t, [
    `--authorization-mode=${modes}`,
    `--authorization-webhook-config-file=${file}`,
    `--authorization-webhook-version=${version}`,
  ]);
  return { ...lab, reviews };
}

t.test('a webhook sees the selectors of lists and of reviews', async (t) => {
  const { server, reviews, get } = await openLab(t, 'Webhook', () => ({ allowed: true }));
  const selectorsSeen = () => {
    const { fieldSelector, labelSelector } = reviews.at(-1)!.spec.resourceAttributes!;
    return { fieldSelector, labelSelector };
  };
  const selectors = {
    fieldSelector: { requirements: [{ key: 'spec.nodeName', operator: 'In', values: ['n1'] }] },
    labelSelector: { requirements: [{ key: 'a', operator: 'Exists' }] },
  };
  t.equal(await get(`${pods}?fieldSelector=spec.nodeName%3Dn1&labelSelector=a`), 200);
  t.same(selectorsSeen(), selectors);
  t.equal(await get(pods), 200, 'another question');
  t.same(selectorsSeen(), { fieldSelector: undefined, labelSelector: undefined });
  const resourceAttributes = { verb: 'list', resource: 'pods', ...selectors };
  await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
    body: { spec: { user: 'joe', resourceAttributes } },
  });
  t.same(selectorsSeen(), selectors, 'those of a review');
});

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
      path: '/review',
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
    message: /cannot impersonate-on:user-info:get path "\/version"/,
  });
});

t.test('a webhook that fails has no opinion', async (t) => {
  const answers: (object | number)[] = [400, { allowed: true, denied: true }, {}];
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

t.test('a webhook with a passing fault is asked again, after a pause that grows', async (t) => {
  const answers: (object | number)[] = [500, 429, { allowed: true }];
  const { get, reviews, clock } = await openLab(t, 'RBAC,Webhook', () => answers[reviews.length - 1]!);
  const asked = get(`${pods}?limit=1`);
  await until(() => reviews.length === 1);
  await until(() => clock.pending().includes(500));
  clock.advance(500);
  await until(() => clock.pending().includes(750));
  t.equal(reviews.length, 2);
  clock.advance(750);
  t.equal(await asked, 200);
  t.equal(reviews.length, 3);
});

t.test('modes without a program outside', async (t) => {
  const status = async (...types: ('Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny')[]) => {
    const authorization: AuthorizationOptions = types.map((type) => ({ type }));
    const server = await startApiServer({ tokenFile, authorization });
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
  t.same(await readAuthorization(parse()), [{ type: 'Node' }, { type: 'RBAC' }]);
  t.throws(
    () => parse('--authorization-mode=ABAC'),
    /expected one or more of AlwaysAllow, AlwaysDeny, Node, RBAC, Webhook/,
  );
  t.throws(() => parse('--authorization-mode=RBAC,RBAC'), /a mode stands twice/);
  await t.rejects(readAuthorization(parse('--authorization-mode=Webhook')), { message: /needed together/ });
  await t.rejects(readAuthorization(parse('--authorization-webhook-config-file=x')), { message: /needed together/ });
  await t.rejects(readAuthorization(parse('--authorization-config=x', '--authorization-mode=RBAC')), {
    message: /exclude each other/,
  });
});

/** In one step: a reader sees the text from before or this one. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

/** A webhook of a configuration file, with what the file must say. */
const configured = (kubeConfigFile: string, further: object = {}) => ({
  subjectAccessReviewVersion: 'v1',
  timeout: '3s',
  failurePolicy: 'NoOpinion',
  connectionInfo: { type: 'KubeConfigFile', kubeConfigFile },
  ...further,
});
const configText = (...authorizers: object[]) =>
  JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers });

t.test('a file of authorizers: webhooks with conditions, kept answers and what a failure means', async (t) => {
  const { directory, file, reviews } = await openReviewServer(t, ({ resourceAttributes: asked }) =>
    asked?.resource === 'secrets' ? 400 : { allowed: true },
  );
  const config = join(directory, 'authorization.json');
  const concerned = {
    matchConditionSubjectAccessReviewVersion: 'v1',
    failurePolicy: 'Deny',
    cacheAuthorizedRequests: false,
  };
  const matchConditions = [
    { expression: "has(request.resourceAttributes) && request.resourceAttributes.namespace == 'default'" },
    { expression: "request.user != 'jane'" },
  ];
  await writeFile(
    config,
    configText(
      { type: 'Webhook', name: 'first', webhook: configured(file, { ...concerned, matchConditions }) },
      { type: 'RBAC', name: 'rbac' },
    ),
  );
  const { get } = await openServer(t, [`--authorization-config=${config}`]);
  t.equal(await get(pods), 200);
  t.equal(await get(pods), 200);
  t.equal(reviews.length, 2, 'its permissions are not kept');
  t.equal(await get('/api/v1/namespaces/other/pods'), 403, 'a condition is false: no question');
  t.equal(await get('/version'), 200, 'RBAC allows it');
  t.equal(reviews.length, 2);
  t.equal(await get('/api/v1/namespaces/default/secrets'), 403, 'a failure is a refusal');
  t.equal(reviews.length, 3);
});

t.test('a condition that fails is what a failed webhook is', async (t) => {
  const { directory, file, reviews } = await openReviewServer(t, () => ({ allowed: true }));
  const statuses: number[] = [];
  for (const failurePolicy of ['NoOpinion', 'Deny']) {
    const matchConditions = [{ expression: "request.extra['absent'][0] == 'x'" }];
    const further = { failurePolicy, matchConditionSubjectAccessReviewVersion: 'v1', matchConditions };
    const config = join(directory, `${failurePolicy}.json`);
    await writeFile(
      config,
      configText(
        { type: 'Webhook', name: 'a', webhook: configured(file, further) },
        { type: 'AlwaysAllow', name: 'b' },
      ),
    );
    const { get } = await openServer(t, [`--authorization-config=${config}`]);
    statuses.push(await get(pods));
  }
  t.same(statuses, [200, 403]);
  t.equal(reviews.length, 0);
});

t.test('a changed file counts for later requests; one with a fault does not', async (t) => {
  const config = join(t.testdir(), 'authorization.json');
  await writeFile(config, configText({ type: 'RBAC', name: 'rbac' }));
  const { options, server, get } = await openServer(t, [`--authorization-config=${config}`]);
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const log = { ...silentLogger, error: (_: string, fields?: { error?: unknown }) => void errors.push(fields?.error) };
  const stop = new AbortController();
  const following = followAuthorization(
    options,
    (changed) => server.api.useAuthorization(changed),
    { clock, log },
    stop.signal,
  );
  const looking = async (holds: () => Promise<boolean>) =>
    until(async () => {
      clock.advance(lookMs);
      return holds();
    });
  t.equal(await get(pods), 403);
  await replace(config, configText({ type: 'AlwaysAllow', name: 'all' }));
  await looking(async () => (await get(pods)) === 200);
  await replace(config, configText({ type: 'Nobody', name: 'x' }));
  await looking(async () => errors.length > 0);
  t.match(String(errors[0]), /authorizers\[0\].type: Unsupported value: "Nobody"/);
  t.equal(await get(pods), 200, 'the file from before counts');
  stop.abort();
  await following;
});
