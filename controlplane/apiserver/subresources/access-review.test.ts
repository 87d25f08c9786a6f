// Reviews of permissions over real HTTPS: their answers with reasons, their selectors, and the errors of wrong ones.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';

const reviews = '/apis/authorization.k8s.io/v1';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
let server: TestServer;
t.before(async () => {
  server = await startApiServer({ tokenFile: 'secret-token,robot,1,ci\n' });
  const role = { metadata: { name: 'reader' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['list'] }] };
  await server.call('POST', `${rbac}/namespaces/default/roles`, { body: role });
  await bind('readers', 'Role', 'reader', { kind: 'Group', name: 'ci' });
  await bind('broken', 'Role', 'lost', { kind: 'User', name: 'robot' });
});
t.teardown(() => server.close());

async function bind(name: string, kind: string, role: string, subject: object): Promise<void> {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind, name: role };
  const body = { metadata: { name }, roleRef, subjects: [{ apiGroup: 'rbac.authorization.k8s.io', ...subject }] };
  const made = await server.call('POST', `${rbac}/namespaces/default/rolebindings`, { body });
  if (made.status !== 201) throw new Error(made.text);
}

const robot = { as: null, headers: { authorization: 'Bearer secret-token' } };
const ask = async (kind: string, spec: object, options = {}) =>
  (await server.call('POST', `${reviews}/${kind}`, { body: { spec }, ...options })).json;
const pods = { namespace: 'default', verb: 'list', resource: 'pods' };

t.test('answers have the reason, and the review as it was sent', async (t) => {
  const allowed = await ask('selfsubjectaccessreviews', { resourceAttributes: pods }, robot);
  t.same(allowed, {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: { managedFields: allowed.metadata.managedFields },
    spec: { resourceAttributes: pods },
    status: { allowed: true, reason: 'RBAC: allowed by RoleBinding "readers/default" of Role "reader" to Group "ci"' },
  });
  t.match(allowed.metadata.managedFields, [
    { operation: 'Update', fieldsV1: { 'f:spec': { 'f:resourceAttributes': { '.': {}, 'f:verb': {} } } } },
  ]);
  const lost = 'RBAC: role.rbac.authorization.k8s.io "lost" not found';
  const denied = await ask('selfsubjectaccessreviews', { resourceAttributes: { ...pods, verb: 'get' } }, robot);
  t.same(denied.status, { allowed: false, reason: lost });
  t.equal(
    (await server.call('GET', '/api/v1/namespaces/default/pods/p', robot)).json.message,
    `pods "p" is forbidden: User "robot" cannot get resource "pods" in API group "" in the namespace "default": ${lost}`,
    'a binding to a missing role is named in the refusal too',
  );
  const account = { kind: 'ServiceAccount', name: 'bot', namespace: 'kube-system', apiGroup: '' };
  await bind('bots', 'Role', 'reader', account);
  const user = 'system:serviceaccount:kube-system:bot';
  t.same((await ask('subjectaccessreviews', { user, resourceAttributes: pods })).status, {
    allowed: true,
    reason: 'RBAC: allowed by RoleBinding "bots/default" of Role "reader" to ServiceAccount "bot/kube-system"',
  });
  const path = { nonResourceAttributes: { path: '/version', verb: 'get' } };
  t.match((await ask('selfsubjectaccessreviews', path, robot)).status, { allowed: true, reason: /ClusterRoleBinding/ });
  t.same((await ask('subjectaccessreviews', { groups: ['system:masters'], ...path })).status, { allowed: true });
});

t.test('selectors', async (t) => {
  const nodePods = async (selectors: object) =>
    (
      await ask('subjectaccessreviews', {
        user: 'system:node:n1',
        groups: ['system:nodes'],
        resourceAttributes: { verb: 'list', resource: 'pods', ...selectors },
      })
    ).status;
  const node = (operator: string, ...values: string[]) => ({ key: 'spec.nodeName', operator, values });
  const field = (...requirements: object[]) => ({ fieldSelector: { requirements } });
  const ignored = 'spec.resourceAttributes.fieldSelector ignored due to parse error';
  const cases: [string, object, boolean, string | undefined][] = [
    ['none', {}, false, undefined],
    ['own node', field(node('In', 'n1')), true, undefined],
    ['own node as text', { fieldSelector: { rawSelector: 'spec.nodeName=n1' } }, true, undefined],
    ['other node', field(node('In', 'n2')), false, undefined],
    ['not this node', field(node('NotIn', 'n1')), false, undefined],
    ['two values', field(node('In', 'n1', 'n2')), false, ignored],
    [
      'an unknown operator beside',
      field(node('In', 'n1'), node('Near', 'n2')),
      true,
      ignored.replace('ignored', 'partially ignored'),
    ],
    ['no selector', { fieldSelector: { rawSelector: 'nonsense' } }, false, ignored],
    ['labels', { labelSelector: { rawSelector: 'a in (' } }, false, ignored.replace('field', 'label')],
    ['good labels', { labelSelector: { requirements: [{ key: 'a', operator: 'Exists' }] } }, false, undefined],
  ];
  for (const [name, selectors, allowed, error] of cases) {
    const found = await nodePods(selectors);
    t.same([found.allowed, found.evaluationError], [allowed, error], name);
  }
});

t.test('wrong reviews', async (t) => {
  const path = { path: '/x', verb: 'get' };
  const one = '.authorization.k8s.io "" is invalid: ';
  const cases: [string, object, object | string][] = [
    [
      'selfsubjectaccessreviews',
      {},
      `${one}spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified`,
    ],
    [
      'selfsubjectaccessreviews',
      { resourceAttributes: pods, nonResourceAttributes: path },
      /cannot be specified in combination/,
    ],
    [
      'subjectaccessreviews',
      { resourceAttributes: pods },
      `${one}spec.user: Invalid value: "": at least one of user or group must be specified`,
    ],
    [
      'subjectaccessreviews',
      { user: 'x', resourceAttributes: { ...pods, fieldSelector: {} } },
      /spec.resourceAttributes.fieldSelector.requirements: Required value: when spec.resourceAttributes.fieldSelector is specified/,
    ],
    [
      'subjectaccessreviews',
      {
        user: 'x',
        resourceAttributes: {
          ...pods,
          labelSelector: { rawSelector: 'a', requirements: [{ key: 'a', operator: 'Exists' }] },
        },
      },
      /labelSelector.rawSelector: Invalid value: "a": may not specified at the same time/,
    ],
    [
      'namespaces/default/localsubjectaccessreviews',
      { user: 'x', resourceAttributes: { ...pods, namespace: 'other' } },
      `${one}spec.resourceAttributes.namespace: Invalid value: "other": must match metadata.namespace`,
    ],
    [
      'namespaces/default/localsubjectaccessreviews',
      { user: 'x', nonResourceAttributes: path },
      /disallowed on this kind of request/,
    ],
  ];
  const requirements = (field: string, ...all: object[]): object => ({
    user: 'x',
    resourceAttributes: { ...pods, [field]: { requirements: all } },
  });
  const field = `${one}spec.resourceAttributes.fieldSelector.requirements[0]`;
  const label = `${one}spec.resourceAttributes.labelSelector.requirements[0]`;
  const whenIn = "must be specified when `operator` is 'In' or 'NotIn'";
  cases.push(
    ['subjectaccessreviews', requirements('fieldSelector', {}), `${field}.key: Required value: must be specified`],
    [
      'subjectaccessreviews',
      requirements('fieldSelector', { key: 'a', operator: 'In' }),
      `${field}.values: Required value: ${whenIn}`,
    ],
    [
      'subjectaccessreviews',
      requirements('labelSelector', { key: 'a', operator: 'NotIn', values: [] }),
      `${label}.values: Required value: ${whenIn}`,
    ],
    [
      'subjectaccessreviews',
      requirements('labelSelector', { key: 'a', operator: 'Exists', values: ['b'] }),
      `${label}.values: Forbidden: may not be specified when \`operator\` is 'Exists' or 'DoesNotExist'`,
    ],
    [
      'subjectaccessreviews',
      requirements('labelSelector', { key: 'a'.repeat(64), operator: 'Exists' }),
      `${label}.key: Invalid value: "${'a'.repeat(64)}": name part must be no more than 63 bytes`,
    ],
    [
      'subjectaccessreviews',
      requirements('labelSelector', { key: 'a', operator: 'Near', values: ['b'.repeat(64)] }),
      `${label}.values[0]: Invalid value: "${'b'.repeat(64)}": must be no more than 63 bytes`,
    ],
  );
  for (const [kind, spec, message] of cases)
    t.match(await ask(kind, spec), { code: 422, reason: 'Invalid', message }, kind);
  const named = { metadata: { name: 'x' }, spec: { resourceAttributes: pods } };
  t.match(
    (await server.call('POST', `${reviews}/selfsubjectaccessreviews`, { body: named })).json.message,
    /metadata: Invalid value: .*must be empty$/,
  );
  const other = { metadata: { namespace: 'other' }, spec: { user: 'x', resourceAttributes: pods } };
  t.match(
    (await server.call('POST', `${reviews}/namespaces/default/localsubjectaccessreviews`, { body: other })).json,
    {
      code: 400,
      message: 'the namespace of the provided object does not match the namespace sent on the request',
    },
  );
  t.match(await ask('namespaces/default/localsubjectaccessreviews', { groups: ['ci'], resourceAttributes: pods }), {
    metadata: { namespace: 'default' },
    status: { allowed: true },
  });
});

t.test('what a user may do', async (t) => {
  const { status } = await ask('selfsubjectrulesreviews', { namespace: 'default' }, robot);
  t.equal(status.incomplete, false);
  t.ok(
    status.resourceRules.some(
      ({ resources, verbs }: { resources: string[]; verbs: string[] }) =>
        resources.includes('pods') && verbs.includes('list'),
    ),
  );
  const all = (await ask('selfsubjectrulesreviews', { namespace: 'default' })).status;
  t.match(
    all.resourceRules,
    [
      { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
      { verbs: ['create'], apiGroups: ['authorization.k8s.io'] },
      { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] },
    ],
    'an administrator has the rules of cluster-admin and of everybody',
  );
  t.same(all.nonResourceRules[0], { verbs: ['*'], nonResourceURLs: ['*'] });
  t.match(await ask('selfsubjectrulesreviews', {}, robot), { code: 400, message: 'no namespace on request' });
  const own = await ask('selfsubjectrulesreviews', { namespace: 'default' });
  t.same([own.metadata, own.spec], [{}, {}], 'the answer does not repeat the review');
  const admin = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
  const asker = { verbs: ['create'], apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'] };
  const rules = own.status.resourceRules.map((rule: object) => JSON.stringify(rule));
  for (const rule of [admin, asker])
    t.ok(rules.includes(JSON.stringify(rule)), 'system:masters: those of its bindings');
  const as = await server.identity('system:node:n1', 'system:nodes');
  t.match((await ask('selfsubjectrulesreviews', { namespace: 'default' }, { as })).status, {
    incomplete: true,
    evaluationError: 'node authorizer does not support user rule resolution',
  });
  t.equal(
    (await server.call('GET', '/api/v1/namespaces/default/secrets/s', { as })).json.message,
    'secrets "s" is forbidden: User "system:node:n1" cannot get resource "secrets" in API group "" in the namespace "default": ' +
      "no relationship found between node 'n1' and this object",
  );
});
