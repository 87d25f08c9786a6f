// PodSecurity over real HTTPS: refusals, warnings, and writes that must still succeed.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../../test/lib/api-server';
import { parseDefaults, parseExemptions } from './config';

const label = 'pod-security.kubernetes.io/';
const container = { name: 'c', image: 'i:1' };
const strict = {
  containers: [
    {
      ...container,
      securityContext: {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      },
    },
  ],
};
const host = { containers: [container], hostPID: true };

async function open(t: { teardown(fn: () => unknown): unknown }, options: Parameters<typeof startApiServer>[0] = {}) {
  const server = await startApiServer(options);
  t.teardown(() => server.close());
  return server;
}
async function makeNamespace(server: TestServer, name: string, labels: Record<string, string> = {}) {
  const full = Object.fromEntries(Object.entries(labels).map(([key, value]) => [label + key, value]));
  const answer = await server.call('POST', '/api/v1/namespaces', { body: { metadata: { name, labels: full } } });
  if (answer.status === 201)
    await server.call('POST', `/api/v1/namespaces/${name}/serviceaccounts`, {
      body: { metadata: { name: 'default' } },
    });
  return answer;
}
const warningsOf = (headers: Readonly<Record<string, string | string[] | undefined>>) => headers['warning'];
const relabel = (server: TestServer, name: string, labels: Record<string, string | null>) =>
  server.call('PATCH', `/api/v1/namespaces/${name}`, {
    type: 'application/merge-patch+json',
    body: { metadata: { labels } },
  });

t.test('enforce', async (t) => {
  const server = await open(t);
  await makeNamespace(server, 'n', { enforce: 'restricted' });
  const pods = '/api/v1/namespaces/n/pods';
  const refused = await server.call('POST', pods, { body: { metadata: { name: 'p' }, spec: host } });
  t.match(refused.json, {
    code: 403,
    reason: 'Forbidden',
    details: { name: 'p', kind: 'pods' },
    message:
      'pods "p" is forbidden: violates PodSecurity "restricted:latest": host namespaces (hostPID=true), ' +
      'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  });
  t.equal(warningsOf(refused.headers), undefined, 'a refused pod has no warnings');
  const invalid = await server.call('POST', pods, {
    body: { metadata: { name: 'p' }, spec: { ...host, containers: [] } },
  });
  t.equal(invalid.status, 422, 'an invalid pod is refused by validation first');
  const generated = await server.call('POST', pods, { body: { metadata: { generateName: 'g-' }, spec: host } });
  t.match(
    generated.json.message,
    /^pods "g-\w{5}" is forbidden: violates PodSecurity/,
    'the message has the generated name',
  );
  const dry = await server.call('POST', `${pods}?dryRun=All`, { body: { metadata: { name: 'p' }, spec: host } });
  t.equal(dry.status, 403);
  const fine = await server.call('POST', pods, { body: { metadata: { name: 'p' }, spec: strict } });
  t.equal(fine.status, 201);
  const applied = await server.call('PATCH', `${pods}/q?fieldManager=m`, {
    type: 'application/apply-patch+yaml',
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'q' }, spec: host },
  });
  t.equal(applied.status, 403, 'apply is refused too');
});

t.test('warn, and templates of workloads', async (t) => {
  const server = await open(t);
  await makeNamespace(server, 'n', { enforce: 'baseline', 'enforce-version': 'v1.30' });
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [container], hostNetwork: true } };
  const selector = { matchLabels: { a: 'b' } };
  const expected = '299 - "would violate PodSecurity \\"baseline:v1.30\\": host namespaces (hostNetwork=true)"';
  const workloads = [
    ['/apis/apps/v1/namespaces/n/deployments', { selector, template }],
    ['/apis/apps/v1/namespaces/n/replicasets', { selector, template }],
    ['/apis/apps/v1/namespaces/n/daemonsets', { selector, template }],
    ['/apis/batch/v1/namespaces/n/jobs', { template: { spec: { ...template.spec, restartPolicy: 'Never' } } }],
  ] as const;
  for (const [path, spec] of workloads) {
    const answer = await server.call('POST', path, { body: { metadata: { name: 'w' }, spec } });
    t.equal(answer.status, 201, path);
    t.equal(warningsOf(answer.headers), expected, path);
  }
  const alone = await server.call('POST', '/api/v1/namespaces/n/podtemplates', {
    body: { metadata: { name: 'w' }, template },
  });
  t.equal(warningsOf(alone.headers), expected, 'the template of a PodTemplate');
  const scale = await server.call('PUT', `${workloads[0][0]}/w/scale`, {
    body: { metadata: { name: 'w' }, spec: { replicas: 3 } },
  });
  t.equal(warningsOf(scale.headers), undefined, 'a scale subresource causes no warning');
  await makeNamespace(server, 'warned', { warn: 'baseline' });
  const pod = await server.call('POST', '/api/v1/namespaces/warned/pods', {
    body: { metadata: { name: 'p' }, spec: host },
  });
  t.equal(pod.status, 201);
  t.equal(
    warningsOf(pod.headers),
    '299 - "would violate PodSecurity \\"baseline:latest\\": host namespaces (hostPID=true)"',
  );
});

t.test('updates of pods', async (t) => {
  const server = await open(t);
  await makeNamespace(server, 'n');
  const path = '/api/v1/namespaces/n/pods/p';
  await server.call('POST', '/api/v1/namespaces/n/pods', { body: { metadata: { name: 'p' }, spec: host } });
  const warned = await relabel(server, 'n', { [`${label}enforce`]: 'baseline' });
  t.equal(warned.status, 200);
  t.same(
    warningsOf(warned.headers),
    [
      '299 - "existing pods in namespace \\"n\\" violate the new PodSecurity enforce level \\"baseline:latest\\""',
      '299 - "p: host namespaces"',
    ].join(', '),
  );
  const type = 'application/strategic-merge-patch+json';
  const patch = (body: object, at = path) => server.call('PATCH', at, { type, body });
  t.equal((await patch({ metadata: { labels: { a: 'b' } } })).status, 200, 'the labels of an older pod can change');
  t.equal((await patch({ status: { phase: 'Running' } }, `${path}/status`)).status, 200, 'its status can change');
  t.equal(
    (await patch({ spec: { containers: [{ ...container, image: 'i:2' }] } })).status,
    403,
    'its image cannot change',
  );
  t.equal((await server.call('DELETE', path)).status, 200);
  const again = await relabel(server, 'n', { [`${label}enforce`]: 'restricted' });
  t.equal(warningsOf(again.headers), undefined, 'the namespace has no pod');
});

t.test('labels of namespaces', async (t) => {
  const server = await open(t);
  const wrong = await makeNamespace(server, 'n', { enforce: 'nonsense', 'warn-version': '1.30' });
  t.match(wrong.json, {
    code: 422,
    reason: 'Invalid',
    details: {
      kind: 'Namespace',
      causes: [
        { reason: 'FieldValueInvalid', field: 'metadata.labels[pod-security.kubernetes.io/enforce]' },
        { reason: 'FieldValueInvalid', field: 'metadata.labels[pod-security.kubernetes.io/warn-version]' },
      ],
    },
  });
  await makeNamespace(server, 'n', { enforce: 'baseline' });
  t.equal((await relabel(server, 'n', { [`${label}enforce`]: 'x' })).status, 422);
  t.equal((await relabel(server, 'n', { [`${label}enforce`]: null })).status, 200);
});

t.test('defaults and exemptions', async (t) => {
  const server = await open(t, {
    podSecurity: {
      defaults: parseDefaults('enforce=baseline'),
      exemptions: parseExemptions('namespace=kube-system,namespace=free,username=root-builder'),
    },
  });
  await makeNamespace(server, 'n');
  await makeNamespace(server, 'free');
  const make = (namespace: string, options = {}) =>
    server.call('POST', `/api/v1/namespaces/${namespace}/pods`, {
      body: { metadata: { generateName: 'p-' }, spec: host },
      ...options,
    });
  t.equal((await make('n')).status, 403, 'the default of the cluster');
  t.equal((await make('free')).status, 201);
  const as = await server.identity('root-builder', 'system:masters');
  t.equal((await make('n', { as })).status, 201);
  const ignored = await relabel(server, 'free', { [`${label}enforce`]: 'restricted' });
  t.match(warningsOf(ignored.headers), /^299 - "namespace \\"free\\" is exempt from Pod Security, and the policy/);
  await makeNamespace(server, 'open', { enforce: 'privileged' });
  t.equal((await make('open')).status, 201, 'a label overrides the default');
});
