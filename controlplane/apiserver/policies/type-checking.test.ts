// The check of types: which kinds are looked at, what is a warning, and that the server writes it into the status.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { KindCatalog } from '../../api/catalog';
import { registry } from '../../api/registry';
import { loadSchemas } from '../../api/schema/load';
import type { ValidatingAdmissionPolicy } from '../../api/validating-admission-policy';
import { matchedKinds, typeWarnings } from './type-checking';

const catalog = new KindCatalog(registry);
const schemas = loadSchemas();
const rule = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] };
const policy = (spec: object): ValidatingAdmissionPolicy => ({
  metadata: { name: 'p' },
  spec: { matchConstraints: { resourceRules: [rule] }, ...spec },
});

function warningsOf(spec: object): object {
  const steps = typeWarnings(policy(spec), catalog, schemas);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return Object.fromEntries(value.map(({ fieldRef, warning }) => [fieldRef, warning]));
  }
}

t.test('the kinds of a policy', async (t) => {
  const kindsOf = (...resourceRules: object[]) =>
    matchedKinds(policy({ matchConstraints: { resourceRules } }), catalog).map(({ kind }) => kind);
  t.strictSame(kindsOf({ ...rule, resources: ['statefulsets', 'deployments', 'deployments/scale', 'none'] }), [
    'Deployment',
    'StatefulSet',
  ]);
  t.strictSame(
    kindsOf({ ...rule, apiGroups: ['*'] }, { ...rule, apiVersions: ['*'] }, { ...rule, resources: ['*'] }),
    [],
  );
  t.strictSame(kindsOf(rule, { ...rule, apiGroups: [''], resources: ['pods'] }, rule), ['Pod', 'Deployment']);
});

t.test('warnings', async (t) => {
  const cases: readonly (readonly [spec: object, warnings: object])[] = [
    [{ validations: [{ expression: 'object.spec.replicas > 1 && oldObject == null' }] }, {}],
    [
      { validations: [{ expression: 'object.replicas > 1' }] },
      {
        'spec.validations[0].expression':
          "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
      },
    ],
    [
      { validations: [{ expression: 'true', messageExpression: '"n" + object.spec.replicas' }] },
      {
        'spec.validations[0].messageExpression': `apps/v1, Kind=Deployment: ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, int)'\n | "n" + object.spec.replicas\n | ....^\n`,
      },
    ],
    [
      {
        variables: [{ name: 'spec', expression: 'object.spec.template.spec' }],
        validations: [{ expression: 'variables.spec.containers.all(c, c.image != "" && c.none == 1)' }],
      },
      { 'spec.validations[0].expression': /Kind=Deployment: ERROR: <input>:1:\d+: undefined field 'none'/ },
    ],
    [
      { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' }, validations: [{ expression: 'params.datum.x == "y"' }] },
      { 'spec.validations[0].expression': /undefined field 'datum'/ },
    ],
    [
      {
        validations: [
          {
            expression:
              'authorizer.requestResource.check("x").allowed() && namespaceObject.metadata.name == request.namespace',
          },
        ],
      },
      {},
    ],
    [
      {
        matchConstraints: { resourceRules: [{ ...rule, resources: ['deployments', 'controllerrevisions'] }] },
        validations: [{ expression: 'object.spec.replicas > 1' }],
      },
      { 'spec.validations[0].expression': /^apps\/v1, Kind=ControllerRevision: ERROR.*undefined field 'spec'/ },
    ],
  ];
  for (const [spec, warnings] of cases) {
    const found = warningsOf(spec);
    t.match(found, warnings, JSON.stringify(spec));
    t.strictSame(Object.keys(found), Object.keys(warnings));
  }
});

t.test('the server writes the status, once for each generation', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
  const events = await server.watch(`${path}?watch=1`);
  t.teardown(() => events.close());
  const { spec } = policy({ validations: [{ expression: 'object.replicas > 1' }] });
  await server.call('POST', path, { body: { metadata: { name: 'p' }, spec } });
  t.match((await events.next()).object.status, { observedGeneration: undefined });
  t.match((await events.next()).object, {
    metadata: { generation: 1 },
    status: {
      observedGeneration: 1,
      typeChecking: { expressionWarnings: [{ fieldRef: 'spec.validations[0].expression' }] },
    },
  });
  const change = { spec: { validations: [{ expression: 'object.spec.replicas > 1' }] } };
  await server.call('PATCH', `${path}/p`, { type: 'application/merge-patch+json', body: change });
  t.match((await events.next()).object.metadata, { generation: 2 });
  t.strictSame((await events.next()).object.status, { observedGeneration: 2, typeChecking: {} });
  await server.call('PATCH', `${path}/p`, {
    type: 'application/merge-patch+json',
    body: { metadata: { labels: { a: 'b' } } },
  });
  t.match((await events.next()).object.metadata, { labels: { a: 'b' } });
  await server.call('DELETE', `${path}/p`);
  t.equal((await events.next()).type, 'DELETED', 'no write of the status after a change of metadata only');
});
