// FlowSchemas and PriorityLevelConfigurations: defaults, rules, columns; the objects of every cluster are valid.
import t from 'tap';
import { type Case, check, ready, row } from '../../test/lib/kind-cases';
import { mandatoryFlows, mandatoryLevels, suggestedFlows, suggestedLevels } from './flow-control/bootstrap-objects';
import { flowSchemas } from './flow-schema';
import { priorityLevelConfigurations } from './priority-level-configuration';

const metadata = { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' };
const exempt = { ...metadata, name: 'exempt' };

t.test('the objects of every cluster are valid, and defaults change nothing in them', async (t) => {
  for (const level of [...mandatoryLevels, ...suggestedLevels]) {
    t.same(ready(priorityLevelConfigurations, level).spec, level.spec, `${level.metadata?.name}`);
    check(t, priorityLevelConfigurations, [{ name: level.metadata?.name ?? '', body: level, causes: [] }]);
  }
  const levels = new Set([...mandatoryLevels, ...suggestedLevels].map((level) => level.metadata?.name));
  for (const flow of [...mandatoryFlows, ...suggestedFlows]) {
    t.same(ready(flowSchemas, flow).spec, flow.spec, `${flow.metadata?.name}`);
    t.ok(levels.has(flow.spec?.priorityLevelConfiguration.name), 'its level exists');
    check(t, flowSchemas, [{ name: flow.metadata?.name ?? '', body: flow, causes: [] }]);
  }
});

t.test('FlowSchema', async (t) => {
  const base = { priorityLevelConfiguration: { name: 'l' } };
  const object = ready(flowSchemas, { metadata, spec: base });
  t.same(row(flowSchemas, object), ['a', 'l', 1000, '<none>', '60s', '?']);
  const dangling = { ...object, status: { conditions: [{ type: 'Dangling', status: 'True' }] } };
  t.equal(row(flowSchemas, dangling).at(-1), 'True');
  const user = { kind: 'User', user: { name: 'u' } };
  const rule = (parts: object): object => ({ metadata, spec: { ...base, rules: [{ subjects: [user], ...parts }] } });
  const cases: Case[] = [
    { name: 'without rules', body: { metadata, spec: base }, causes: [] },
    {
      name: 'precedence and method',
      body: { metadata, spec: { matchingPrecedence: 10_001, distinguisherMethod: { type: 'ByPod' } } },
      causes: [
        'spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000',
        'spec.distinguisherMethod.type: Unsupported value: {"type":"ByPod"}: supported values: "ByNamespace", "ByUser"',
        'spec.priorityLevelConfiguration.name: Required value: must reference a priority level',
      ],
    },
    {
      name: 'the first place',
      body: { metadata, spec: { ...base, matchingPrecedence: 1 } },
      causes: [
        "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
      ],
    },
    {
      name: 'a mandatory one',
      body: { metadata: exempt, spec: { ...base, matchingPrecedence: 1 } },
      causes: [/^spec: Invalid value: .*: spec of 'exempt' must equal the fixed value$/],
    },
    {
      name: 'no rules, no subjects',
      body: rule({ subjects: [] }),
      causes: [
        'spec.rules[0].subjects: Required value: subjects must contain at least one value',
        'spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty',
      ],
    },
    {
      name: 'subjects',
      body: rule({
        subjects: [
          { kind: 'Pod' },
          { kind: 'User', group: { name: 'g' } },
          { kind: 'ServiceAccount', serviceAccount: { name: 'A', namespace: '' } },
        ],
        nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['*'] }],
      }),
      causes: [
        'spec.rules[0].subjects[0].kind: Unsupported value: "Pod": supported values: "Group", "ServiceAccount", "User"',
        "spec.rules[0].subjects[1].user: Required value: user is required when subject kind is 'User'",
        "spec.rules[0].subjects[1].group: Forbidden: group is forbidden when subject kind is not 'Group'",
        /^spec\.rules\[0\]\.subjects\[2\]\.serviceAccount\.name: Invalid value: "A"/,
        'spec.rules[0].subjects[2].serviceAccount.namespace: Required value: must specify namespace for service account',
      ],
    },
    {
      name: 'resources',
      body: rule({ resourceRules: [{ verbs: ['*', 'get'], apiGroups: ['*', 'a'] }] }),
      causes: [
        'spec.rules[0].resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not specify other verbs',
        'spec.rules[0].resourceRules[0].apiGroups: Invalid value: ["*","a"]: if \'*\' is present, must not specify other api groups',
        'spec.rules[0].resourceRules[0].resources: Required value: resource rules must supply at least one resource',
        'spec.rules[0].resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace',
      ],
    },
    {
      name: 'paths',
      body: rule({ nonResourceRules: [{ verbs: ['read'], nonResourceURLs: ['a', '/a*', '/a/*', '/', '/a//b'] }] }),
      causes: [
        /^spec\.rules\[0\]\.nonResourceRules\[0\]\.verbs: Unsupported value: \["read"\]/,
        /^spec\.rules\[0\]\.nonResourceRules\[0\]\.nonResourceURLs\[0\]: Invalid value: "a"/,
        /^spec\.rules\[0\]\.nonResourceRules\[0\]\.nonResourceURLs\[1\]: Invalid value: "\/a\*"/,
        /^spec\.rules\[0\]\.nonResourceRules\[0\]\.nonResourceURLs\[4\]: Invalid value: "\/a\/\/b"/,
      ],
    },
    {
      name: 'conditions',
      old: { metadata, spec: base },
      body: { metadata, spec: base, status: { conditions: [{ type: 'A' }, { type: 'A' }, {}] } },
      subresource: 'status',
      causes: ['status.conditions[1].type: Duplicate value: "A"', 'status.conditions[2].type: Required value'],
    },
  ];
  check(t, flowSchemas, cases);
});

t.test('PriorityLevelConfiguration', async (t) => {
  const limited = (response: object, rest: object = {}) => ({
    metadata,
    spec: { type: 'Limited', limited: { limitResponse: response, ...rest } },
  });
  const object = ready(priorityLevelConfigurations, limited({ type: 'Queue', queuing: {} }));
  t.same(row(priorityLevelConfigurations, object), ['a', 'Limited', 30, 64, 8, 50, '60s']);
  t.same(row(priorityLevelConfigurations, mandatoryLevels[0]!).slice(0, 6), [
    ...['exempt', 'Exempt', 0, '<none>', '<none>', '<none>'],
  ]);
  const queue = (queues: number, handSize: number, queueLengthLimit = 5) =>
    limited({ type: 'Queue', queuing: { queues, handSize, queueLengthLimit } });
  const at = 'spec.limited.limitResponse';
  check(t, priorityLevelConfigurations, [
    {
      name: 'no type',
      body: { metadata, spec: {} },
      causes: ['spec.type: Required value'],
    },
    {
      name: 'another exempt level',
      body: { metadata, spec: { type: 'Exempt' } },
      causes: ["spec.type: Invalid value: \"Exempt\": must be 'Exempt' if and only if `name` is 'exempt'"],
    },
    {
      name: 'exempt may lend',
      body: { metadata: exempt, spec: { type: 'Exempt', exempt: { lendablePercent: 5 } } },
      causes: [],
    },
    {
      name: 'without limits',
      body: { metadata, spec: { type: 'Limited', exempt: {} } },
      causes: [
        'spec.exempt: Forbidden: must be nil if the type is Limited',
        'spec.limited: Required value: must not be empty when type is Limited',
      ],
    },
    {
      name: 'shares',
      body: limited(
        { type: 'Reject' },
        { nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1 },
      ),
      causes: [
        'spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer',
        'spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive',
        'spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer',
      ],
    },
    {
      name: 'a response',
      body: limited({ type: 'Wait' }),
      causes: [`${at}.type: Unsupported value: "Wait": supported values: "Queue", "Reject"`],
    },
    {
      name: 'no queues',
      body: limited({ type: 'Queue' }),
      causes: [/^spec\.limited\.limitResponse\.queuing: Required value/],
    },
    {
      name: 'queues for none',
      body: limited({ type: 'Reject', queuing: {} }),
      causes: [/^spec\.limited\.limitResponse\.queuing: Forbidden/],
    },
    {
      name: 'a hand',
      body: queue(2, 3, -1),
      causes: [
        `${at}.queuing.queueLengthLimit: Invalid value: -1: must be positive`,
        `${at}.queuing.handSize: Invalid value: 3: should not be greater than queues (2)`,
      ],
    },
    {
      name: 'too many hands',
      body: queue(10_000_001, 10_000_000),
      causes: [
        `${at}.queuing.queues: Invalid value: 10000001: must not be greater than 10000000`,
        `${at}.queuing.handSize: Invalid value: 10000000: required entropy bits of deckSize 10000001 and handSize 10000000 should not be greater than 60`,
      ],
    },
  ]);
});
