import t from 'tap';
import { row, write } from '../../test/lib/written-object';
import { type Job, jobs } from './job';

const metadata = { name: 'a', namespace: 'n', uid: 'u', creationTimestamp: '2026-01-01T00:00:00Z' };
const pod = {
  restartPolicy: 'Never',
  containers: [{ name: 'c', image: 'i' }],
  initContainers: [{ name: 'i', image: 'i' }],
};
const template = { spec: pod };
const indexed = { completionMode: 'Indexed', completions: 3, parallelism: 2 };
const rules = (...list: object[]) => ({ podFailurePolicy: { rules: list } });
const exit = { operator: 'In', values: [1] };

t.test('defaults of Jobs', async (t) => {
  const defaultsOf = (spec: object) => write(jobs, { metadata, spec: { template, ...spec } });
  const plain = defaultsOf({});
  t.same(plain.causes, []);
  t.match(plain.object.spec, {
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    podReplacementPolicy: 'TerminatingOrFailed',
    manualSelector: false,
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
  });
  t.same(plain.object.spec?.template.metadata?.labels, {
    'controller-uid': 'u',
    'job-name': 'a',
    'batch.kubernetes.io/controller-uid': 'u',
    'batch.kubernetes.io/job-name': 'a',
  });
  const perIndex = defaultsOf({ ...indexed, backoffLimitPerIndex: 1 });
  t.same(perIndex.causes, []);
  t.equal(perIndex.object.spec?.backoffLimit, 2147483647);
  const policy = defaultsOf(rules({ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }));
  t.same(policy.causes, []);
  t.match(policy.object.spec, {
    podReplacementPolicy: 'Failed',
    podFailurePolicy: { rules: [{ onPodConditions: [{ status: 'True' }] }] },
  });
});

t.test('rules of Jobs', async (t) => {
  const action = 'spec.podFailurePolicy.rules[0]';
  const success = (...list: object[]) => ({ ...indexed, successPolicy: { rules: list } });
  const rule = 'spec.successPolicy.rules[0]';
  const mode = 'requires indexed completion mode';
  const many = '10000 when completions are above 100000 and used with backoff limit per index';
  const cases: Array<{ name: string; spec: object; meta?: object; causes: string[] }> = [
    { name: 'an indexed Job', spec: indexed, causes: [] },
    {
      name: 'an indexed Job needs completions',
      spec: { completionMode: 'Indexed', parallelism: 1 },
      causes: ['spec.completions: Required value: when completion mode is Indexed'],
    },
    {
      name: 'an unknown mode',
      spec: { completionMode: 'Other' },
      causes: ['spec.completionMode: Unsupported value: "Other": supported values: "NonIndexed", "Indexed"'],
    },
    {
      name: 'what only indexed Jobs have',
      spec: { backoffLimitPerIndex: 1, maxFailedIndexes: 1, successPolicy: { rules: [{ succeededCount: 1 }] } },
      causes: [
        `spec.backoffLimitPerIndex: Invalid value: 1: ${mode}`,
        `spec.maxFailedIndexes: Invalid value: 1: ${mode}`,
        `spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: ${mode}`,
      ],
    },
    {
      name: 'a limit of failed indexes needs a limit per index, and is at most the completions',
      spec: { ...indexed, maxFailedIndexes: 4 },
      causes: [
        'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
        'spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions',
      ],
    },
    {
      name: 'many completions',
      spec: { completionMode: 'Indexed', completions: 100_001, parallelism: 100_001, backoffLimitPerIndex: 1 },
      causes: [
        'spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed',
        'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
        `spec.parallelism: Invalid value: 100001: must be less than or equal to ${many}`,
      ],
    },
    {
      name: 'the hostname of the last pod',
      spec: indexed,
      meta: { ...metadata, name: 'a.b' },
      causes: ['metadata.name: Invalid value: "a.b": will not able to create pod with invalid DNS label: a.b-2'],
    },
    {
      name: 'a policy of failures',
      spec: {
        ...indexed,
        backoffLimitPerIndex: 1,
        ...rules(
          { action: 'FailJob', onExitCodes: { containerName: 'c', operator: 'NotIn', values: [0, 1] } },
          { action: 'FailIndex', onExitCodes: { containerName: 'i', ...exit } },
          { action: 'Count', onPodConditions: [{ type: 'DisruptionTarget', status: 'Unknown' }] },
        ),
      },
      causes: [],
    },
    {
      name: 'an action that is unknown, absent, or needs a limit per index',
      spec: rules(
        { action: 'X', onExitCodes: exit },
        { action: '', onExitCodes: exit },
        { action: 'FailIndex', onExitCodes: exit },
      ),
      causes: [
        `${action}.action: Unsupported value: "X": supported values: "Count", "FailIndex", "FailJob", "Ignore"`,
        'spec.podFailurePolicy.rules[1].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
        'spec.podFailurePolicy.rules[2].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      ],
    },
    {
      name: 'a rule has one requirement',
      spec: rules(
        { action: 'Ignore' },
        { action: 'Ignore', onExitCodes: exit, onPodConditions: [{ type: 'A', status: 'True' }] },
      ),
      causes: [
        `${action}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`,
        'spec.podFailurePolicy.rules[1]: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported',
      ],
    },
    {
      name: 'exit codes',
      spec: rules({ action: 'Ignore', onExitCodes: { containerName: 'x', operator: 'In', values: [2, 0, 2] } }),
      causes: [
        `${action}.onExitCodes.containerName: Invalid value: "x": must be one of the container or initContainer names in the pod template`,
        `${action}.onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator`,
        `${action}.onExitCodes.values[2]: Duplicate value: 2`,
        `${action}.onExitCodes.values: Invalid value: [2,0,2]: must be ordered`,
      ],
    },
    {
      name: 'an operator and values are required',
      spec: rules({ action: 'Ignore', onExitCodes: { operator: '', values: [] } }),
      causes: [
        `${action}.onExitCodes.operator: Required value: valid values: ["In" "NotIn"]`,
        `${action}.onExitCodes.values: Invalid value: null: at least one value is required`,
      ],
    },
    {
      name: 'a condition',
      spec: rules({ action: 'Ignore', onPodConditions: [{ type: 'A', status: 'Maybe' }] }),
      causes: [
        `${action}.onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"`,
      ],
    },
    {
      name: 'too many rules',
      spec: rules(...Array.from({ length: 21 }, () => ({ action: 'Ignore', onExitCodes: exit }))),
      causes: ['spec.podFailurePolicy.rules: Too many: 21: must have at most 20 items'],
    },
    {
      name: 'a policy of failures needs pods that do not restart, and replaces only ended ones',
      spec: {
        ...rules({ action: 'Ignore', onExitCodes: exit }),
        podReplacementPolicy: 'TerminatingOrFailed',
        template: { spec: { ...pod, restartPolicy: 'OnFailure' } },
      },
      causes: [
        'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
        'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
      ],
    },
    {
      name: 'a policy of success without rules',
      spec: success(),
      causes: [
        'spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified',
      ],
    },
    {
      name: 'an empty rule of success',
      spec: success({}),
      causes: [`${rule}: Required value: at least one of succeededCount or succeededIndexes must be specified`],
    },
    {
      name: 'a rule of success beyond the Job',
      spec: success({ succeededIndexes: '0,7', succeededCount: 4 }),
      causes: [
        `${rule}.succeededIndexes: Invalid value: "0,7": error parsing succeededIndexes: too large index: "7"`,
        `${rule}.succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)`,
        `${rule}.succeededCount: Invalid value: 4: must be less than or equal to 0 (the number of indexes in the specified succeededIndexes field)`,
      ],
    },
    { name: 'another controller', spec: { managedBy: 'example.com/mine' }, causes: [] },
    {
      name: 'a controller without a domain',
      spec: { managedBy: 'mine' },
      causes: ['spec.managedBy: Invalid value: "mine": must be a domain-prefixed path (such as "acme.io/foo")'],
    },
    {
      name: 'a long name of a controller',
      spec: { managedBy: `example.com/${'a'.repeat(60)}` },
      causes: ['spec.managedBy: Too long: may not be more than 63 bytes'],
    },
    {
      name: 'a wrong label of the writer',
      spec: { template: { ...template, metadata: { labels: { 'job-name': 'b' } } } },
      causes: [
        'spec.template.metadata.labels[job-name]: Invalid value: ' +
          '{"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"a","controller-uid":"u","job-name":"b"}: ' +
          "must be 'a'",
      ],
    },
    {
      name: 'a wrong selector of the writer',
      spec: { selector: { matchLabels: { app: 'x' } }, template: { ...template, metadata: { labels: { app: 'x' } } } },
      causes: [
        'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u","app":"x"}}: `selector` not auto-generated',
      ],
    },
    {
      name: 'a selector by hand',
      spec: {
        manualSelector: true,
        selector: { matchLabels: { app: 'x' } },
        template: { ...template, metadata: { labels: { app: 'x' } } },
      },
      causes: [],
    },
  ];
  for (const { name, spec, meta = metadata, causes } of cases) {
    t.same(write(jobs, { metadata: meta, spec: { template, ...spec } }).causes, causes, name);
  }
});

t.test('what of a Job may change', async (t) => {
  const immutable = (field: string, value: string) => `spec.${field}: Invalid value: ${value}: field is immutable`;
  const onNode = { ...pod, nodeSelector: { zone: 'a' }, tolerations: [{ operator: 'Exists' }] };
  const sized = { ...pod, containers: [{ ...pod.containers[0], resources: { requests: { cpu: '2' } } }] };
  const elsewhere = {
    ...pod,
    affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
    containers: [{ name: 'c', image: 'other' }],
  };
  const suspended = { suspend: true };
  const cases: Array<{ name: string; spec?: object; status?: object; change: object; refused?: boolean | string[] }> = [
    { name: 'parallelism and suspend', change: { parallelism: 5, suspend: true, backoffLimit: 2 } },
    { name: 'completions', change: { completions: 2 }, refused: [immutable('completions', '2')] },
    {
      name: 'completions and parallelism of an indexed Job',
      spec: indexed,
      change: { completions: 5, parallelism: 5 },
    },
    {
      name: 'completions of an indexed Job alone',
      spec: indexed,
      change: { completions: 5 },
      refused: ['spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism'],
    },
    { name: 'the controller', change: { managedBy: 'a.b/c' }, refused: [immutable('managedBy', '"a.b/c"')] },
    {
      name: 'the limit per index',
      spec: { ...indexed, backoffLimitPerIndex: 1 },
      change: { backoffLimitPerIndex: 2 },
      refused: [immutable('backoffLimitPerIndex', '2')],
    },
    { name: 'the template of a running Job', change: { template: { spec: onNode } }, refused: true },
    {
      name: 'where pods of a suspended Job run',
      spec: suspended,
      change: { suspend: true, template: { spec: onNode } },
    },
    { name: 'what they request', spec: suspended, change: { suspend: true, template: { spec: sized } } },
    {
      name: 'their containers and the affinity to other pods',
      spec: suspended,
      change: { template: { spec: elsewhere } },
      refused: true,
    },
    {
      name: 'a Job that has pods',
      spec: suspended,
      status: { active: 1 },
      change: { template: { spec: onNode } },
      refused: true,
    },
    {
      name: 'a Job that has started, until it is reported as suspended',
      spec: suspended,
      status: { startTime: '2026-01-01T00:00:00Z' },
      change: { template: { spec: onNode } },
      refused: true,
    },
    {
      name: 'a Job that has started and is reported as suspended',
      spec: suspended,
      status: { startTime: '2026-01-01T00:00:00Z', conditions: [{ type: 'Suspended', status: 'True' }] },
      change: { template: { spec: onNode } },
    },
  ];
  for (const { name, spec = {}, status = {}, change, refused = [] } of cases) {
    const { object } = write(jobs, { metadata, spec: { template, ...spec } });
    const old = { ...object, status } as Job;
    const { labels } = object.spec?.template.metadata ?? {};
    const next = structuredClone({ ...object.spec, ...change }) as { template: { metadata?: object } };
    next.template.metadata = { labels };
    const { causes } = write(jobs, { metadata, spec: next }, old);
    if (typeof refused === 'boolean')
      t.match(causes, [/^spec\.template: Invalid value: .*: field is immutable$/], name);
    else t.same(causes, refused, name);
  }
});

t.test('rules of the status', async (t) => {
  const start = '2026-01-01T00:00:00Z';
  const on = (...types: string[]) => ({ conditions: types.map((type) => ({ type, status: 'True' })) });
  const wrong = (detail: string) => `status.conditions: Invalid value: ${detail}`;
  const complete = { ...on('SuccessCriteriaMet', 'Complete'), startTime: start, completionTime: start };
  const cases: Array<{ name: string; spec?: object; old?: object; status: object; causes: string[] }> = [
    { name: 'complete', status: complete, causes: [] },
    { name: 'failed', status: { ...on('FailureTarget', 'Failed'), startTime: start }, causes: [] },
    {
      name: 'negative counts, and uids twice',
      status: { failed: -1, uncountedTerminatedPods: { succeeded: ['a', ''], failed: ['a'] } },
      causes: [
        'status.failed: Invalid value: -1: must be greater than or equal to 0',
        'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
        'status.failed: Invalid value: -1: cannot decrease the failed counter',
      ],
    },
    {
      name: 'an end without its reason, start and end',
      status: on('Complete'),
      causes: [
        wrong('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
        'status.completionTime: Required value: completionTime is required for Complete jobs',
        'status.startTime: Required value: startTime is required for finished job',
      ],
    },
    {
      name: 'a failure without its target',
      status: { ...on('Failed'), startTime: start },
      causes: [wrong('cannot set Failed=True condition without the FailureTarget=true condition')],
    },
    {
      name: 'both targets',
      status: on('FailureTarget', 'SuccessCriteriaMet'),
      causes: [wrong('cannot set SuccessCriteriaMet=True and FailureTarget=true conditions')],
    },
    {
      name: 'an end is final',
      old: complete,
      status: { startTime: start },
      causes: [
        wrong('cannot disable the terminal Complete=True condition'),
        wrong('cannot disable the SuccessCriteriaMet=True condition'),
      ],
    },
    {
      name: 'an end with pods',
      status: { ...complete, active: 1, terminating: 2, uncountedTerminatedPods: { failed: ['a'] } },
      causes: [
        'status.active: Invalid value: 1: active>0 is invalid for finished job',
        'status.uncountedTerminatedPods: Invalid value: {"failed":["a"]}: uncountedTerminatedPods needs to be empty for finished job',
        'status.terminating: Invalid value: 2: terminating>0 is invalid for finished job',
      ],
    },
    {
      name: 'more ready pods than pods',
      status: { active: 1, ready: 2 },
      causes: ['status.ready: Invalid value: 2: cannot set more ready pods than active'],
    },
    {
      name: 'another start of a running Job',
      old: { startTime: start },
      status: { startTime: '2026-01-01T00:00:01Z' },
      causes: [
        'status.startTime: Invalid value: "2026-01-01T00:00:01Z": field is immutable for unsuspended job once set',
      ],
    },
    {
      name: 'counts do not fall',
      old: { succeeded: 2, failed: 1 },
      status: {},
      causes: [
        'status.failed: Invalid value: 0: cannot decrease the failed counter',
        'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
      ],
    },
    {
      name: 'an indexed Job that shrank has fewer successes',
      spec: { ...indexed, parallelism: 3 },
      old: { succeeded: 2 },
      status: { succeeded: 1, completedIndexes: '1' },
      causes: [],
    },
    {
      name: 'indexes of a Job without indexes',
      status: { completedIndexes: '0', failedIndexes: '' },
      causes: [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
        'status.failedIndexes: Invalid value: "": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      ],
    },
    {
      name: 'indexes that cannot be read, or in both lists',
      spec: { ...indexed, backoffLimitPerIndex: 1 },
      status: { completedIndexes: '0,1,x', failedIndexes: '1' },
      causes: [
        'status.completedIndexes: Invalid value: "0,1,x": error parsing completedIndexes: cannot convert string to integer for index: "x"',
        'status.failedIndexes: Invalid value: "1": failedIndexes and completedIndexes overlap at index: 1',
      ],
    },
  ];
  for (const { name, spec = {}, old = {}, status, causes } of cases) {
    const { object } = write(jobs, { metadata, spec: { template, ...spec } });
    const before = { ...object, status: old } as Job;
    t.same(write(jobs, { ...object, status }, before, 'status').causes, causes, name);
  }
});

t.test('columns and warnings of Jobs', async (t) => {
  const { object } = write(jobs, { metadata, spec: { template, ...indexed } });
  t.same(row(jobs, object), ['a', 'Running', '0/3', '', '60s']);
  const policy = { ...object, status: { succeeded: 1, conditions: [{ type: 'SuccessCriteriaMet', status: 'True' }] } };
  t.same(row(jobs, policy as Job), ['a', 'SuccessCriteriaMet', '1/3', '', '60s']);
  const large = { ...object, spec: { ...object.spec!, completions: 100_001, parallelism: 10_001 } };
  const warning = /^spec: In Indexed Jobs with a number of completions higher than 10\^5/;
  t.match(jobs.options.warnings?.(large, { subresource: '' }), [warning]);
  t.same(jobs.options.warnings?.(large, { subresource: '', old: large }), []);
  t.same(jobs.options.warnings?.(object, { subresource: '' }), []);
});
