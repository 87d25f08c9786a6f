// The FlowSchemas and PriorityLevelConfigurations of every cluster, as data: names, numbers and subjects are those of kube-apiserver. The
// mandatory ones may not differ; an administrator may change the suggested ones.
import type { V1FlowSchema, V1PriorityLevelConfiguration } from '@kubernetes/client-node';
import type { Wire } from '../types';

type FlowSchema = Wire<V1FlowSchema>;
type PriorityLevel = Wire<V1PriorityLevelConfiguration>;
type Rules = NonNullable<NonNullable<FlowSchema['spec']>['rules']>[number];

/** `true`: the server keeps the spec as it is here. */
export const autoUpdate = 'apf.kubernetes.io/autoupdate-spec';
const apiVersion = 'flowcontrol.apiserver.k8s.io/v1';
const metadata = (name: string) => ({ name, annotations: { [autoUpdate]: 'true' } });

function level(name: string, shares: number, lendablePercent: number, queues?: number, handSize = 6): PriorityLevel {
  const queuing = queues === undefined ? undefined : { queues, handSize, queueLengthLimit: 50 };
  const limitResponse = queuing ? { type: 'Queue', queuing } : { type: 'Reject' };
  const limited = { nominalConcurrencyShares: shares, lendablePercent, limitResponse };
  return {
    apiVersion,
    kind: 'PriorityLevelConfiguration',
    metadata: metadata(name),
    spec: { type: 'Limited', limited },
  };
}

export const mandatoryLevels: readonly PriorityLevel[] = [
  {
    apiVersion,
    kind: 'PriorityLevelConfiguration',
    metadata: metadata('exempt'),
    spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  },
  level('catch-all', 5, 0),
];
export const suggestedLevels: readonly PriorityLevel[] = [
  level('system', 30, 33, 64),
  level('node-high', 40, 25, 64),
  level('leader-election', 10, 0, 16, 4),
  level('workload-high', 40, 50, 128),
  level('workload-low', 100, 90, 128),
  level('global-default', 20, 50, 128),
];

const groups = (...names: string[]) => names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: string[]) => names.map((name) => ({ kind: 'User', user: { name } }));
const accounts = (...names: string[]) =>
  names.map((name) => ({ kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name } }));

const resources = (group: string, names: readonly string[], verbs: readonly string[], clusterScope = false) => ({
  verbs: [...verbs],
  apiGroups: [group],
  resources: [...names],
  ...(clusterScope ? { clusterScope } : {}),
  namespaces: ['*'],
});
const everything = {
  resourceRules: [resources('*', ['*'], ['*'], true)],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
};
const write = ['get', 'create', 'update'];
const leases = { resourceRules: [resources('coordination.k8s.io', ['leases'], write)] };

function flow(name: string, to: string, precedence: number, by: string | undefined, rules: Rules): FlowSchema {
  return {
    apiVersion,
    kind: 'FlowSchema',
    metadata: metadata(name),
    spec: {
      priorityLevelConfiguration: { name: to },
      matchingPrecedence: precedence,
      ...(by === undefined ? {} : { distinguisherMethod: { type: by } }),
      rules: [rules],
    },
  };
}

const manager = 'system:kube-controller-manager';
const scheduler = 'system:kube-scheduler';
const everyUser = groups('system:unauthenticated', 'system:authenticated');

export const mandatoryFlows: readonly FlowSchema[] = [
  flow('exempt', 'exempt', 1, undefined, { subjects: groups('system:masters'), ...everything }),
  flow('catch-all', 'catch-all', 10_000, 'ByUser', { subjects: everyUser, ...everything }),
];
export const suggestedFlows: readonly FlowSchema[] = [
  flow('system-nodes', 'system', 500, 'ByUser', { subjects: groups('system:nodes'), ...everything }),
  flow('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: groups('system:nodes'),
    resourceRules: [
      resources('', ['nodes', 'nodes/status'], ['*'], true),
      resources('coordination.k8s.io', ['leases'], ['*']),
    ],
  }),
  flow('probes', 'exempt', 2, undefined, {
    subjects: everyUser,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  flow('system-leader-election', 'leader-election', 100, 'ByUser', {
    subjects: [...users(manager, scheduler), ...accounts('*')],
    ...leases,
  }),
  flow('kube-controller-manager', 'workload-high', 800, 'ByNamespace', { subjects: users(manager), ...everything }),
  flow('kube-scheduler', 'workload-high', 800, 'ByNamespace', { subjects: users(scheduler), ...everything }),
  flow('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', {
    subjects: accounts('*'),
    ...everything,
  }),
  flow('service-accounts', 'workload-low', 9000, 'ByUser', {
    subjects: groups('system:serviceaccounts'),
    ...everything,
  }),
  flow('global-default', 'global-default', 9900, 'ByUser', { subjects: everyUser, ...everything }),
];
