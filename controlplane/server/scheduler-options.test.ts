import t from 'tap';
import { parseSchedulerConfig } from './scheduler-options';

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';

t.test('a file in upstream’s format', async (t) => {
  const config = parseSchedulerConfig(
    `${head}
parallelism: 16
percentageOfNodesToScore: 30
podInitialBackoffSeconds: 2
podMaxBackoffSeconds: 20
leaderElection:
  leaderElect: true
  resourceName: own-scheduler
clientConnection:
  kubeconfig: /etc/kubernetes/scheduler.conf
profiles:
  - schedulerName: default-scheduler
  - schedulerName: packing
    percentageOfNodesToScore: 100
    plugins:
      multiPoint:
        disabled: [{ name: ImageLocality }]
      score:
        disabled: [{ name: PodTopologySpread }]
        enabled: [{ name: NodeResourcesFit, weight: 10 }]
    pluginConfig:
      - name: NodeResourcesFit
        args:
          apiVersion: kubescheduler.config.k8s.io/v1
          kind: NodeResourcesFitArgs
          scoringStrategy:
            type: RequestedToCapacityRatio
            resources: [{ name: cpu, weight: 3 }]
            requestedToCapacityRatio: { shape: [{ utilization: 0, score: 0 }, { utilization: 100, score: 10 }] }
      - name: PodTopologySpread
        args:
          defaultingType: List
          defaultConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway }]
extenders:
  - urlPrefix: http://127.0.0.1:8888/
    filterVerb: filter
    prioritizeVerb: prioritize
    weight: 2
    httpTimeout: 3s
    managedResources: [{ name: example.com/gpu, ignoredByScheduler: true }]
`,
    'file',
  );
  t.match(config, { percentageOfNodesToScore: 30, profiles: [{}, { schedulerName: 'packing' }], extenders: [{}] });
});

t.test('faults', async (t) => {
  const args = (plugin: string, text: string) => `profiles: [{ pluginConfig: [{ name: ${plugin}, args: ${text} }] }]`;
  const at = 'profiles[0].pluginConfig[0].args';
  const cases: { name: string; text: string; want: string }[] = [
    { name: 'a misspelt field', text: 'profile: []', want: 'strict decoding error: unknown field "profile"' },
    {
      name: 'a misspelt field of arguments',
      text: args('NodeResourcesFit', '{ scoring: {} }'),
      want: 'decoding .profiles[0].pluginConfig[0]: decoding args for plugin NodeResourcesFit: strict decoding error: unknown field "scoring"',
    },
    {
      name: 'a number as a text',
      text: 'percentageOfNodesToScore: "30"',
      want: 'percentageOfNodesToScore',
    },
    {
      name: 'a part of the nodes',
      text: 'percentageOfNodesToScore: 101',
      want: 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]',
    },
    {
      name: 'no parallelism',
      text: 'parallelism: 0',
      want: 'parallelism: Invalid value: 0: should be an integer value greater than zero',
    },
    {
      name: 'back-off',
      text: 'podInitialBackoffSeconds: 5\npodMaxBackoffSeconds: 2',
      want: 'podMaxBackoffSeconds: Invalid value: 2: must be greater than or equal to PodInitialBackoffSeconds',
    },
    {
      name: 'two profiles of one name',
      text: 'profiles: [{ schedulerName: a }, { schedulerName: a }]',
      want: 'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
    },
    {
      name: 'two profiles, one without a name',
      text: 'profiles: [{ schedulerName: a }, {}]',
      want: 'profiles[1].schedulerName: Required value',
    },
    {
      name: 'an unknown plug-in',
      text: 'profiles: [{ plugins: { filter: { enabled: [{ name: Mine }] } } }]',
      want: 'profiles[0].plugins.filter.enabled[0]: Invalid value: "Mine": plugin does not exist',
    },
    {
      name: 'a plug-in at a wrong point',
      text: 'profiles: [{ plugins: { score: { enabled: [{ name: NodePorts }] } } }]',
      want: 'profiles[0].plugins.score.enabled[0]: Invalid value: "NodePorts": plugin does not extend score plugin',
    },
    {
      name: 'no order of the queue',
      text: 'profiles: [{ plugins: { queueSort: { disabled: [{ name: "*" }] } } }]',
      want: 'profiles[0].plugins.queueSort.enabled: Invalid value: 0: exactly one queue sort plugin is needed',
    },
    {
      name: 'nothing binds',
      text: 'profiles: [{ plugins: { multiPoint: { disabled: [{ name: DefaultBinder }] } } }]',
      want: 'profiles[0].plugins.bind.enabled: Required value: at least one bind plugin is needed',
    },
    {
      name: 'a strategy',
      text: args('NodeResourcesFit', '{ scoringStrategy: { type: Random } }'),
      want: `${at}.scoringStrategy.type: Unsupported value: "Random": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"`,
    },
    {
      name: 'a shape out of order',
      text: args(
        'NodeResourcesFit',
        '{ scoringStrategy: { type: RequestedToCapacityRatio, requestedToCapacityRatio: { shape: [{ utilization: 50, score: 1 }, { utilization: 10, score: 2 }] } } }',
      ),
      want: `${at}.scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 10: values must be sorted in increasing order`,
    },
    {
      name: 'a weight of affinity',
      text: args('InterPodAffinity', '{ hardPodAffinityWeight: 101 }'),
      want: `${at}.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]`,
    },
    {
      name: 'constraints beside the system’s',
      text: args(
        'PodTopologySpread',
        '{ defaultConstraints: [{ maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway }] }',
      ),
      want: `${at}.defaultingType: Invalid value: "System": when .defaultConstraints are not empty`,
    },
    {
      name: 'a selector in a constraint',
      text: args(
        'PodTopologySpread',
        '{ defaultingType: List, defaultConstraints: [{ maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway, labelSelector: {} }] }',
      ),
      want: `${at}.defaultConstraints[0].labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod`,
    },
    {
      name: 'an affinity without terms',
      text: args(
        'NodeAffinity',
        '{ addedAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } }',
      ),
      want: `${at}.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term`,
    },
    {
      name: 'no candidates',
      text: args('DefaultPreemption', '{ minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0 }'),
      want: `[${at}.minCandidateNodesPercentage: Invalid value: 0: cannot be zero at the same time as minCandidateNodesAbsolute, `,
    },
    {
      name: 'a negative wait',
      text: args('VolumeBinding', '{ bindTimeoutSeconds: -1 }'),
      want: `${at}.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value`,
    },
    {
      name: 'an extender that rates without weight',
      text: 'extenders: [{ urlPrefix: "http://127.0.0.1:1/", prioritizeVerb: p }]',
      want: 'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it',
    },
    {
      name: 'two extenders that bind',
      text: 'extenders: [{ urlPrefix: "http://127.0.0.1:1/", bindVerb: b }, { urlPrefix: "http://127.0.0.1:2/", bindVerb: b }]',
      want: 'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
    },
    {
      name: 'a managed resource of Kubernetes',
      text: 'extenders: [{ urlPrefix: "http://127.0.0.1:1/", managedResources: [{ name: cpu }] }]',
      want: 'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name',
    },
    {
      name: 'a lease that ends before its renewal',
      text: 'leaderElection: { leaderElect: true, leaseDuration: 5s, renewDeadline: 10s }',
      want: 'leaderElection.leaseDuration: Invalid value: "10s": LeaseDuration must be greater than RenewDeadline',
    },
  ];
  for (const { name, text, want } of cases) {
    try {
      parseSchedulerConfig(`${head}${text}\n`, 'the file');
      t.fail(`${name}: accepted`);
    } catch (err) {
      const { message } = err as Error;
      t.ok(message.startsWith('the file: ') && message.includes(want), `${name}: ${message}`);
    }
  }
});

t.test('another kind', async (t) => {
  t.throws(() => parseSchedulerConfig('apiVersion: v1\nkind: Pod\n', 'f'), /expected kind KubeSchedulerConfiguration/);
});
