// One object of each kind that the API serves, for tests of all kinds; missingKinds returns the kinds without a sample.
import {
  apiServices,
  certificateSigningRequests,
  clusterRoleBindings,
  clusterRoles,
  configMaps,
  controllerRevisions,
  cronJobs,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  customResourceDefinitions,
  daemonSets,
  deployments,
  deviceClasses,
  endpointSlices,
  endpoints,
  events,
  eventsV1,
  flowSchemas,
  horizontalPodAutoscalers,
  horizontalPodAutoscalersV1,
  ingressClasses,
  ingresses,
  ipAddresses,
  jobs,
  type KubeObject,
  leases,
  limitRanges,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingWebhookConfigurations,
  namespaces,
  networkPolicies,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  podTemplates,
  priorityClasses,
  priorityLevelConfigurations,
  replicaSets,
  replicationControllers,
  resourceClaims,
  resourceClaimTemplates,
  resourceQuotas,
  resourceSlices,
  roleBindings,
  roles,
  runtimeClasses,
  secrets,
  serviceAccounts,
  serviceCidrs,
  services,
  statefulSets,
  storageClasses,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
  volumeAttachments,
  volumeAttributesClasses,
} from '../../controlplane/api/index';
import type { Kind } from '../../controlplane/api/kind';
import { registry } from '../../controlplane/api/registry';
import { createRequest } from '../../controlplane/pki/certificate-request';

export interface Sample {
  readonly kind: Kind;
  readonly object: KubeObject;
}

const container = { name: 'c', image: 'registry.local/app:1' };
const template = (app: string, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [container], ...spec },
});
const workload = (app: string) => ({ selector: { matchLabels: { app } }, template: template(app) });
const persistentVolume = {
  capacity: { storage: '1Gi' },
  accessModes: ['ReadWriteOnce'],
  hostPath: { path: '/srv/sample' },
};
/** No kind of the server matches its rule. */
const matchConstraints = {
  resourceRules: [{ apiGroups: ['example.com'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['samples'] }],
};
const mutations = [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } }];

const webhook = {
  name: 'sample.example.com',
  rules: [{ operations: ['CREATE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['samples'] }],
  clientConfig: { service: { namespace: 'sample', name: 'webhook' } },
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};
const data = { data: { key: 'dmFsdWU=' } };

/** The fields of each namespaced kind, without metadata. */
function namespacedSamples(namespace: string): readonly (readonly [Kind, object])[] {
  const involvedObject = { apiVersion: 'v1', kind: 'Pod', name: 'sample', namespace };
  const reported = {
    eventTime: '2026-01-01T00:00:00.000000Z',
    reportingController: 'example.com/sample',
    reportingInstance: 'sample-1',
    action: 'Sampling',
  };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'sample' };
  return [
    [pods, { spec: template('pod').spec }],
    [services, { spec: { selector: { app: 'deployment' }, ports: [{ port: 80 }] } }],
    [endpoints, { subsets: [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 80 }] }] }],
    [configMaps, data],
    [secrets, data],
    [serviceAccounts, {}],
    [limitRanges, { spec: { limits: [{ type: 'Container', max: { cpu: '2' }, default: { cpu: '100m' } }] } }],
    [persistentVolumeClaims, { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }],
    [resourceQuotas, { spec: { hard: { pods: '1000', 'count/configmaps': '1000' } } }],
    [podTemplates, { template: template('podtemplate') }],
    [replicationControllers, { spec: { replicas: 2, template: template('replicationcontroller') } }],
    [events, { involvedObject, reason: 'Sample', message: 'a sample', type: 'Normal' }],
    [eventsV1, { regarding: involvedObject, reason: 'Sample', note: 'a sample', type: 'Normal', ...reported }],
    [deployments, { spec: { replicas: 2, ...workload('deployment') } }],
    [replicaSets, { spec: { replicas: 2, ...workload('replicaset') } }],
    [daemonSets, { spec: workload('daemonset') }],
    [statefulSets, { spec: { replicas: 2, serviceName: 'sample', ...workload('statefulset') } }],
    [controllerRevisions, { revision: 1, data: {} }],
    [resourceClaims, { spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'sample' } }] } } }],
    [resourceClaimTemplates, { spec: { spec: { devices: {} } } }],
    [
      cronJobs,
      {
        spec: {
          schedule: '0 0 29 2 *',
          jobTemplate: { spec: { template: template('cronjob', { restartPolicy: 'Never' }) } },
        },
      },
    ],
    [
      jobs,
      {
        spec: {
          completionMode: 'Indexed',
          completions: 1,
          backoffLimitPerIndex: 1,
          template: template('job', { restartPolicy: 'Never' }),
        },
      },
    ],
    [
      horizontalPodAutoscalers,
      { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'sample' } } },
    ],
    [
      horizontalPodAutoscalersV1,
      { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'sample' } } },
    ],
    [endpointSlices, { addressType: 'IPv4', endpoints: [{ addresses: ['192.0.2.7'] }], ports: [{ port: 80 }] }],
    [ingresses, { spec: { defaultBackend: { service: { name: 'sample', port: { number: 80 } } } } }],
    [networkPolicies, { spec: { podSelector: {} } }],
    [leases, { spec: { holderIdentity: 'sample', leaseDurationSeconds: 3600 } }],
    [podDisruptionBudgets, { spec: { minAvailable: '50%', selector: { matchLabels: { app: 'deployment' } } } }],
    [csiStorageCapacities, { storageClassName: 'sample', capacity: '1Gi' }],
    [roles, { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }],
    [roleBindings, { roleRef, subjects: [{ kind: 'ServiceAccount', name: 'sample', namespace }] }],
  ];
}

/** Objects that must not have the name of another object: a Service's Endpoints, an Event of the other group. */
const otherNames: ReadonlyMap<Kind, string> = new Map<Kind, string>([
  [endpoints, 'sample-endpoints'],
  [eventsV1, 'sample-event'],
  [horizontalPodAutoscalersV1, 'sample-v1'],
]);

/** One object of each namespaced kind, named sample or as in `otherNames`, in an order that allows their creation. */
export function samplesOf(namespace: string): readonly Sample[] {
  return namespacedSamples(namespace).map(([kind, rest]) => ({
    kind,
    object: { metadata: { name: otherNames.get(kind) ?? 'sample', namespace }, ...rest },
  }));
}

/** The name of an IPAddress is the address. */
const address = {
  metadata: { name: '192.0.2.9' },
  spec: { parentRef: { resource: 'services', namespace: 'n', name: 's' } },
};

/** One object of each kind of the cluster, all with this name if the kind allows it. */
export async function clusterSamples(name: string): Promise<readonly Sample[]> {
  const { request } = await createRequest({ commonName: `system:node:${name}`, organizations: ['system:nodes'] });
  const signing = {
    request: Buffer.from(request).toString('base64'),
    signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
    usages: ['digital signature', 'client auth'],
  };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name };
  const rest: readonly (readonly [Kind, object])[] = [
    [nodes, {}],
    [namespaces, {}],
    [persistentVolumes, { spec: persistentVolume }],
    [ingressClasses, { spec: { controller: 'example.com/sample' } }],
    [ipAddresses, address],
    [serviceCidrs, { spec: { cidrs: ['192.0.2.0/24'] } }],
    [certificateSigningRequests, { spec: signing }],
    [priorityClasses, { value: 10 }],
    [flowSchemas, { spec: { priorityLevelConfiguration: { name: 'global-default' } } }],
    [priorityLevelConfigurations, { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } }],
    [runtimeClasses, { handler: 'runc' }],
    [validatingAdmissionPolicies, { spec: { matchConstraints, validations: [{ expression: 'true' }] } }],
    [validatingAdmissionPolicyBindings, { spec: { policyName: name, validationActions: ['Deny'] } }],
    [mutatingAdmissionPolicies, { spec: { matchConstraints, mutations, reinvocationPolicy: 'Never' } }],
    [mutatingAdmissionPolicyBindings, { spec: { policyName: name } }],
    [mutatingWebhookConfigurations, { webhooks: [webhook] }],
    [validatingWebhookConfigurations, { webhooks: [webhook] }],
    [storageClasses, { provisioner: 'example.com/sample' }],
    [volumeAttributesClasses, { driverName: 'example.com', parameters: { iops: '100' } }],
    [volumeAttachments, { spec: { attacher: 'example.com', nodeName: name, source: { persistentVolumeName: name } } }],
    [csiDrivers, { spec: {} }],
    [csiNodes, { spec: { drivers: [{ name: 'example.com', nodeID: name }] } }],
    [
      apiServices,
      {
        metadata: { name: 'v1.sample.example.com' },
        spec: { group: 'sample.example.com', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 1 },
      },
    ],
    [deviceClasses, { spec: {} }],
    [
      resourceSlices,
      {
        spec: {
          driver: 'example.com',
          pool: { name, generation: 1, resourceSliceCount: 1 },
          allNodes: true,
          devices: [{ name: 'd' }],
        },
      },
    ],
    [clusterRoles, { rules: [] }],
    [clusterRoleBindings, { roleRef, subjects: [] }],
  ];
  return [
    ...rest.map(([kind, parts]) => ({ kind, object: { metadata: { name }, ...parts } })),
    { kind: customResourceDefinitions, object: definitionSample(name) },
  ];
}

/** A definition of its own for each name: its name is that of its kind. */
export function definitionSample(name: string): KubeObject & { readonly spec: object } {
  const plural = name.toLowerCase().replaceAll(/[^a-z]/g, 'x');
  return {
    metadata: { name: `${plural}.sample.example.com` },
    spec: {
      group: 'sample.example.com',
      names: { plural, kind: plural },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  };
}

/** The kinds that can be created but have no sample. */
export function missingKinds(
  samples: readonly Sample[],
  only: Partial<Pick<Kind, 'namespaced'>> = {},
): readonly string[] {
  const present = new Set(samples.map(({ kind }) => kind));
  return registry
    .filter(({ namespaced }) => only.namespaced === undefined || only.namespaced === namespaced)
    .filter((kind) => kind.verbs.includes('create') && !present.has(kind))
    .map(({ kind }) => kind);
}
