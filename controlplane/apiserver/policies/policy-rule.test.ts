// What is refused when a policy or a binding is written: expressions that do not compile, and parameters that the writer may not read.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const group = '/apis/admissionregistration.k8s.io/v1';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const matchConstraints = { resourceRules: [rule] };
const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };

t.test('expressions that do not compile: 422 with the field and the place', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const cases: readonly (readonly [plural: string, spec: object, field: string, message: RegExp])[] = [
    ['validating', { validations: [{ expression: 'object.' }] }, 'spec.validations[0].expression', /ERROR: <input>:1/],
    [
      'validating',
      { validations: [{ expression: 'object.a' }] },
      'spec.validations[0].expression',
      /^Invalid value: "object.a": must evaluate to bool but got dyn$/,
    ],
    [
      'validating',
      { validations: [{ expression: 'true', messageExpression: '1' }] },
      'spec.validations[0].messageExpression',
      /must evaluate to string but got int/,
    ],
    [
      'validating',
      { auditAnnotations: [{ key: 'k', valueExpression: '1' }] },
      'spec.auditAnnotations[0].valueExpression',
      /must evaluate to one of \[string null_type\] but got int/,
    ],
    [
      'validating',
      { auditAnnotations: [{ key: 'k', valueExpression: 'object.metadata.name' }] },
      'spec.auditAnnotations[0].valueExpression',
      /^Invalid value: "object.metadata.name": must evaluate to one of \[string null_type\] but got dyn$/,
    ],
    [
      'validating',
      { auditAnnotations: [{ key: 'k', valueExpression: "object.metadata.labels['q']" }] },
      'spec.auditAnnotations[0].valueExpression',
      /must evaluate to one of \[string null_type\] but got dyn/,
    ],
    [
      'validating',
      { validations: [{ expression: 'true', messageExpression: "authorizer.path('/x').check('get').reason()" }] },
      'spec.validations[0].messageExpression',
      /ERROR: <input>:1:1: undeclared reference to 'authorizer' \(in container ''\)/,
    ],
    [
      'validating',
      { validations: [{ expression: 'params == null' }] },
      'spec.validations[0].expression',
      /^Invalid value: "params == null": compilation failed: ERROR: <input>:1:1: undeclared reference to 'params' \(in container ''\)\n \| params == null\n \| \^$/,
    ],
    [
      'validating',
      { variables: [{ name: 'a', expression: '1' }], validations: [{ expression: 'variables.a == "x"' }] },
      'spec.validations[0].expression',
      /1:13: found no matching overload for '_==_' applied to '\(int, string\)'/,
    ],
    [
      'validating',
      {
        variables: [
          { name: 'a', expression: 'variables.b' },
          { name: 'b', expression: '1' },
        ],
        validations: [{ expression: 'true' }],
      },
      'spec.variables[0].expression',
      /undefined field 'b'/,
    ],
    [
      'validating',
      { matchConditions: [{ name: 'm', expression: 'variables.a' }], validations: [{ expression: 'true' }] },
      'spec.matchConditions[0].expression',
      /undeclared reference to 'variables'/,
    ],
    [
      'validating',
      { validations: [{ expression: 'Object{} == null' }] },
      'spec.validations[0].expression',
      /undeclared reference to 'Object'/,
    ],
    [
      'mutating',
      { mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: '{}' } }] },
      'spec.mutations[0].applyConfiguration.expression',
      /must evaluate to Object but got map/,
    ],
    [
      'mutating',
      { mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[Object{}]' } }] },
      'spec.mutations[0].jsonPatch.expression',
      /must evaluate to list\(JSONPatch\) but got list\(Object\)/,
    ],
    [
      'mutating',
      { mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{o: "x"}]' } }] },
      'spec.mutations[0].jsonPatch.expression',
      /undefined field 'o'/,
    ],
  ];
  for (const [which, spec, field, message] of cases) {
    const { status, json } = await server.call('POST', `${group}/${which}admissionpolicies`, {
      body: {
        metadata: { name: 'p' },
        spec: { matchConstraints, ...(which === 'mutating' && { reinvocationPolicy: 'Never' }), ...spec },
      },
    });
    t.equal(status, 422, JSON.stringify(spec));
    t.match(json.details.causes, [{ field, message, reason: 'FieldValueInvalid' }], JSON.stringify(spec));
    t.equal(json.details.causes.length, 1);
  }
});

t.test('many expressions are compiled in turns', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const validations = Array.from({ length: 300 }, (_, i) => ({ expression: `object.metadata.name != "n${i}"` }));
  const writing = server.call('POST', `${group}/validatingadmissionpolicies`, {
    body: { metadata: { name: 'p' }, spec: { matchConstraints, validations } },
  });
  t.equal((await writing).status, 201);
});

t.test('who names parameters must be allowed to read them', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const as = await server.identity('alice');
  const call = async (plural: string, body: object, who?: typeof as) =>
    server.call('POST', `${group}/${plural}`, { body, ...(who && { as: who }) });
  const grant = async (name: string, rules: readonly object[]) => {
    await server.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name }, rules } });
    await server.call('POST', `${rbac}/clusterrolebindings`, {
      body: {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
      },
    });
  };
  await grant('policies', [{ apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['*'] }]);
  const policy = (name: string) => ({
    metadata: { name },
    spec: { paramKind, matchConstraints, validations: [{ expression: 'params.data.a == "b"' }] },
  });
  const binding = (name: string) => ({
    metadata: { name },
    spec: {
      policyName: 'p',
      validationActions: ['Deny'],
      paramRef: { name: 'c', namespace: 'default', parameterNotFoundAction: 'Deny' },
    },
  });
  const refused = await call('validatingadmissionpolicies', policy('p'), as);
  t.equal(refused.status, 422);
  const [before, after] = refused.json.message.split('map[authentication.kubernetes.io/credential-id:');
  t.equal(
    before,
    'ValidatingAdmissionPolicy.admissionregistration.k8s.io "p" is invalid: spec.paramKind: Forbidden: ' +
      'user &{alice  [system:authenticated] ',
  );
  t.match(
    after,
    /\]\]} must have "get" permission on all objects of the referenced paramKind \(kind=ConfigMap, apiVersion=v1\)$/,
  );
  t.equal((await call('validatingadmissionpolicies', policy('p'))).status, 201, 'an administrator may');
  const unread = await call('validatingadmissionpolicybindings', binding('b'), as);
  t.equal(unread.status, 422);
  t.match(unread.json.message, /spec.paramRef: Forbidden: user .* does not have "get" permission on the object/);
  await grant('maps', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }]);
  t.equal((await call('validatingadmissionpolicybindings', binding('b'), as)).status, 201);
  t.equal((await call('validatingadmissionpolicies', policy('q'), as)).status, 201);
});
