// The configuration of authorizers: which texts are refused, in which words.
import t from 'tap';
import { readAuthorizationConfig } from './config';

const webhook = {
  timeout: '3s',
  subjectAccessReviewVersion: 'v1',
  failurePolicy: 'NoOpinion',
  connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/etc/webhook.kubeconfig' },
};
const read = (authorizers: unknown, apiVersion = 'apiserver.config.k8s.io/v1') =>
  readAuthorizationConfig(JSON.stringify({ apiVersion, kind: 'AuthorizationConfiguration', authorizers }), 'file.yaml');
const refusal = (authorizers: unknown): string => {
  try {
    read(authorizers);
    return '';
  } catch (err) {
    return (err as Error).message;
  }
};
/** The refusal of one webhook with these fields. */
const ofWebhook = (fields: object): string =>
  refusal([{ type: 'Webhook', name: 'a', webhook: { ...webhook, ...fields } }]).replace(
    'file.yaml: authorizers[0]',
    '',
  );

t.test('good configurations, of every version', async (t) => {
  for (const version of ['v1', 'v1beta1', 'v1alpha1']) {
    const { authorizers } = read(
      [
        { type: 'Node', name: 'node' },
        { type: 'Webhook', name: 'one', webhook },
        { type: 'Webhook', name: 'two', webhook: { ...webhook, authorizedTTL: '1m30s', unauthorizedTTL: '1.5s' } },
        { type: 'RBAC', name: 'rbac' },
      ],
      `apiserver.config.k8s.io/${version}`,
    );
    t.same(
      authorizers?.map(({ name }) => name),
      ['node', 'one', 'two', 'rbac'],
    );
  }
});

t.test('authorizers', async (t) => {
  const rbac = { type: 'RBAC', name: 'rbac' };
  const cases: readonly [unknown, string][] = [
    [[], 'authorizers: Required value: at least one authorization mode must be defined'],
    [[{ name: 'a' }], 'authorizers[0].type: Required value'],
    [[{ type: 'RBAC' }], 'authorizers[0].name: Required value'],
    [[rbac, { ...rbac, name: 'b' }], 'authorizers[1].type: Duplicate value: "RBAC"'],
    [[rbac, { type: 'Node', name: 'rbac' }], 'authorizers[1].name: Duplicate value: "rbac"'],
    [
      [{ type: 'ABAC', name: 'a' }],
      'authorizers[0].type: Unsupported value: "ABAC": supported values: "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"',
    ],
    [[{ type: 'Webhook', name: 'a' }], 'authorizers[0].webhook: Required value: required when type=Webhook'],
    [
      [{ ...rbac, webhook }],
      'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
    ],
    [[{ ...rbac, wrong: 1 }], 'strict decoding error: unknown field "authorizers[0].wrong"'],
  ];
  for (const [authorizers, message] of cases) t.equal(refusal(authorizers), `file.yaml: ${message}`);
  t.match(
    refusal([{ ...rbac, name: 'Upper' }]),
    /authorizers\[0\].name: Invalid value: "Upper": authorizer name is invalid: /,
  );
});

t.test('webhooks', async (t) => {
  const conditions = (...expressions: string[]) => ({
    matchConditionSubjectAccessReviewVersion: 'v1',
    matchConditions: expressions.map((expression) => ({ expression })),
  });
  const connection = (info: object) => ({ connectionInfo: info });
  const cases: readonly [object, string][] = [
    [{ timeout: '' }, '.timeout: Required value'],
    [{ timeout: '31s' }, '.timeout: Invalid value: "31s": must be > 0s and <= 30s'],
    [{ timeout: 'soon' }, '.timeout: Invalid value: "soon": must be a duration, such as 30s or 1m30s'],
    [{ authorizedTTL: '-1s' }, '.authorizedTTL: Invalid value: "-1s": must be > 0s'],
    [{ subjectAccessReviewVersion: '' }, '.subjectAccessReviewVersion: Required value'],
    [
      { subjectAccessReviewVersion: 'v2' },
      '.subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
    ],
    [{ failurePolicy: 'Fail' }, '.failurePolicy: Unsupported value: "Fail": supported values: "NoOpinion", "Deny"'],
    [connection({}), '.connectionInfo.type: Required value'],
    [
      connection({ type: 'InClusterConfig' }),
      '.connectionInfo.type: Invalid value: "InClusterConfig": is not supported by k8ts: use KubeConfigFile',
    ],
    [connection({ type: 'KubeConfigFile' }), '.connectionInfo.kubeConfigFile: Required value'],
    [
      connection({ type: 'KubeConfigFile', kubeConfigFile: 'here' }),
      '.connectionInfo.kubeConfigFile: Invalid value: "here": must be an absolute path',
    ],
    [
      { matchConditions: [{ expression: 'true' }] },
      '.matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified',
    ],
    [conditions(' '), '.matchConditions[0].expression: Required value'],
    [conditions('true', 'true'), '.matchConditions[1].expression: Duplicate value: "true"'],
    [
      conditions(...Array.from({ length: 65 }, (_, i) => `${i} > 0`)),
      '.matchConditions: Too many: 65: must have at most 64 items',
    ],
    [conditions('1 + 1'), '.matchConditions[0].expression: Invalid value: "1 + 1": must evaluate to bool but got int'],
  ];
  for (const [fields, message] of cases) t.equal(ofWebhook(fields), message);
  t.match(ofWebhook(conditions('request.nothing')), /expression: Invalid value: .*undefined field 'nothing'/s);
});
