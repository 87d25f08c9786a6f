// Defaults, field rules and columns of both kinds of webhook configurations.
import t from 'tap';
import { mutatingWebhookConfigurations } from '../mutating-webhook-configuration';
import { loadSchemas } from '../schema/load';
import { validateStructure } from '../schema/structure';
import { validatingWebhookConfigurations } from '../validating-webhook-configuration';

const schemas = loadSchemas();
const kinds = [mutatingWebhookConfigurations, validatingWebhookConfigurations];

const rule = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };
const webhook = {
  name: 'a.example.com',
  rules: [rule],
  clientConfig: { service: { namespace: 'n', name: 's' } },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};

function write(kind: (typeof kinds)[number], ...webhooks: readonly object[]) {
  const object = JSON.parse(JSON.stringify({ metadata: { name: 'c' }, webhooks })) as object;
  validateStructure(schemas.of(kind), kind, object, 'Strict');
  kind.options.defaults?.(object);
  const causes = kind.options.validate?.(object, { subresource: '' }) ?? [];
  return { object, causes: causes.map(({ field, message }) => `${field}: ${message}`) };
}

t.test('defaults', async (t) => {
  const expected = {
    ...webhook,
    rules: [{ ...rule, scope: '*' }],
    clientConfig: { service: { namespace: 'n', name: 's', port: 443 } },
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    timeoutSeconds: 10,
    namespaceSelector: {},
    objectSelector: {},
  };
  t.match(write(validatingWebhookConfigurations, webhook), { object: { webhooks: [expected] }, causes: [] });
  t.notOk('reinvocationPolicy' in expected);
  t.match(write(mutatingWebhookConfigurations, webhook), {
    object: { webhooks: [{ ...expected, reinvocationPolicy: 'Never' }] },
    causes: [],
  });
});

const required = (field: string, why = '') => `${field}: Required value${why && `: ${why}`}`;
const form = 'desired format: https://host[/path]';
const url = (text: string) => ({ clientConfig: { url: text } });
const path = (text: string) => ({ clientConfig: { service: { namespace: 'n', name: 's', path: text } } });
const ofRule = (change: object) => ({ rules: [{ ...rule, ...change }] });

const cases: readonly { readonly change: object; readonly causes: readonly string[] }[] = [
  { change: { name: '' }, causes: [required('name')] },
  {
    change: { name: 'a.b' },
    causes: ['name: Invalid value: "a.b": should be a domain with at least three segments separated by dots'],
  },
  { change: { sideEffects: undefined }, causes: [required('sideEffects', 'must specify one of None, NoneOnDryRun')] },
  {
    change: { sideEffects: 'Some' },
    causes: ['sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"'],
  },
  {
    change: { failurePolicy: 'x', matchPolicy: 'y' },
    causes: [
      'failurePolicy: Unsupported value: "x": supported values: "Fail", "Ignore"',
      'matchPolicy: Unsupported value: "y": supported values: "Equivalent", "Exact"',
    ],
  },
  ...[0, 31].map((timeoutSeconds) => ({
    change: { timeoutSeconds },
    causes: [`timeoutSeconds: Invalid value: ${timeoutSeconds}: the timeout value must be between 1 and 30 seconds`],
  })),
  {
    change: { admissionReviewVersions: [] },
    causes: [required('admissionReviewVersions', 'must specify one of v1, v1beta1')],
  },
  {
    change: { admissionReviewVersions: ['v2', 'v2'] },
    causes: [
      'admissionReviewVersions[1]: Invalid value: "v2": duplicate version',
      'admissionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1',
    ],
  },
  {
    change: { clientConfig: {} },
    causes: [required('clientConfig', 'exactly one of url or service is required')],
  },
  {
    change: { clientConfig: { url: 'https://a', ...webhook.clientConfig } },
    causes: [required('clientConfig', 'exactly one of url or service is required')],
  },
  { change: url('https://a.example.com:8443/p'), causes: [] },
  {
    change: url('http://a/'),
    causes: [`clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; ${form}`],
  },
  {
    change: url('a/p'),
    causes: [
      `clientConfig.url: Invalid value: "": 'https' is the only allowed URL scheme; ${form}`,
      `clientConfig.url: Invalid value: "": host must be specified; ${form}`,
    ],
  },
  {
    change: url('https://u:p@a/?q#f'),
    causes: [
      'clientConfig.url: Invalid value: "u:p": user information is not permitted in the URL',
      'clientConfig.url: Invalid value: "f": fragments are not permitted in the URL',
      'clientConfig.url: Invalid value: "q": query parameters are not permitted in the URL',
    ],
  },
  {
    change: url('https://a:b'),
    causes: [
      required('clientConfig.url', `url must be a valid URL: parse "https://a:b": invalid host or port; ${form}`),
    ],
  },
  {
    change: { clientConfig: { service: { namespace: '', name: '', port: 70000 } } },
    causes: [
      required('clientConfig.service.name'),
      required('clientConfig.service.namespace'),
      'clientConfig.service.port: Invalid value: 70000: port is not valid: must be between 1 and 65535, inclusive',
    ],
  },
  ...['', '/', '/a/b.c/'].map((text) => ({ change: path(text), causes: [] })),
  {
    change: path('//'),
    causes: ['clientConfig.service.path: Invalid value: "//": segment[0] may not be empty'],
  },
  {
    change: path('/a//b'),
    causes: ['clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty'],
  },
  {
    change: path('aa'),
    causes: ['clientConfig.service.path: Invalid value: "aa": must start with a \'/\''],
  },
  {
    change: {
      matchConditions: [
        { name: 'a', expression: 'true' },
        { name: 'a', expression: ' ' },
        { name: '', expression: 'true' },
      ],
    },
    causes: [
      required('matchConditions[1].expression'),
      'matchConditions[1].name: Duplicate value: "a"',
      required('matchConditions[2].name'),
    ],
  },
  {
    change: { matchConditions: Array.from({ length: 65 }, (_, i) => ({ name: `c${i}`, expression: 'true' })) },
    causes: ['matchConditions: Too many: 65: must have at most 64 items'],
  },
  {
    change: { rules: [{}] },
    causes: ['operations', 'apiGroups', 'apiVersions', 'resources'].map((field) => required(`rules[0].${field}`)),
  },
  {
    change: ofRule({ operations: ['*', 'GET'], apiGroups: ['*', 'a'], apiVersions: ['*', ''], scope: 'x' }),
    causes: [
      'rules[0].operations: Invalid value: ["*","GET"]: if \'*\' is present, must not specify other operations',
      'rules[0].operations[1]: Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
      'rules[0].apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must not specify other API groups',
      'rules[0].apiVersions: Invalid value: ["*",""]: if \'*\' is present, must not specify other API versions',
      required('rules[0].apiVersions[1]'),
      'rules[0].scope: Unsupported value: "x": supported values: "*", "Cluster", "Namespaced"',
    ],
  },
  { change: ofRule({ resources: ['*', 'pods/status', 'pods/*x'] }), causes: [] },
  { change: ofRule({ resources: [''] }), causes: [required('rules[0].resources[0]')] },
  {
    change: ofRule({ resources: ['pods/*', 'pods/exec'] }),
    causes: ['rules[0].resources[1]: Invalid value: "pods/exec": if \'pods/*\' is present, must not specify pods/exec'],
  },
  {
    change: ofRule({ resources: ['*/scale', 'a/scale'] }),
    causes: ['rules[0].resources[1]: Invalid value: "a/scale": if \'*/scale\' is present, must not specify a/scale'],
  },
  {
    change: ofRule({ resources: ['*/*', 'pods'] }),
    causes: [
      'rules[0].resources: Invalid value: ["*/*","pods"]: if \'*/*\' is present, must not specify other resources',
    ],
  },
  {
    change: ofRule({ resources: ['*', 'pods'] }),
    causes: [
      'rules[0].resources: Invalid value: ["*","pods"]: if \'*\' is present, must not specify other resources without subresources',
    ],
  },
  {
    change: { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: [] }] } },
    causes: [
      required('namespaceSelector.matchExpressions[0].values', "must be specified when `operator` is 'In' or 'NotIn'"),
    ],
  },
];

t.test('field rules, with paths below webhooks[i]', async (t) => {
  for (const { change, causes } of cases) {
    for (const kind of kinds) {
      const found = write(kind, { ...webhook, name: 'first.example.com' }, { ...webhook, ...change }).causes;
      t.strictSame(
        found,
        causes.map((text) => `webhooks[1].${text}`),
        JSON.stringify(change),
      );
    }
  }
});

t.test('a name is unique in its configuration; reinvocationPolicy', async (t) => {
  for (const kind of kinds) {
    t.strictSame(write(kind, webhook, webhook).causes, ['webhooks[1].name: Duplicate value: "a.example.com"']);
  }
  t.strictSame(write(mutatingWebhookConfigurations, { ...webhook, reinvocationPolicy: 'x' }).causes, [
    'webhooks[0].reinvocationPolicy: Unsupported value: "x": supported values: "IfNeeded", "Never"',
  ]);
});

t.test('columns', async (t) => {
  for (const kind of kinds) {
    const row = (kind.options.columns ?? []).map(({ name, cell }) => [
      name,
      cell(
        { metadata: { name: 'c', creationTimestamp: '2026-01-01T00:00:00Z' }, webhooks: [{}, {}] } as object,
        Date.parse('2026-01-01T00:01:00Z'),
      ),
    ]);
    t.strictSame(row, [
      ['Name', 'c'],
      ['Webhooks', 2],
      ['Age', '60s'],
    ]);
  }
});
