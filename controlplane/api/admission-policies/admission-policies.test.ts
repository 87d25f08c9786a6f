// Defaults, field rules and columns of admission policies and their bindings.
import t from 'tap';
import type { Kind } from '../kind';
import { mutatingAdmissionPolicies } from '../mutating-admission-policy';
import { mutatingAdmissionPolicyBindings } from '../mutating-admission-policy-binding';
import { loadSchemas } from '../schema/load';
import { validateStructure } from '../schema/structure';
import type { KubeObject } from '../types';
import { validatingAdmissionPolicies } from '../validating-admission-policy';
import { validatingAdmissionPolicyBindings } from '../validating-admission-policy-binding';

const schemas = loadSchemas();
const rule = { operations: ['CREATE'], apiGroups: ['apps'], apiVersions: ['v1'], resources: ['deployments'] };
const matchConstraints = { resourceRules: [rule] };
const validations = [{ expression: 'true' }];
const apply = { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } };
const mutations = { matchConstraints, mutations: [apply], reinvocationPolicy: 'Never' };

function write(kind: Kind, spec: object, status?: object) {
  const written = { metadata: { name: 'p.example.com' }, spec, ...(status && { status }) };
  const object = JSON.parse(JSON.stringify(written)) as KubeObject;
  validateStructure(schemas.of(kind), kind, object, 'Strict');
  kind.options.defaults?.(object);
  const causes = kind.options.validate?.(object, { subresource: status ? 'status' : '' }) ?? [];
  return { object, causes: causes.map(({ field, message }) => `${field}: ${message}`) };
}

t.test('defaults', async (t) => {
  const match = {
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    resourceRules: [{ ...rule, scope: '*' }],
  };
  for (const [kind, spec] of [
    [validatingAdmissionPolicies, { matchConstraints, validations }],
    [mutatingAdmissionPolicies, mutations],
  ] as const) {
    const expected = { object: { spec: { failurePolicy: 'Fail', matchConstraints: match } }, causes: [] };
    t.match(write(kind, spec), expected, kind.kind);
  }
  for (const kind of [validatingAdmissionPolicyBindings, mutatingAdmissionPolicyBindings]) {
    const actions = kind === validatingAdmissionPolicyBindings ? { validationActions: ['Deny'] } : {};
    const spec = { policyName: 'p', matchResources: { excludeResourceRules: [rule] }, ...actions };
    const expected = { matchPolicy: 'Equivalent', excludeResourceRules: [{ ...rule, scope: '*' }] };
    t.match(write(kind, spec), { object: { spec: { matchResources: expected } }, causes: [] }, kind.kind);
  }
});

const required = (field: string, why = '') => `spec.${field}: Required value${why && `: ${why}`}`;
const unsupported = (field: string, value: string, ...supported: string[]) =>
  `spec.${field}: Unsupported value: "${value}": supported values: ${supported.map((one) => `"${one}"`).join(', ')}`;

interface Case {
  readonly change: object;
  readonly causes: readonly string[];
}

t.test('field rules of validating policies', async (t) => {
  const empty = 'validations or auditAnnotations must contain at least one item';
  const cases: readonly Case[] = [
    { change: { matchConstraints: undefined }, causes: [required('matchConstraints')] },
    { change: { matchConstraints: {} }, causes: [required('matchConstraints.resourceRules')] },
    { change: { validations: [] }, causes: [required('validations', empty), required('auditAnnotations', empty)] },
    { change: { failurePolicy: 'x' }, causes: [unsupported('failurePolicy', 'x', 'Fail', 'Ignore')] },
    {
      change: { matchConstraints: { resourceRules: [{ ...rule, resourceNames: ['a', 'a', '/'] }], matchPolicy: 'x' } },
      causes: [
        unsupported('matchConstraints.matchPolicy', 'x', 'Equivalent', 'Exact'),
        'spec.matchConstraints.resourceRules[0].resourceNames[1]: Duplicate value: "a"',
        `spec.matchConstraints.resourceRules[0].resourceNames[2]: Invalid value: "/": may not contain '/'`,
      ],
    },
    {
      change: { matchConstraints: { resourceRules: [{}] } },
      causes: ['operations', 'apiGroups', 'apiVersions', 'resources'].map((field) =>
        required(`matchConstraints.resourceRules[0].${field}`),
      ),
    },
    {
      change: { paramKind: {} },
      causes: [required('paramKind.apiVersion'), required('paramKind.kind')],
    },
    {
      change: { paramKind: { apiVersion: 'a/b/c', kind: 'K' } },
      causes: ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
    },
    {
      change: { paramKind: { apiVersion: 'a.b/', kind: 'K' } },
      causes: ['spec.paramKind.apiVersion: Invalid value: "a.b/": version must be specified'],
    },
    {
      change: {
        variables: [
          { name: '', expression: ' ' },
          { name: 'a-b', expression: '1' },
          { name: 'for', expression: '1' },
        ],
      },
      causes: [
        required('variables[0].name', 'name is not specified'),
        required('variables[0].expression', 'expression is not specified'),
        'spec.variables[1].name: Invalid value: "a-b": must be a valid CEL identifier',
        'spec.variables[2].name: Invalid value: "for": must be a valid CEL identifier',
      ],
    },
    {
      change: {
        matchConditions: [
          { name: 'a', expression: '' },
          { name: 'a', expression: 'true' },
        ],
      },
      causes: [required('matchConditions[0].expression'), 'spec.matchConditions[1].name: Duplicate value: "a"'],
    },
    {
      change: {
        validations: [
          { expression: '' },
          { expression: '1', message: ' ', messageExpression: ' ' },
          { expression: '1', message: 'a\nb', reason: 'x' },
        ],
      },
      causes: [
        required('validations[0].expression', 'expression is not specified'),
        'spec.validations[1].messageExpression: Invalid value: " ": must be non-empty if specified',
        'spec.validations[1].message: Invalid value: " ": must be non-empty if specified',
        'spec.validations[2].message: Invalid value: "a\\nb": message must not contain line breaks',
        unsupported('validations[2].reason', 'x', 'Forbidden', 'Invalid', 'RequestEntityTooLarge'),
      ],
    },
    {
      change: {
        auditAnnotations: [
          { key: 'k', valueExpression: '' },
          { key: 'k', valueExpression: 'x'.repeat(5121) },
        ],
      },
      causes: [
        required('auditAnnotations[0].valueExpression', 'valueExpression is not specified'),
        required('auditAnnotations[1].valueExpression', 'must not exceed 5120 bytes in length'),
        'spec.auditAnnotations[1].key: Duplicate value: "k"',
      ],
    },
  ];
  for (const { change, causes } of cases) {
    const found = write(validatingAdmissionPolicies, { matchConstraints, validations, ...change }).causes;
    t.strictSame(found, causes, JSON.stringify(change).slice(0, 200));
  }
  const status = { typeChecking: { expressionWarnings: [{ fieldRef: '', warning: '' }] } };
  t.strictSame(write(validatingAdmissionPolicies, {}, status).causes, [
    'status.typeChecking.expressionWarnings[0].warning: Required value',
    'status.typeChecking.expressionWarnings[0].fieldRef: Required value',
  ]);
});

t.test('field rules of mutating policies', async (t) => {
  const cases: readonly Case[] = [
    { change: { mutations: [] }, causes: [required('mutations', 'mutations must contain at least one item')] },
    { change: { reinvocationPolicy: undefined }, causes: [required('reinvocationPolicy')] },
    { change: { reinvocationPolicy: 'x' }, causes: [unsupported('reinvocationPolicy', 'x', 'IfNeeded', 'Never')] },
    {
      change: { matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } },
      causes: [unsupported('matchConstraints.resourceRules.operations', 'DELETE', '*', 'CONNECT', 'CREATE', 'UPDATE')],
    },
    {
      change: {
        mutations: [
          { ...apply, patchType: '' },
          { ...apply, patchType: 'x' },
          { ...apply, patchType: 'JSONPatch' },
        ],
      },
      causes: [
        required('mutations[0].patchType'),
        unsupported('mutations[1].patchType', 'x', 'ApplyConfiguration', 'JSONPatch'),
        required('mutations[2].jsonPatch', 'must be specified when patchType is JSONPatch'),
        'spec.mutations[2].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
      ],
    },
    {
      change: { mutations: [{ ...apply, applyConfiguration: { expression: ' ' } }] },
      causes: [required('mutations[0].applyConfiguration.expression')],
    },
  ];
  for (const { change, causes } of cases) {
    const found = write(mutatingAdmissionPolicies, { ...mutations, ...change }).causes;
    t.strictSame(found, causes, JSON.stringify(change).slice(0, 200));
  }
});

t.test('field rules of bindings', async (t) => {
  const both = 'name and selector are mutually exclusive';
  const cases: readonly Case[] = [
    { change: { policyName: '' }, causes: [required('policyName')] },
    { change: { paramRef: { name: 'c', namespace: 'n', parameterNotFoundAction: 'Allow' } }, causes: [] },
    {
      change: { paramRef: {} },
      causes: [
        required('paramRef', 'one of name or selector must be specified'),
        required('paramRef.parameterNotFoundAction'),
      ],
    },
    {
      change: { paramRef: { name: 'c', selector: {}, parameterNotFoundAction: 'x' } },
      causes: [
        `spec.paramRef.name: Forbidden: ${both}`,
        `spec.paramRef.selector: Forbidden: ${both}`,
        unsupported('paramRef.parameterNotFoundAction', 'x', 'Deny', 'Allow'),
      ],
    },
  ];
  for (const { change, causes } of cases) {
    const validating = { policyName: 'p', validationActions: ['Deny'], ...change };
    t.strictSame(write(validatingAdmissionPolicyBindings, validating).causes, causes, JSON.stringify(change));
    const mutating = { policyName: 'p', ...change };
    t.strictSame(write(mutatingAdmissionPolicyBindings, mutating).causes, causes, JSON.stringify(change));
  }
  const actions = (...validationActions: string[]) =>
    write(validatingAdmissionPolicyBindings, { policyName: 'p', validationActions }).causes;
  t.strictSame(actions(), [required('validationActions', 'at least one validation action is required')]);
  t.strictSame(actions('x', 'Audit', 'Audit'), [
    unsupported('validationActions[0]', 'x', 'Audit', 'Deny', 'Warn'),
    'spec.validationActions[2]: Duplicate value: "Audit"',
  ]);
  t.match(actions('Deny', 'Warn'), [
    /^spec.validationActions: Invalid value: \["Deny","Warn"\]: must not contain both/,
  ]);
  t.strictSame(
    write(mutatingAdmissionPolicyBindings, {
      policyName: 'p',
      matchResources: { resourceRules: [{ ...rule, operations: ['DELETE'] }] },
    }).causes,
    [unsupported('matchResources.resourceRules.operations', 'DELETE', '*', 'CONNECT', 'CREATE', 'UPDATE')],
  );
});

t.test('columns', async (t) => {
  const now = Date.parse('2026-01-01T00:01:00Z');
  const row = (kind: Kind, spec: object) =>
    (kind.options.columns ?? []).map(({ name, cell }) => {
      const metadata = { name: 'p', creationTimestamp: '2026-01-01T00:00:00Z' };
      return `${name}=${cell({ metadata, spec } as KubeObject, now)}`;
    });
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' };
  t.strictSame(row(validatingAdmissionPolicies, { validations, paramKind }), [
    'Name=p',
    'Validations=1',
    'ParamKind=v1/ConfigMap',
    'Age=60s',
  ]);
  t.strictSame(row(mutatingAdmissionPolicies, {}), ['Name=p', 'Mutations=0', 'ParamKind=<unset>', 'Age=60s']);
  const selector = {
    matchLabels: { b: 'c', a: 'd' },
    matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }],
  };
  for (const [paramRef, cell] of [
    [undefined, '<unset>'],
    [{ name: 'c' }, '*/c'],
    [{ name: 'c', namespace: 'n' }, 'n/c'],
    [
      { selector },
      '&LabelSelector{MatchLabels:map[string]string{a: d,b: c,},MatchExpressions:[]LabelSelectorRequirement{' +
        'LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}',
    ],
  ] as const) {
    for (const kind of [validatingAdmissionPolicyBindings, mutatingAdmissionPolicyBindings]) {
      t.strictSame(row(kind, { policyName: 'q', paramRef }), ['Name=p', 'PolicyName=q', `ParamRef=${cell}`, 'Age=60s']);
    }
  }
});
