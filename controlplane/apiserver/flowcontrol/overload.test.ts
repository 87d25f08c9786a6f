// Priority and fairness over HTTPS: the answer of a refused request, the headers of every answer, seats that are given back, and the
// condition of FlowSchemas.
import t, { type Test } from 'tap';
import { startApiServer, type TestServer, type TestServerOptions } from '../../../test/lib/api-server';
import { writeOrder } from '../write/order';
import type { OpenRule } from '../write/rule';

const maps = '/api/v1/namespaces/default/configmaps';
const group = '/apis/flowcontrol.apiserver.k8s.io/v1';

/** ConfigMaps whose names begin with `slow` wait until the gate opens. */
function gate() {
  const opened = Promise.withResolvers<void>();
  let arrived = 0;
  const waiting: Array<() => void> = [];
  const rule: OpenRule = async () => ({
    name: 'Gate',
    concerns: ({ kind, operation }) => kind.plural === 'configmaps' && operation === 'create',
    async mutate({ object }) {
      if (!object?.metadata?.name?.startsWith('slow')) return;
      arrived++;
      for (const wake of waiting.splice(0)) wake();
      await opened.promise;
    },
  });
  const reached = async (count: number) => {
    while (arrived < count) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return { rule, open: () => opened.resolve(), reached };
}

async function open(t: Test, options: TestServerOptions) {
  const server = await startApiServer(options);
  t.teardown(() => server.close());
  const role = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  await server.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'all' }, rules: [role] } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'all' };
  const subjects = ['ann', 'bob'].map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }));
  await server.call('POST', `${rbac}/clusterrolebindings`, { body: { metadata: { name: 'all' }, roleRef, subjects } });
  const ann = await server.identity('ann');
  const bob = await server.identity('bob');
  return { server, ann, bob };
}
const map = (name: string) => ({ body: { metadata: { name } } });
const uidOf = async (server: TestServer, path: string) =>
  (await server.call('GET', `${group}/${path}`)).json.metadata.uid;

t.test('a level without queues refuses, and takes requests again', async (t) => {
  const { rule, open: release, reached } = gate();
  const { server, ann, bob } = await open(t, { rules: [...writeOrder, rule] });
  const limited = { nominalConcurrencyShares: 1, limitResponse: { type: 'Reject' }, borrowingLimitPercent: 0 };
  const level = { metadata: { name: 'tiny' }, spec: { type: 'Limited', limited } };
  t.equal((await server.call('POST', `${group}/prioritylevelconfigurations`, { body: level })).status, 201);
  const resourceRules = [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'] }];
  const schema = {
    metadata: { name: 'tiny' },
    spec: {
      priorityLevelConfiguration: { name: 'tiny' },
      matchingPrecedence: 50,
      rules: [{ subjects: [{ kind: 'User', user: { name: 'ann' } }], resourceRules }],
    },
  };
  t.equal((await server.call('POST', `${group}/flowschemas`, { body: schema })).status, 201);
  // Three of 600 seats: one share of 246.
  const slow = [0, 1, 2].map((i) => server.call('POST', maps, { ...map(`slow-${i}`), as: ann }));
  await reached(3);
  const refused = await server.call('POST', maps, { ...map('more'), as: ann });
  t.match(refused, {
    status: 429,
    text: 'Too many requests, please try again later.\n',
    headers: {
      'retry-after': '1',
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'x-kubernetes-pf-flowschema-uid': await uidOf(server, 'flowschemas/tiny'),
      'x-kubernetes-pf-prioritylevel-uid': await uidOf(server, 'prioritylevelconfigurations/tiny'),
    },
  });
  t.equal((await server.call('GET', maps, { as: ann })).status, 429, 'reads of the same level');
  t.equal((await server.call('POST', maps, { ...map('other'), as: bob })).status, 201, 'another level');
  t.equal((await server.call('POST', maps, map('admin'))).status, 201, 'an exempt user');
  release();
  t.same(
    (await Promise.all(slow)).map(({ status }) => status),
    [201, 201, 201],
  );
  t.equal((await server.call('POST', maps, { ...map('more'), as: ann })).status, 201);
  for (let i = 0; i < 10; i++) {
    t.equal(
      (await server.call('GET', `${maps}/none`, { as: ann })).status,
      404,
      'a failed request gives its seat back',
    );
    t.equal((await server.call('POST', maps, { body: 'no JSON', as: ann })).status, 400);
  }
  const { text } = await server.call('GET', '/metrics');
  t.match(
    text,
    /^apiserver_flowcontrol_rejected_requests_total\{flow_schema="tiny",priority_level="tiny",reason="concurrency-limit"\} 2$/m,
  );
  t.match(text, /^apiserver_flowcontrol_current_executing_requests\{flow_schema="tiny",priority_level="tiny"\} 0$/m);
});

t.test('every answer names its flow', async (t) => {
  const { server, bob } = await open(t, {});
  const uid = 'x-kubernetes-pf-flowschema-uid';
  const [exempt, global, probes] = await Promise.all(
    ['exempt', 'global-default', 'probes'].map((name) => uidOf(server, `flowschemas/${name}`)),
  );
  t.equal((await server.call('GET', maps)).headers[uid], exempt);
  t.equal((await server.call('GET', maps, { as: bob })).headers[uid], global);
  t.equal((await server.call('GET', `${maps}/none`, { as: bob })).headers[uid], global, 'a failure');
  t.equal((await server.call('GET', '/livez', { as: null })).headers[uid], probes);
  const watch = await server.watch(`${maps}?watch=1`);
  watch.close();
});

t.test('watches hold no seat', async (t) => {
  const { server, bob } = await open(t, {
    limits: { maxRequestsInflight: 2, maxMutatingRequestsInflight: 1, enablePriorityAndFairness: true },
  });
  await server.call('GET', maps, { as: bob });
  const watches = await Promise.all(Array.from({ length: 20 }, () => server.watch(`${maps}?watch=1`)));
  t.equal((await server.call('GET', maps, { as: bob })).status, 200);
  for (const watch of watches) watch.close();
});

t.test('with priority and fairness off, reads and writes have a bound each', async (t) => {
  const { rule, open: release, reached } = gate();
  const { server, ann, bob } = await open(t, {
    rules: [...writeOrder, rule],
    limits: { maxRequestsInflight: 2, maxMutatingRequestsInflight: 1, enablePriorityAndFairness: false },
  });
  const slow = server.call('POST', maps, { ...map('slow'), as: ann });
  await reached(1);
  t.match(await server.call('POST', maps, { ...map('b'), as: bob }), {
    status: 429,
    text: 'Too many requests, please try again later.\n',
    headers: { 'retry-after': '1', 'x-kubernetes-pf-flowschema-uid': undefined },
  });
  t.equal((await server.call('GET', maps, { as: bob })).status, 200);
  t.equal((await server.call('POST', maps, map('admin'))).status, 201, 'a member of system:masters');
  release();
  t.equal((await slow).status, 201);
  t.equal((await server.call('POST', maps, { ...map('b'), as: bob })).status, 201);
});

t.test('the condition Dangling', async (t) => {
  const { server } = await open(t, {});
  const schema = (to: string) => ({
    metadata: { name: 'lost' },
    spec: {
      priorityLevelConfiguration: { name: to },
      rules: [
        {
          subjects: [{ kind: 'User', user: { name: 'x' } }],
          nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
        },
      ],
    },
  });
  const watch = await server.watch(`${group}/flowschemas?watch=1&fieldSelector=metadata.name%3Dlost`);
  /** The next state with this status of the condition. */
  const until = async (status: string) => {
    for (;;) {
      const { object } = await watch.next();
      const [condition] = object.status?.conditions ?? [];
      if (condition?.status === status) return condition;
    }
  };
  await server.call('POST', `${group}/flowschemas`, { body: schema('later') });
  const text = 'This FlowSchema references the PriorityLevelConfiguration object named "later"';
  t.match(await until('True'), {
    type: 'Dangling',
    reason: 'NotFound',
    message: `${text} but there is no such object`,
  });
  const level = {
    metadata: { name: 'later' },
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
  };
  await server.call('POST', `${group}/prioritylevelconfigurations`, { body: level });
  t.match(await until('False'), { type: 'Dangling', reason: 'Found', message: `${text} and it exists` });
  await server.call('DELETE', `${group}/prioritylevelconfigurations/later`);
  await until('True');
  watch.close();
});
