// Causes that kube-apiserver 1.36.3 returned for the same objects: their order, paths and texts.
import t from 'tap';
import { write } from '../../test/lib/written-object';
import { certificateSigningRequests } from './certificate-signing-request';
import { clusterRoles } from './cluster-role';
import { type CSIDriver, csiDrivers } from './csi-driver';
import { customResourceDefinitions } from './custom-resource-definition';
import { daemonSets } from './daemon-set';
import { deployments } from './deployment';
import { endpointSlices } from './endpoint-slice';
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler';
import { ingresses } from './ingress';
import { ingressClasses } from './ingress-class';
import { jobs } from './job';
import type { Kind } from './kind';
import { podDisruptionBudgets } from './pod-disruption-budget';
import { priorityClasses } from './priority-class';
import { replicaSets } from './replica-set';
import { resourceSlices } from './resource-slice';
import { statefulSets } from './stateful-set';
import { storageClasses } from './storage-class';
import type { KubeObject } from './types';

interface Case {
  readonly name: string;
  readonly kind: Kind;
  readonly object: object;
  /** The stored object of an update. */
  readonly old?: object;
  readonly subresource?: string;
  readonly causes: readonly string[];
}

const metadata = { name: 'a', namespace: 'n' };
const labels = { app: 'a' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const workload = (change: object = {}) => ({
  metadata,
  spec: { selector: { matchLabels: labels }, template, ...change },
});
const wrongSelector = { matchLabels: labels, matchExpressions: [{ key: 'app', operator: 'Exists', values: ['x'] }] };
const notAllowed =
  "spec.selector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
const printedSelector = JSON.stringify(wrongSelector);
const noMatch = (found: string) =>
  `spec.template.metadata.labels: Invalid value: ${found}: \`selector\` does not match template \`labels\``;
const backend = { service: { name: 'a', port: { number: 80 } } };
const ingress = (spec: object) => ({ metadata, spec: { defaultBackend: backend, ...spec } });
const ingressStatus = (entry: object) => ({ ...ingress({}), status: { loadBalancer: { ingress: [entry] } } });
const ingressClass = (parameters: object, controller = 'a.b/c') => ({ metadata, spec: { controller, parameters } });
const slice = (endpoint: object) => ({
  metadata,
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'], ...endpoint }],
});
const autoscaler = (spec: object) => ({
  metadata,
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 2, ...spec },
});
const label = (name: string) =>
  `validating label "${name}": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`;
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const dns1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const request = (spec: object, status = {}) => ({
  metadata,
  spec: { request: 'eA==', signerName: 'a.b/c', usages: ['any'], ...spec },
  status,
});
const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const approved = { type: 'Approved', status: 'True', reason: 'R' };
const tests = { plural: 'tests', kind: 'Test', singular: 'test', listKind: 'TestList' };
const definition = (versions: object[]) => ({
  metadata: { name: 'tests.a.b' },
  spec: { group: 'a.b', scope: 'Cluster', names: tests, versions },
});
const served = { served: true, storage: true };
const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'string' } } } };
const sharedDevice = (allowMultipleAllocations: boolean, policy: object = {}) => ({
  metadata,
  spec: {
    driver: 'd.e',
    nodeName: 'n',
    pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
    devices: [
      {
        name: 'd',
        allowMultipleAllocations,
        capacity: { mem: { value: '1', requestPolicy: { default: '1', ...policy } } },
      },
    ],
  },
});
const tooLongFor = (field: string) => `${field}: Too long: may not be more than 250 bytes`;

const cases: readonly Case[] = [
  {
    name: 'the controller of an IngressClass',
    kind: ingressClasses,
    object: ingressClass({ kind: 'K', name: 'n', scope: 'Cluster' }, 'A_b/!c d'),
    causes: [
      `spec.controller: Invalid value: "A_b": ${subdomain}`,
      "spec.controller: Invalid value: \"!c d\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
    ],
  },
  {
    name: 'a signer without a domain',
    kind: certificateSigningRequests,
    object: request({ signerName: 'A_b/c.D' }),
    causes: [
      `spec.signerName: Invalid value: "A_b": ${label('A_b')}`,
      'spec.signerName: Invalid value: "A_b": should be a domain with at least two segments separated by dots',
      `spec.signerName: Invalid value: "c.D": validating label "D": ${subdomain}`,
    ],
  },
  {
    name: 'a long signer',
    kind: certificateSigningRequests,
    object: request({ signerName: `a.b/${Array(12).fill('c'.repeat(50)).join('.')}` }),
    causes: ['spec.signerName: Too long: may not be more than 571 bytes'],
  },
  {
    name: 'a certificate request without a request',
    kind: certificateSigningRequests,
    object: request({ request: null }),
    causes: ['spec.request: Invalid value: null: PEM block type must be CERTIFICATE REQUEST'],
  },
  {
    name: 'an approval may also fail a request',
    kind: certificateSigningRequests,
    object: request({}, { conditions: [{ type: 'Failed', status: 'True' }] }),
    old: request({}),
    subresource: 'approval',
    causes: [],
  },
  {
    name: 'a status with other words for a decision: the stored ones stay',
    kind: certificateSigningRequests,
    object: request({}, { conditions: [{ ...approved, reason: 'Other' }] }),
    old: request({}, { conditions: [approved] }),
    subresource: 'status',
    causes: [],
  },
  {
    name: 'a certificate with headers',
    kind: certificateSigningRequests,
    object: request({}, { certificate: Buffer.from(pem('A: b\n\nYWJj')).toString('base64') }),
    old: request({}),
    subresource: 'status',
    causes: ['status.certificate: Invalid value: "<certificate data>": no PEM block headers are permitted'],
  },
  {
    name: 'a certificate that is none',
    kind: certificateSigningRequests,
    object: request({}, { certificate: Buffer.from(pem('YWJj')).toString('base64') }),
    old: request({}),
    subresource: 'status',
    causes: ['status.certificate: Invalid value: "<certificate data>": x509: malformed certificate'],
  },
  {
    name: 'another certificate',
    kind: certificateSigningRequests,
    object: request({}, { certificate: 'eA==' }),
    old: request({}, { certificate: 'eQ==' }),
    subresource: 'status',
    causes: ['status.certificate: Forbidden: updates may not modify existing certificate content'],
  },
  {
    name: 'a term of a StorageClass without keys',
    kind: storageClasses,
    object: { metadata, provisioner: 'a.b/c', allowedTopologies: [{}] },
    causes: ['allowedTopologies[0].matchLabelExpressions: Duplicate value: ""'],
  },
  {
    name: 'a step below zero from an amount below zero',
    kind: resourceSlices,
    object: {
      metadata,
      spec: {
        driver: 'd.e',
        nodeName: 'n',
        pool: { name: 'p', generation: 1, resourceSliceCount: 1 },
        devices: [
          {
            name: 'd',
            allowMultipleAllocations: true,
            capacity: {
              mem: { value: '10Gi', requestPolicy: { default: '1Gi', validRange: { min: '-1', step: '1Gi' } } },
            },
          },
        ],
      },
    },
    causes: [
      'spec.devices[0].capacity[mem].requestPolicy.validRange.step: Invalid value: "1Gi": value is not a multiple of a given step (1Gi) from (-1)',
    ],
  },
  {
    name: 'a range of a capacity without a smallest amount',
    kind: resourceSlices,
    object: sharedDevice(true, { validRange: { step: '1' } }),
    causes: [
      'spec.devices[0].capacity[mem].requestPolicy.validRange.min: Required value: required when validRange is defined',
    ],
  },
  {
    name: 'a device of a slice that several claims cannot use any more',
    kind: resourceSlices,
    object: sharedDevice(false),
    old: sharedDevice(true),
    causes: ['spec.devices[0].capacity[mem].requestPolicy: Forbidden: allowMultipleAllocations must be true'],
  },
  {
    name: 'a definition without versions',
    kind: customResourceDefinitions,
    object: definition([]),
    causes: [
      'spec.versions: Invalid value: null: must have exactly one version marked as storage version',
      'status.storedVersions: Invalid value: null: must have at least one stored version',
    ],
  },
  {
    name: 'a version of a definition without name and schema',
    kind: customResourceDefinitions,
    object: definition([{ ...served }]),
    causes: [
      'spec.versions[0].schema.openAPIV3Schema: Required value',
      `spec.versions[0].name: Invalid value: "": ${dns1035}`,
    ],
  },
  {
    name: 'the name of the first version of a definition is also spec.version',
    kind: customResourceDefinitions,
    object: definition([{ name: 'V1', ...served, schema }]),
    causes: [`spec.versions[0].name: Invalid value: "V1": ${dns1035}`, `spec.version: Invalid value: "V1": ${dns1035}`],
  },
  {
    name: 'a definition with a version twice',
    kind: customResourceDefinitions,
    object: definition([
      { name: 'v1', ...served, schema },
      { name: 'v1', ...served, schema },
    ]),
    causes: [
      'spec.versions: Invalid value: ["v1","v1"]: must contain unique version names',
      'spec.versions: Invalid value: ["v1","v1"]: must have exactly one version marked as storage version',
      'status.storedVersions: Invalid value: ["v1"]: must have the storage version v1',
    ],
  },
  {
    name: 'selectable fields of a definition without a schema',
    kind: customResourceDefinitions,
    object: definition([{ name: 'v1', ...served, selectableFields: [{ jsonPath: '.spec' }] }]),
    causes: [
      'spec.versions[0].schema.openAPIV3Schema: Required value',
      'spec.selectableFields: Invalid value: "": may only be set when validations.schema is included',
    ],
  },
  {
    name: 'selectable fields of one version of a definition, without a schema',
    kind: customResourceDefinitions,
    object: definition([
      { name: 'v1', ...served, selectableFields: [{ jsonPath: '.spec' }] },
      { name: 'v2', served: true, storage: false, schema },
    ]),
    causes: [
      'spec.versions[0].schema.openAPIV3Schema: Required value',
      'spec.versions[0].selectableFields: Invalid value: "": may only be set when `version.schema.openAPIV3Schema` is not included',
    ],
  },
  {
    name: 'a selector that cannot select: the template is not judged',
    kind: deployments,
    object: workload({ selector: wrongSelector }),
    causes: [notAllowed, `spec.selector: Invalid value: ${printedSelector}: invalid label selector`],
  },
  {
    name: 'a wrong expression: its operator before its key',
    kind: replicaSets,
    object: workload({ selector: { matchExpressions: [{}] } }),
    causes: [
      'spec.selector.matchExpressions[0].operator: Invalid value: "": not a valid selector operator',
      'spec.selector.matchExpressions[0].key: Invalid value: "": name part must be non-empty',
      "spec.selector.matchExpressions[0].key: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"","operator":""}]}: invalid label selector',
    ],
  },
  {
    name: 'a DaemonSet does not say that the selector is wrong as a whole',
    kind: daemonSets,
    object: workload({ selector: wrongSelector }),
    causes: [notAllowed],
  },
  {
    name: 'a StatefulSet says it without a reason',
    kind: statefulSets,
    object: workload({ selector: wrongSelector }),
    causes: [notAllowed, `spec.selector: Invalid value: ${printedSelector}`],
  },
  {
    name: 'another selector: the old one is fixed',
    kind: deployments,
    object: workload({ selector: { matchLabels: { k: 'v' } } }),
    old: workload(),
    causes: [noMatch('{"app":"a"}'), 'spec.selector: Invalid value: {"matchLabels":{"k":"v"}}: field is immutable'],
  },
  {
    name: 'a DaemonSet reports the fixed selector first',
    kind: daemonSets,
    object: workload({ selector: { matchLabels: { k: 'v' } } }),
    old: workload(),
    causes: ['spec.selector: Invalid value: {"matchLabels":{"k":"v"}}: field is immutable', noMatch('{"app":"a"}')],
  },
  {
    name: 'a strategy of an unknown type',
    kind: deployments,
    object: workload({ strategy: { type: 'x' } }),
    causes: ['spec.strategy: Unsupported value: {"type":"x"}: supported values: "Recreate", "RollingUpdate"'],
  },
  {
    name: 'a negative deadline',
    kind: deployments,
    object: workload({ progressDeadlineSeconds: -1 }),
    causes: [
      'spec.progressDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.progressDeadlineSeconds: Invalid value: -1: must be greater than minReadySeconds',
    ],
  },
  {
    name: 'no pod may be unavailable, and none may surge',
    kind: daemonSets,
    object: workload({ updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } }),
    causes: ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
  },
  {
    name: 'both at once',
    kind: daemonSets,
    object: workload({ updateStrategy: { rollingUpdate: { maxUnavailable: '10%', maxSurge: '200%' } } }),
    causes: [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "200%": must not be greater than 100%',
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "200%": may not be set when maxUnavailable is non-zero',
    ],
  },
  {
    name: 'a surge alone',
    kind: daemonSets,
    object: workload({ updateStrategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } }),
    causes: [],
  },
  {
    name: 'counts of a Deployment',
    kind: deployments,
    subresource: 'status',
    old: { ...workload(), status: { collisionCount: 3 } },
    object: { ...workload(), status: { updatedReplicas: 2, readyReplicas: -1, availableReplicas: 1, replicas: 1 } },
    causes: [
      'status.readyReplicas: Invalid value: -1: must be greater than or equal to 0',
      'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas',
      'status.collisionCount: Invalid value: 0: cannot be decremented',
    ],
  },
  {
    name: 'counts of a DaemonSet',
    kind: daemonSets,
    subresource: 'status',
    old: workload(),
    object: { ...workload(), status: { numberReady: -1, numberUnavailable: -2 } },
    causes: [
      'status.numberReady: Invalid value: -1: must be greater than or equal to 0',
      'status.numberUnavailable: Invalid value: -2: must be greater than or equal to 0',
    ],
  },
  {
    name: 'claims of a StatefulSet without a spec',
    kind: statefulSets,
    object: workload({ volumeClaimTemplates: [{ metadata: { name: 'd' } }, { metadata: { name: 'd' } }] }),
    causes: [0, 1].flatMap((i) => [
      `spec.volumeClaimTemplates[${i}].spec.accessModes: Required value: at least 1 access mode is required`,
      `spec.volumeClaimTemplates[${i}].spec.resources[storage]: Required value`,
    ]),
  },
  {
    name: 'a Job without a selector',
    kind: jobs,
    object: { metadata, spec: { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } } } },
    causes: ['spec.selector: Required value', noMatch('{"app":"a"}')],
  },
  {
    name: 'an Ingress to a port by number and name',
    kind: ingresses,
    object: ingress({ defaultBackend: { service: { name: 'a', port: { number: 80, name: 'b' } } } }),
    causes: ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number'],
  },
  {
    name: 'an Ingress to a Service with a name of a label (RFC 1123)',
    kind: ingresses,
    object: ingress({ defaultBackend: { service: { name: '1a', port: { number: 80 } } } }),
    causes: [],
  },
  {
    name: 'an Ingress to an object without a name',
    kind: ingresses,
    object: ingress({ defaultBackend: { resource: { apiGroup: 'a', kind: 'b/c' } } }),
    causes: [
      'spec.defaultBackend.resource.kind: Invalid value: "b/c": may not contain \'/\'',
      'spec.defaultBackend.resource.name: Required value',
    ],
  },
  {
    name: 'the Secret of an Ingress',
    kind: ingresses,
    object: ingress({ tls: [{ secretName: 'a..b' }] }),
    causes: [
      "spec.tls[0].secretName: Invalid value: \"a..b\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
  },
  {
    name: 'the Secret of an older Ingress may stay',
    kind: ingresses,
    object: ingress({ tls: [{ secretName: 'a..b' }] }),
    old: ingress({ tls: [{ secretName: 'a..b' }] }),
    causes: [],
  },
  {
    name: 'the address of an Ingress',
    kind: ingresses,
    subresource: 'status',
    old: ingress({}),
    object: ingressStatus({ ip: 'x', hostname: '10.0.0.1' }),
    causes: [
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.loadBalancer.ingress[0].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
  },
  {
    name: 'an address that an older Ingress has may stay',
    kind: ingresses,
    subresource: 'status',
    old: ingressStatus({ ip: 'x' }),
    object: ingressStatus({ ip: 'x' }),
    causes: [],
  },
  {
    name: 'parameters of an IngressClass without kind and name',
    kind: ingressClasses,
    object: ingressClass({}),
    causes: ['spec.parameters.kind: Required value', 'spec.parameters.name: Required value'],
  },
  {
    name: 'parameters of the cluster in a namespace',
    kind: ingressClasses,
    object: ingressClass({ kind: 'k', name: 'n', namespace: 'n' }),
    causes: ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
  },
  {
    name: 'parameters of a namespace without one',
    kind: ingressClasses,
    object: ingressClass({ kind: 'k', name: 'n', scope: 'Namespace' }),
    causes: ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
  },
  {
    name: 'parameters of an unknown scope',
    kind: ingressClasses,
    object: ingressClass({ kind: 'k', name: 'n', scope: 'x' }),
    causes: ['spec.parameters.scope: Unsupported value: "x": supported values: "Cluster", "Namespace"'],
  },
  {
    name: 'a long controller',
    kind: ingressClasses,
    object: ingressClass({ kind: 'k', name: 'n' }, `a.b/${'c'.repeat(250)}`),
    causes: [tooLongFor('spec.controller')],
  },
  {
    name: 'hints of an EndpointSlice',
    kind: endpointSlices,
    object: slice({ hints: { forZones: [{ name: 'a b' }], forNodes: [{ name: 'n' }, { name: 'n' }] } }),
    causes: [
      "endpoints[0].hints.forZones[0].name: Invalid value: \"a b\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
      'endpoints[0].hints.forNodes[1].name: Duplicate value: "n"',
    ],
  },
  {
    name: 'many hints of an EndpointSlice',
    kind: endpointSlices,
    object: slice({ hints: { forNodes: Array.from({ length: 9 }, (_, i) => ({ name: `n${i}` })) } }),
    causes: ['endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items'],
  },
  {
    name: 'an autoscaler of an object without a group',
    kind: horizontalPodAutoscalers,
    object: autoscaler({ scaleTargetRef: { apiVersion: 'v1', kind: 'Pod', name: 'p' }, maxReplicas: 0 }),
    causes: [
      'spec.maxReplicas: Required value: must be set and greater than 0',
      'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
      'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
    ],
  },
  {
    name: 'an autoscaler of a ReplicationController',
    kind: horizontalPodAutoscalers,
    object: autoscaler({ scaleTargetRef: { apiVersion: 'v1', kind: 'ReplicationController', name: 'r' } }),
    causes: [],
  },
  {
    name: 'an autoscaler that scaled an object without a group before',
    kind: horizontalPodAutoscalers,
    object: autoscaler({ scaleTargetRef: { kind: 'Pod', name: 'p' } }),
    old: autoscaler({ scaleTargetRef: { kind: 'Pod', name: 'q' } }),
    causes: [],
  },
  {
    name: 'conditions and counts of a budget',
    kind: podDisruptionBudgets,
    subresource: 'status',
    old: { metadata, spec: {} },
    object: { metadata, spec: {}, status: { conditions: [{ type: 'a' }], currentHealthy: -1 } },
    causes: [
      'status.conditions[0].status: Unsupported value: "": supported values: "False", "True", "Unknown"',
      'status.conditions[0].lastTransitionTime: Required value',
      'status.conditions[0].reason: Required value',
      'status.currentHealthy: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    name: 'a priority of the system',
    kind: priorityClasses,
    object: { metadata: { name: 'system-mine' }, value: 1, preemptionPolicy: 'x' },
    causes: [
      "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
      'preemptionPolicy: Unsupported value: "x": supported values: "PreemptLowerPriority", "Never"',
    ],
  },
  {
    name: 'another priority: only that it changes',
    kind: priorityClasses,
    object: { metadata, value: 2_000_000_000 },
    old: { metadata, value: 1, preemptionPolicy: 'PreemptLowerPriority' },
    causes: ['value: Forbidden: may not be changed in an update.'],
  },
  {
    name: 'names of resources beside URLs',
    kind: clusterRoles,
    object: { metadata, rules: [{ verbs: ['get'], nonResourceURLs: ['/x'], resourceNames: ['a'] }] },
    causes: [
      'rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
    ],
  },
  {
    name: 'fixed fields of a StorageClass',
    kind: storageClasses,
    object: { metadata, provisioner: 'a', reclaimPolicy: 'Retain' },
    old: {
      metadata,
      provisioner: 'b',
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'Immediate',
      parameters: { a: 'b' },
    },
    causes: [
      'parameters: Invalid value: null: field is immutable',
      'provisioner: Invalid value: "a": field is immutable',
      'reclaimPolicy: Invalid value: "Retain": field is immutable',
    ],
  },
  {
    name: 'tokens in Secrets without tokens',
    kind: csiDrivers,
    object: { metadata, spec: { serviceAccountTokenInSecrets: true } },
    causes: [
      'spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified',
    ],
  },
];

t.test('causes', async (t) => {
  for (const { name, kind, object, old, subresource = '', causes } of cases) {
    t.same(write(kind, object, old as KubeObject | undefined, subresource).causes, causes, name);
  }
});

t.test('a Job without labels has those of its pods, the generated ones too', async (t) => {
  const spec = { template: { metadata: { labels }, spec: { ...template.spec, restartPolicy: 'Never' } } };
  const { object } = write(jobs, { metadata: { name: 'j', namespace: 'n', uid: 'u' }, spec });
  t.same(object.metadata?.labels, {
    app: 'a',
    'batch.kubernetes.io/controller-uid': 'u',
    'batch.kubernetes.io/job-name': 'j',
    'controller-uid': 'u',
    'job-name': 'j',
  });
  const own = write(jobs, { metadata: { name: 'j', namespace: 'n', uid: 'u', labels: { own: 'x' } }, spec });
  t.same(own.object.metadata?.labels, { own: 'x' });
});

t.test('a written status of a definition: the storage version has been stored', async (t) => {
  const old = write(customResourceDefinitions, definition([{ name: 'v1', ...served, schema }])).object;
  const { object } = write(customResourceDefinitions, { ...old, status: { conditions: [] } }, old, 'status');
  t.match(object.status, { acceptedNames: { kind: '', plural: '' }, storedVersions: ['v1'] });
});

t.test('null in a map of structs has the zero values of the struct', async (t) => {
  const counters = { c: null, d: {} };
  const spec = { driver: 'd.e', allNodes: true, sharedCounters: [{ name: 's', counters }] };
  const { object } = write(resourceSlices, { metadata, spec });
  t.same(object.spec?.sharedCounters?.[0]?.counters, { c: { value: '0' }, d: { value: '0' } });
});

t.test('only pods, not templates, say whether they get links to Services', async (t) => {
  t.notOk('enableServiceLinks' in (write(deployments, workload()).object.spec?.template?.spec ?? {}));
});

t.test('a CSIDriver that gets tokens in attributes: a warning at creation and when the tokens change', async (t) => {
  const driver = (audience: string) => ({ metadata: { name: 'a' }, spec: { tokenRequests: [{ audience }] } });
  const warnings = (object: CSIDriver, old?: CSIDriver) =>
    csiDrivers.options.warnings?.(object, { subresource: '', ...(old ? { old } : {}) })?.length;
  t.equal(warnings(driver('a')), 1);
  t.equal(warnings(driver('b'), driver('a')), 1);
  t.equal(warnings(driver('a'), driver('a')), 0);
  t.equal(warnings({ spec: { ...driver('a').spec, serviceAccountTokenInSecrets: false } }), 0);
});
