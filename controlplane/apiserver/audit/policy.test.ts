// Which rule of a policy a request meets, and what a wrong policy says.
import t from 'tap';
import { readAuditPolicy } from './policy';
import { requestInfo } from './request-info';

const head = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n';
const read = (text: string) => readAuditPolicy(head + text, 'policy.yaml');
const jane = { name: 'jane', groups: ['dev', 'system:authenticated'] };

t.test('what a request is about', async (t) => {
  const cases: [string, string, string][] = [
    ['GET /version', 'get', ''],
    ['GET /api', 'get', ''],
    ['GET /apis/apps/v1', 'get', ''],
    ['GET /api/v1/pods', 'list', '/v1 pods'],
    ['GET /api/v1/namespaces/ns/pods?watch=1', 'watch', '/v1 ns pods'],
    ['GET /api/v1/watch/namespaces/ns/pods/p', 'watch', '/v1 ns pods p'],
    ['GET /api/v1/namespaces/ns', 'get', '/v1 ns namespaces ns'],
    ['PUT /api/v1/namespaces/ns/finalize', 'update', '/v1 ns namespaces ns finalize'],
    ['POST /api/v1/namespaces/ns/pods/p/exec', 'create', '/v1 ns pods p exec'],
    ['GET /api/v1/namespaces/ns/pods/p/proxy/a/b', 'get', '/v1 ns pods p proxy'],
    ['DELETE /apis/apps/v1/namespaces/ns/deployments', 'deletecollection', 'apps/v1 ns deployments'],
    ['PATCH /apis/apps/v1/namespaces/ns/deployments/d%20e', 'patch', 'apps/v1 ns deployments d e'],
    ['GET /apis/x.example.com/v1/things/%', 'get', 'x.example.com/v1 things %'],
  ];
  for (const [request, verb, expected] of cases) {
    const [method = '', url = ''] = request.split(' ');
    const [path = '', query] = url.split('?');
    const found = requestInfo(method, path, new URLSearchParams(query));
    const { group, version, namespace, resource, name, subresource } = found.resource ?? {};
    const parts = found.resource ? [`${group}/${version}`, namespace, resource, name, subresource] : [];
    t.same([found.verb, parts.filter((part) => part).join(' ')], [verb, expected], request);
  }
});

t.test('the first rule that matches decides', async (t) => {
  const cases: [rule: string, request: string, matches: boolean][] = [
    ['users: [jane]', 'GET /version', true],
    ['users: [joe]', 'GET /version', false],
    ['userGroups: [ops, dev]', 'GET /version', true],
    ['userGroups: [ops]', 'GET /version', false],
    ['verbs: [list]', 'GET /api/v1/pods', true],
    ['verbs: [list]', 'GET /api/v1/namespaces/ns/pods/p', false],
    ['namespaces: [ns]', 'GET /api/v1/namespaces/ns/pods', true],
    ['namespaces: [""]', 'GET /api/v1/nodes', true],
    ['namespaces: [ns]', 'GET /version', false],
    ['resources: [{group: apps}]', 'GET /apis/apps/v1/deployments', true],
    ['resources: [{group: apps}]', 'GET /api/v1/pods', false],
    ['resources: [{resources: [pods]}]', 'GET /api/v1/namespaces/ns/pods/p/log', false],
    ['resources: [{resources: [pods/log]}]', 'GET /api/v1/namespaces/ns/pods/p/log', true],
    ['resources: [{resources: [pods/*]}]', 'GET /api/v1/namespaces/ns/pods/p/log', true],
    ['resources: [{resources: ["*/log"]}]', 'GET /api/v1/namespaces/ns/pods/p/log', true],
    ['resources: [{resources: ["*"]}]', 'GET /api/v1/namespaces/ns/pods/p/log', true],
    ['resources: [{resources: [pods], resourceNames: [p]}]', 'GET /api/v1/namespaces/ns/pods/p', true],
    ['resources: [{resources: [pods], resourceNames: [q]}]', 'GET /api/v1/namespaces/ns/pods/p', false],
    ['nonResourceURLs: ["/api*"]', 'GET /apis', true],
    ['nonResourceURLs: [/version]', 'GET /version', true],
    ['nonResourceURLs: ["*"]', 'GET /api/v1/pods', false],
  ];
  for (const [rule, request, expected] of cases) {
    const [method = '', path = ''] = request.split(' ');
    const policy = read(`rules:\n- level: Request\n  ${rule}\n- level: None\n`);
    const { level } = policy.decide(requestInfo(method, path, new URLSearchParams()), jane);
    t.equal(level, expected ? 'Request' : 'None', `${rule}: ${request}`);
  }
  const version = requestInfo('GET', '/version', new URLSearchParams());
  t.equal(read('rules: [{level: Metadata, users: [jane]}]').decide(version, undefined).level, 'None', 'no user');
  t.equal(read('').decide(version, jane).level, 'None', 'no rule');
  const policy = read(
    'omitStages: [Panic]\nomitManagedFields: true\nrules: [{level: Request, omitStages: [RequestReceived], omitManagedFields: false}]',
  );
  const decision = policy.decide(version, jane);
  t.same([...decision.omitStages], ['Panic', 'RequestReceived']);
  t.equal(decision.omitManagedFields, false);
});

t.test('wrong policies', async (t) => {
  const cases: [string, RegExp][] = [
    [
      'rules: [{level: All}]',
      /policy.yaml: rules\[0\].level: Unsupported value: "All": supported values: "None", "Metadata"/,
    ],
    ['rules: [{}]', /rules\[0\].level: Required value/],
    [
      'rules: [{level: None, omitStages: [Never]}]',
      /omitStages\[0\]: Invalid value: "Never": allowed stages are RequestReceived,/,
    ],
    ['rules: [{level: None, nonResourceURLs: [version]}]', /must begin with a '\/' character/],
    ['rules: [{level: None, nonResourceURLs: ["/a*b"]}]', /must be the final character/],
    ['rules: [{level: None, resources: [{group: rbac/v1}]}]', /rules\[0\].resources.group: Invalid value/],
    ['rules: [{level: None, resources: [{resourceNames: [x]}]}]', /using resourceNames requires at least one resource/],
    ['rules: [{level: None, nonResourceURLs: ["*"], namespaces: [x]}]', /cannot apply to both/],
    ['rules: [{level: None, user: [x]}]', /unknown field "rules\[0\].user"/],
  ];
  for (const [text, message] of cases) t.throws(() => read(text), { code: 'BadRequest', message }, text);
  t.throws(() => readAuditPolicy('apiVersion: audit.k8s.io/v1beta1\nkind: Policy\n', 'p'), {
    message: /expected kind Policy of audit.k8s.io\/v1/,
  });
});
