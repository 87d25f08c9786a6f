// Causes that kube-apiserver 1.36.3 returned for the same updates and the same writes of a status.
import t from 'tap';
import { write } from '../../test/lib/written-object';
import { controllerRevisions } from './controller-revision';
import { daemonSets } from './daemon-set';
import { endpoints } from './endpoints';
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler';
import { horizontalPodAutoscalersV1 } from './horizontal-pod-autoscaler-v1';
import type { Kind } from './kind';
import { namespaces } from './namespace';
import { nodes } from './node';
import { persistentVolumeClaims } from './persistent-volume-claim';
import { pods } from './pod';
import { secrets } from './secret';
import { services } from './service';
import type { KubeObject } from './types';

interface Case {
  readonly name: string;
  readonly kind: Kind;
  readonly object: object;
  readonly old?: object;
  readonly subresource?: string;
  readonly causes: readonly string[];
}

const metadata = { name: 'a' };
const notQualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
  "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const notFeature = (name: string) =>
  `invalid feature name "${name}": must start with an UpperCamelCase segment, with subsequent segments separated by '/' ` +
  '(e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes';

const node = (status: object, spec: object = {}) => ({ metadata, spec, status });
const address = { type: 'Hostname', address: 'h' };

const ofNodes: Omit<Case, 'kind'>[] = [
  {
    name: 'capacity is also allocatable',
    object: node({ capacity: { cpu: '-1' } }),
    causes: [
      'status.capacity.cpu: Invalid value: "-1": must be greater than or equal to 0',
      'status.allocatable.cpu: Invalid value: "-1": must be greater than or equal to 0',
    ],
  },
  {
    name: 'features in a wrong order and form',
    subresource: 'status',
    old: node({}),
    object: node({ declaredFeatures: ['B', '-x', 'C', 'C'] }),
    causes: [
      'status.declaredFeatures[1]: Invalid value: "-x": list must be sorted alphabetically',
      `status.declaredFeatures[1]: Invalid value: "-x": ${notFeature('-x')}`,
      'status.declaredFeatures[3]: Duplicate value: "C"',
    ],
  },
  {
    name: 'an address twice',
    subresource: 'status',
    old: node({}),
    object: node({ addresses: [address, address] }),
    causes: ['status.addresses[1]: Duplicate value: {"Type":"Hostname","Address":"h"}'],
  },
  {
    name: 'podCIDR counts',
    object: node({}, { podCIDR: 'Bogus', podCIDRs: ['10.244.9.0/24'] }),
    causes: [
      'spec.podCIDRs[0]: Invalid value: "Bogus": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
  },
  {
    name: 'two ranges of one family',
    object: node({}, { podCIDRs: ['10.244.9.0/24', '10.244.9.0/24'] }),
    causes: [
      'spec.podCIDRs: Invalid value: ["10.244.9.0/24","10.244.9.0/24"]: may specify no more than one CIDR for each IP family',
    ],
  },
];

const container = { name: 'c', image: 'i' };
const pod = (spec: object = {}, status?: object) => ({
  metadata,
  spec: { containers: [container], ...spec },
  ...(status ? { status } : {}),
});
const terminated = {
  name: 'c',
  image: 'i',
  imageID: '',
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode: 1 } },
};
const running = { ...terminated, state: { running: {} } };
const stays = 'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state';
const statusCase = (
  name: string,
  status: object,
  causes: readonly string[],
  spec: object = {},
  before: object = {},
) => ({
  name: `status: ${name}`,
  subresource: 'status',
  old: pod(spec, { qosClass: 'BestEffort', ...before }),
  object: pod(spec, { qosClass: 'BestEffort', ...status }),
  causes,
});

const term = (...keys: string[]) => ({ matchExpressions: keys.map((key) => ({ key, operator: 'Exists' })) });
const gated = (more: object = {}, ...terms: object[]) =>
  pod({
    schedulingGates: [{ name: 'a.b/c' }],
    ...(terms.length > 0
      ? { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } }
      : {}),
    ...more,
  });
const terms = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';

const ofPods: Omit<Case, 'kind'>[] = [
  statusCase(
    'conditions',
    {
      conditions: [
        { type: '-x', status: 'True', observedGeneration: -1 },
        { type: 'Ready', status: 'x' },
      ],
    },
    [
      'status.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative integer',
      `status.conditions[0].Type: Invalid value: "-x": ${notQualified}`,
    ],
  ),
  statusCase(
    'a bound pod is nominated',
    { nominatedNodeName: 'n2' },
    ['status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node'],
    { nodeName: 'n' },
  ),
  statusCase('another class', { qosClass: 'Bogus' }, ['status.qosClass: Invalid value: "Bogus": field is immutable']),
  statusCase(
    'a container of a pod that ends',
    { containerStatuses: [running] },
    [stays],
    { restartPolicy: 'Never' },
    {
      containerStatuses: [terminated],
    },
  ),
  statusCase(
    'a failed container is started again',
    { containerStatuses: [running] },
    [],
    { restartPolicy: 'OnFailure' },
    {
      containerStatuses: [terminated],
    },
  ),
  statusCase(
    "a container's own policy",
    { containerStatuses: [running] },
    [stays],
    { containers: [{ ...container, restartPolicy: 'Never' }] },
    { containerStatuses: [terminated] },
  ),
  statusCase('claims', { resourceClaimStatuses: [{ name: 'c', resourceClaimName: '' }] }, [
    'status.resourceClaimStatuses[0].name: Invalid value: "c": must match the name of an entry in `spec.resourceClaims`',
    'status.resourceClaimStatuses[0].resourceClaimName: Invalid value: "": a lowercase RFC 1123 subdomain must consist of lower case ' +
      "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used " +
      "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  ]),
  statusCase('addresses', { hostIP: '192.0.2.1', hostIPs: [{ ip: '192.0.2.2' }], podIPs: [{ ip: 'x' }] }, [
    'status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    'status.hostIPs[0].ip: Invalid value: "192.0.2.2": must be equal to `hostIP`',
  ]),
  statusCase(
    'allocated resources',
    {
      containerStatuses: [
        {
          ...running,
          allocatedResourcesStatus: [{ name: 'claim:x', resources: [{ resourceID: 'r', health: 'Bogus' }] }],
        },
      ],
    },
    [
      'status.containerStatuses[0].allocatedResourcesStatus[0].name: Invalid value: "claim:x": must match one of the ' +
        "container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty",
      'status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health: Unsupported value: "Bogus": supported values: ' +
        '"Healthy", "Unhealthy", "Unknown"',
    ],
  ),
  { name: 'gated: a node selector is added', old: gated(), object: gated({ nodeSelector: { a: 'b' } }), causes: [] },
  {
    name: 'gated: a node selector changes',
    old: gated({ nodeSelector: { a: 'b' } }),
    object: gated({ nodeSelector: { a: 'c' } }),
    causes: [
      'spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    ],
  },
  { name: 'gated: an affinity is added', old: gated(), object: gated({}, term('x')), causes: [] },
  { name: 'gated: a requirement is added', old: gated({}, term('x')), object: gated({}, term('x', 'y')), causes: [] },
  {
    name: 'gated: a requirement changes',
    old: gated({}, term('x')),
    object: gated({}, term('y')),
    causes: [
      `${terms}[0]: Invalid value: {"matchExpressions":[{"key":"y","operator":"Exists"}]}: only additions are allowed (no mutations or deletions)`,
    ],
  },
  {
    name: 'gated: a term is removed',
    old: gated({}, term('x')),
    object: gated(),
    causes: [`${terms}: Invalid value: []: no additions/deletions to non-empty NodeSelectorTerms list are allowed`],
  },
];

const shared = (resources: object, ...containers: object[]) =>
  pod({ resources, containers: containers.map((one, i) => ({ name: `c${i}`, image: 'i', resources: one })) });
const profiled = (profile: object, value: string) => ({
  ...pod({ containers: [{ ...container, securityContext: { appArmorProfile: profile } }] }),
  metadata: { ...metadata, annotations: { 'container.apparmor.security.beta.kubernetes.io/c': value } },
});
const profilePath = 'spec.containers[0].securityContext.appArmorProfile';
ofPods.push(
  {
    name: 'containers ask for more than the pod has',
    object: shared(
      { limits: { cpu: '500m' }, requests: { cpu: '100m' } },
      { limits: { cpu: '1' }, requests: { cpu: '100m' } },
      { requests: { cpu: '100m' } },
    ),
    causes: [
      'spec.resources.requests[cpu]: Invalid value: "100m": must be greater than or equal to aggregate container requests of 200m',
      'spec.resources.containers[0][cpu].limits: Invalid value: "1": must be less than or equal to pod limits of 500m',
    ],
  },
  {
    name: 'AppArmor: another type in the annotation',
    object: profiled({ type: 'RuntimeDefault' }, 'localhost/x'),
    causes: [`${profilePath}.type: Forbidden: apparmor type in annotation and field must match`],
  },
  {
    name: 'AppArmor: another profile in the annotation',
    object: profiled({ type: 'Localhost', localhostProfile: 'y' }, 'localhost/x'),
    causes: [`${profilePath}.localhostProfile: Forbidden: apparmor profile in annotation and field must match`],
  },
);

const namespace = (phase: string, deletionTimestamp?: string) => ({
  metadata: { ...metadata, ...(deletionTimestamp ? { deletionTimestamp } : {}) },
  status: { phase },
});
const then = '2026-01-01T00:00:00Z';
const ofNamespaces: Omit<Case, 'kind'>[] = [
  {
    name: 'the phase of a namespace',
    subresource: 'status',
    old: namespace('Active'),
    object: namespace('Bogus'),
    causes: ['status.Phase: Invalid value: "Bogus": may only be \'Active\' if `deletionTimestamp` is empty'],
  },
  {
    name: 'the phase of a namespace that is deleted',
    subresource: 'status',
    old: namespace('Terminating', then),
    object: namespace('', then),
    causes: ['status.Phase: Invalid value: "Active": may only be \'Terminating\' if `deletionTimestamp` is not empty'],
  },
];

const service = (spec: object, annotations: object = {}) => ({ metadata: { ...metadata, annotations }, spec });
const ofServices: Omit<Case, 'kind'>[] = [
  {
    name: 'the old and the new annotation about zones',
    object: service(
      { ports: [{ port: 1 }] },
      { 'service.kubernetes.io/topology-mode': 'Auto', 'service.kubernetes.io/topology-aware-hints': 'x' },
    ),
    causes: [
      'metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: "Auto": must match ' +
        'annotations[service.kubernetes.io/topology-aware-hints] when both are specified',
    ],
  },
  {
    name: 'fields of a load balancer in another type',
    object: service({
      ports: [{ port: 1 }],
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31779,
      loadBalancerSourceRanges: ['x'],
      allocateLoadBalancerNodePorts: true,
      loadBalancerClass: 'a.b/c',
    }),
    causes: [
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
      "spec.healthCheckNodePort: Invalid value: 31779: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    ],
  },
  {
    name: 'the port of health checks stays',
    old: service({
      type: 'LoadBalancer',
      ports: [{ port: 1 }],
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31779,
    }),
    object: service({
      type: 'LoadBalancer',
      ports: [{ port: 1 }],
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 70000,
    }),
    causes: [
      'spec.healthCheckNodePort: Forbidden: field is immutable',
      'spec.healthCheckNodePort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
  },
  {
    name: 'an address of another type of Service',
    subresource: 'status',
    old: service({ ports: [{ port: 1 }] }),
    object: { ...service({ ports: [{ port: 1 }] }), status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
    causes: ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
  },
  {
    name: 'no address of a load balancer',
    subresource: 'status',
    old: service({ type: 'LoadBalancer', ports: [{ port: 1 }] }),
    object: {
      ...service({ type: 'LoadBalancer', ports: [{ port: 1 }] }),
      status: { loadBalancer: { ingress: [{ ip: 'x' }] } },
    },
    causes: [
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
  },
  { name: 'the port of kubelets', object: service({ type: 'LoadBalancer', ports: [{ port: 10250 }] }), causes: [] },
];

const ofRevisions: Omit<Case, 'kind'>[] = [
  { name: 'no data', object: { metadata, revision: 1 }, causes: ['data: Required value: data is mandatory'] },
  {
    name: 'data that is no object',
    object: { metadata, revision: -1, data: [] },
    causes: [
      'revision: Invalid value: -1: must be greater than or equal to 0',
      'data: Required value: data must be a valid JSON object',
    ],
  },
];

const claim = (spec: object) => ({
  metadata: { name: 'a', namespace: 'n' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
});
const snapshot = (apiGroup = 'snapshot.storage.k8s.io') => ({ apiGroup, kind: 'VolumeSnapshot', name: 'x' });
const ofClaims: Omit<Case, 'kind'>[] = [
  {
    name: 'sources that differ',
    object: claim({ dataSource: { ...snapshot(), name: 'y' }, dataSourceRef: snapshot() }),
    causes: ['spec: Invalid value: {}: must match dataSourceRef'],
  },
  {
    name: 'a writer that does not know dataSource',
    old: claim({ dataSourceRef: snapshot() }),
    object: claim({ dataSourceRef: snapshot() }),
    causes: [],
  },
  {
    name: 'an older claim with a group keeps any group',
    old: claim({ dataSourceRef: snapshot('a_b') }),
    object: claim({ dataSourceRef: snapshot('a_b') }),
    causes: [],
  },
];

const daemonSet = (maxUnavailable: string) => ({
  metadata,
  spec: {
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container] } },
    updateStrategy: { rollingUpdate: { maxUnavailable } },
  },
});
const ofDaemonSets: Omit<Case, 'kind'>[] = [
  {
    name: 'a text that is no percentage',
    object: daemonSet('x'),
    causes: [
      "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0',
    ],
  },
];

const ofAutoscalers: Omit<Case, 'kind'>[] = [
  {
    name: 'no spec',
    object: { metadata },
    causes: [
      'spec.maxReplicas: Required value: must be set and greater than 0',
      'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
      'spec.scaleTargetRef.kind: Required value',
      'spec.scaleTargetRef.name: Required value',
      'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
    ],
  },
];

const ofSecrets: Omit<Case, 'kind'>[] = [
  {
    name: 'an empty key of ssh',
    object: { metadata, type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': '' } },
    causes: ['data[ssh-privatekey]: Required value'],
  },
];

const ofEndpoints: Omit<Case, 'kind'>[] = [
  {
    name: 'no address',
    object: { metadata, subsets: [{ addresses: [{ ip: 'x', hostname: '-' }] }] },
    causes: [
      'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      `subsets[0].addresses[0].hostname: Invalid value: "-": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
      'subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address',
    ],
  },
];

const of = (kind: Kind, cases: readonly Omit<Case, 'kind'>[]): Case[] => cases.map((one) => ({ ...one, kind }));
const cases = [
  ...of(nodes, ofNodes),
  ...of(pods, ofPods),
  ...of(namespaces, ofNamespaces),
  ...of(services, ofServices),
  ...of(controllerRevisions, ofRevisions),
  ...of(persistentVolumeClaims, ofClaims),
  ...of(daemonSets, ofDaemonSets),
  ...of(horizontalPodAutoscalers, ofAutoscalers),
  ...of(horizontalPodAutoscalersV1, ofAutoscalers),
  ...of(secrets, ofSecrets),
  ...of(endpoints, ofEndpoints),
];

for (const { name, kind, object, old, subresource, causes } of cases) {
  t.test(`${kind.kind}: ${name}`, async (t) => {
    const stored = old === undefined ? undefined : write<KubeObject>(kind, old).object;
    // Creation clears the status.
    if (stored && subresource === 'status') Object.assign(stored, structuredClone(old));
    t.same(write<KubeObject>(kind, object, stored, subresource).causes, causes);
  });
}
