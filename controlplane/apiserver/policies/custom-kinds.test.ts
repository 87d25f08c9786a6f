// Policies over custom objects, with parameters of a custom kind, and over the options of a connection.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const group = '/apis/admissionregistration.k8s.io/v1';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';
const limits = '/apis/example.com/v1/limits';
const string = { type: 'string' };

const definition = (plural: string, kind: string, scope: string, properties: object) => ({
  metadata: { name: `${plural}.example.com` },
  spec: {
    group: 'example.com',
    scope,
    names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } },
    ],
  },
});

t.test('custom objects are judged and changed', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const call = async (method: string, path: string, body: object) => server.call(method, path, { body });
  const spec = {
    type: 'object',
    properties: {
      size: { type: 'integer' },
      parts: {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', required: ['name'], properties: { name: string, color: string } },
      },
    },
  };
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const body of [
    definition('widgets', 'Widget', 'Namespaced', { spec }),
    definition('limits', 'Limit', 'Cluster', { max: { type: 'integer' } }),
  ]) {
    const made = await call('POST', crds, body);
    t.equal(made.status, 201, made.text);
    const watch = await server.watch(`${crds}?watch=true&fieldSelector=metadata.name%3D${body.metadata.name}`);
    for (let event = await watch.next(); !(event.object.status.conditions?.length >= 2); event = await watch.next());
    watch.close();
  }
  const rule = { operations: ['CREATE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['widgets'] };
  const matchConstraints = { resourceRules: [rule] };
  const paramKind = { apiVersion: 'example.com/v1', kind: 'Limit' };
  const made = [
    await call('POST', limits, { apiVersion: 'example.com/v1', kind: 'Limit', metadata: { name: 'l' }, max: 3 }),
    await call('POST', `${group}/validatingadmissionpolicies`, {
      metadata: { name: 'v' },
      spec: {
        paramKind,
        matchConstraints,
        validations: [
          { expression: 'object.spec.size <= params.max', messageExpression: '"at most " + string(params.max)' },
        ],
      },
    }),
    await call('POST', `${group}/validatingadmissionpolicybindings`, {
      metadata: { name: 'v' },
      spec: {
        policyName: 'v',
        validationActions: ['Deny'],
        paramRef: { name: 'l', parameterNotFoundAction: 'Deny' },
      },
    }),
    await call('POST', `${group}/mutatingadmissionpolicies`, {
      metadata: { name: 'm' },
      spec: {
        matchConstraints,
        mutations: [
          {
            patchType: 'ApplyConfiguration',
            applyConfiguration: {
              expression: 'Object{spec: Object.spec{parts: [Object.spec.parts{name: "a", color: "red"}]}}',
            },
          },
        ],
        reinvocationPolicy: 'Never',
      },
    }),
    await call('POST', `${group}/mutatingadmissionpolicybindings`, {
      metadata: { name: 'm' },
      spec: { policyName: 'm' },
    }),
  ];
  for (const { status, text } of made) t.equal(status, 201, text);
  const widget = (size: number) => ({
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: { name: 'w' },
    spec: { size, parts: [{ name: 'a' }, { name: 'b' }] },
  });
  const refused = await call('POST', widgets, widget(4));
  t.equal(refused.status, 422);
  t.match(refused.json.message, /widgets.example.com "w" is forbidden: .* denied request: at most 3$/);
  const allowed = await call('POST', widgets, widget(3));
  t.equal(allowed.status, 201, allowed.text);
  t.strictSame(allowed.json.spec.parts, [{ name: 'a', color: 'red' }, { name: 'b' }]);
});

t.test('CONNECT: the options of exec', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const call = async (method: string, path: string, body?: object) => server.call(method, path, body ? { body } : {});
  await call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const pods = '/api/v1/namespaces/default/pods';
  await call('POST', pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  await call('POST', `${group}/validatingadmissionpolicies`, {
    metadata: { name: 'x' },
    spec: {
      matchConstraints: {
        resourceRules: [{ operations: ['CONNECT'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec'] }],
      },
      validations: [
        { expression: 'object.kind == "PodExecOptions" && object.command[0] != "sh"', message: 'no shell' },
      ],
    },
  });
  await call('POST', `${group}/validatingadmissionpolicybindings`, {
    metadata: { name: 'x' },
    spec: { policyName: 'x', validationActions: ['Deny'] },
  });
  const refused = await call('POST', `${pods}/p/exec?command=sh&stdout=1`);
  t.equal(refused.status, 422);
  t.equal(
    refused.json.message,
    `pods "p" is forbidden: ValidatingAdmissionPolicy 'x' with binding 'x' denied request: no shell`,
  );
  const other = await call('POST', `${pods}/p/exec?command=date&stdout=1`);
  t.notMatch(other.text, /denied request/);
});
