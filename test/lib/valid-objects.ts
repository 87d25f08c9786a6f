// One valid object of every kind, with many of its fields set, for tests that spoil it.
import type { Kind } from '../../controlplane/api/kind';
import type { KubeObject } from '../../controlplane/api/types';
import { createRequest } from '../../controlplane/pki/certificate-request';

const labels = { app: 'a' };
const selector = { matchLabels: labels, matchExpressions: [{ key: 'app', operator: 'Exists' }] };
const term = { labelSelector: selector, topologyKey: 'zone', namespaceSelector: selector };
const nodeTerm = { matchExpressions: [{ key: 'os', operator: 'In', values: ['linux'] }] };
const probe = { httpGet: { port: 80, path: '/', httpHeaders: [{ name: 'A', value: 'b' }] }, periodSeconds: 5 };

const container = (name: string) => ({
  name,
  image: 'i:1',
  command: ['a'],
  args: ['b'],
  env: [
    { name: 'A', value: 'b' },
    { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'C', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
    { name: 'D', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
  ],
  envFrom: [{ prefix: 'P_', configMapRef: { name: 'm' } }],
  ports: [{ name: 'http', containerPort: 80, hostPort: 80, protocol: 'TCP' }],
  resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } },
  volumeMounts: [{ name: 'empty', mountPath: '/e', subPath: 'x' }],
  securityContext: {
    runAsUser: 1,
    capabilities: { add: ['CHOWN'], drop: ['ALL'] },
    seccompProfile: { type: 'Unconfined' },
  },
});

export const podSpec = (restartPolicy: string) => ({
  restartPolicy,
  nodeSelector: { os: 'linux' },
  terminationGracePeriodSeconds: 10,
  initContainers: [container('init')],
  containers: [
    {
      ...container('main'),
      livenessProbe: probe,
      readinessProbe: { exec: { command: ['a'] } },
      lifecycle: { preStop: { sleep: { seconds: 1 } } },
    },
  ],
  volumes: [
    { name: 'empty', emptyDir: { sizeLimit: '1Gi' } },
    { name: 'host', hostPath: { path: '/x', type: 'Directory' } },
    { name: 'secret', secret: { secretName: 's', items: [{ key: 'k', path: 'p' }] } },
    { name: 'down', downwardAPI: { items: [{ path: 'p', fieldRef: { fieldPath: 'metadata.labels' } }] } },
    {
      name: 'all',
      projected: {
        sources: [
          { serviceAccountToken: { path: 't' } },
          { configMap: { name: 'm', items: [{ key: 'k', path: 'p' }] } },
        ],
      },
    },
  ],
  securityContext: { fsGroup: 1, supplementalGroups: [2], sysctls: [{ name: 'kernel.msgmax', value: '1' }] },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [nodeTerm] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: nodeTerm }],
    },
    podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] },
    podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] },
  },
  tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
  topologySpreadConstraints: [
    { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', labelSelector: selector },
  ],
  hostAliases: [{ ip: '10.0.0.1', hostnames: ['h'] }],
  dnsConfig: { nameservers: ['10.0.0.1'], searches: ['a.b'], options: [{ name: 'ndots', value: '1' }] },
  imagePullSecrets: [{ name: 's' }],
  readinessGates: [{ conditionType: 'a/b' }],
});
const matchConstraints = {
  resourceRules: [
    {
      apiGroups: ['example.com'],
      apiVersions: ['v1'],
      operations: ['CREATE'],
      resources: ['samples'],
      resourceNames: ['r'],
      scope: 'Namespaced',
    },
  ],
  excludeResourceRules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['a/b'] }],
  namespaceSelector: selector,
  objectSelector: selector,
  matchPolicy: 'Exact',
};

const webhook = {
  name: 'a.example.com',
  clientConfig: { service: { namespace: 'n', name: 's', path: '/p', port: 8443 }, caBundle: 'eA==' },
  rules: [
    {
      operations: ['CREATE'],
      apiGroups: ['example.com'],
      apiVersions: ['v1'],
      resources: ['a', 'a/status'],
      scope: '*',
    },
  ],
  failurePolicy: 'Ignore',
  matchPolicy: 'Exact',
  namespaceSelector: selector,
  objectSelector: selector,
  sideEffects: 'None',
  timeoutSeconds: 5,
  admissionReviewVersions: ['v1', 'v1beta1'],
};
const template = (restartPolicy = 'Always') => ({ metadata: { labels }, spec: podSpec(restartPolicy) });
const conditions = [
  { type: 'Ready', status: 'True', reason: 'r', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' },
];
const backend = { service: { name: 'a', port: { number: 80 } } };

type Sample = KubeObject & Record<string, unknown>;

/** The key of a kind in `validObjects`: the kind, with its group where another group has a kind of the same name. */
export const validObjectKey = ({ group, kind, options }: Kind): string => (options.storage ? `${group}/${kind}` : kind);

/** By `validObjectKey`; the test sets metadata.name. */
/** By kind; the test sets metadata.name, unless the kind allows only some names. */
const deviceClaim = {
  devices: {
    requests: [
      {
        name: 'one',
        exactly: {
          deviceClassName: 'gpu.example.com',
          selectors: [{ cel: { expression: 'device.attributes["gpu.example.com"].cores > 4' } }],
          count: 2,
          capacity: { requests: { memory: '1Gi' } },
          tolerations: [{ key: 'example.com/hot', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 0 }],
        },
      },
      { name: 'two', firstAvailable: [{ name: 'all', deviceClassName: 'gpu', allocationMode: 'All' }] },
    ],
    constraints: [{ requests: ['one', 'two/all'], matchAttribute: 'gpu.example.com/model' }],
    config: [{ requests: ['one'], opaque: { driver: 'gpu.example.com', parameters: { a: 1 } } }],
  },
};

export const validObjects: Readonly<Record<string, () => Sample | Promise<Sample>>> = {
  Pod: () => ({ metadata: { labels }, spec: podSpec('Always') }),
  Service: () => ({
    spec: {
      type: 'LoadBalancer',
      selector: labels,
      ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } },
      externalTrafficPolicy: 'Local',
      loadBalancerSourceRanges: ['10.0.0.0/8'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    },
  }),
  Endpoints: () => ({
    subsets: [
      { addresses: [{ ip: '10.0.0.1', targetRef: { kind: 'Pod', name: 'p' } }], ports: [{ name: 'http', port: 80 }] },
    ],
  }),
  Node: () => ({
    spec: { podCIDR: '10.244.9.0/24', taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] },
    status: { conditions, addresses: [{ type: 'Hostname', address: 'n' }], capacity: { cpu: '1' }, nodeInfo: {} },
  }),
  Namespace: () => ({ spec: { finalizers: ['kubernetes'] } }),
  ConfigMap: () => ({ data: { a: 'b' }, binaryData: { c: 'eA==' } }),
  Secret: () => ({ type: 'Opaque', data: { a: 'eA==' }, stringData: { b: 'c' } }),
  ServiceAccount: () => ({
    secrets: [{ name: 's' }],
    imagePullSecrets: [{ name: 's' }],
    automountServiceAccountToken: true,
  }),
  LimitRange: () => ({
    spec: { limits: [{ type: 'Container', max: { cpu: '1' }, min: { cpu: '1m' }, default: { cpu: '1' } }] },
  }),
  PersistentVolume: () => ({
    spec: {
      capacity: { storage: '5Gi' },
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'c',
      volumeMode: 'Filesystem',
      mountOptions: ['ro'],
      nodeAffinity: { required: { nodeSelectorTerms: [nodeTerm] } },
      claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'c' },
      csi: {
        driver: 'd',
        volumeHandle: 'h',
        volumeAttributes: { a: 'b' },
        nodePublishSecretRef: { name: 's', namespace: 'default' },
      },
    },
  }),
  PersistentVolumeClaim: () => ({
    spec: {
      accessModes: ['ReadWriteOnce'],
      selector,
      resources: { requests: { storage: '1Gi' }, limits: { storage: '2Gi' } },
      storageClassName: 'c',
      volumeMode: 'Block',
      volumeAttributesClassName: 'a',
      dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' },
    },
  }),
  ResourceQuota: () => ({
    spec: {
      hard: { pods: '10000', 'requests.cpu': '1000' },
      scopes: ['NotTerminating'],
      scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] },
    },
  }),
  PodTemplate: () => ({ template: template() }),
  ReplicationController: () => ({ spec: { replicas: 1, minReadySeconds: 1, selector: labels, template: template() } }),
  Event: () => ({
    involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
    source: { component: 'c' },
    type: 'Normal',
    reason: 'r',
    message: 'm',
    count: 2,
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
  }),
  'events.k8s.io/Event': () => ({
    regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
    related: { kind: 'Node', name: 'n' },
    reportingController: 'example.com/c',
    reportingInstance: 'c-1',
    action: 'a',
    type: 'Normal',
    reason: 'r',
    note: 'm',
    eventTime: '2026-01-01T00:00:00.000000Z',
    series: { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' },
  }),
  Deployment: () => ({
    spec: {
      replicas: 1,
      selector,
      template: template(),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
    },
  }),
  ReplicaSet: () => ({ spec: { replicas: 1, selector, template: template() } }),
  DaemonSet: () => ({
    spec: {
      selector,
      template: template(),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
    },
  }),
  StatefulSet: () => ({
    spec: {
      replicas: 2,
      serviceName: 's',
      selector,
      template: template(),
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1, maxUnavailable: '50%' } },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
      ordinals: { start: 1 },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' },
    },
  }),
  ControllerRevision: () => ({ data: { a: 'b' }, revision: 1 }),
  CronJob: () => ({
    spec: {
      schedule: '*/5 * * * *',
      timeZone: 'Europe/Berlin',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: 10,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 2,
      jobTemplate: { metadata: { labels }, spec: { template: template('Never'), completions: 1, parallelism: 1 } },
    },
  }),
  Job: () => ({ spec: { template: template('Never'), completions: 1, parallelism: 1 } }),
  EndpointSlice: () => ({
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: ['10.0.0.1'],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: 'p' },
        hints: { forZones: [{ name: 'z' }] },
      },
    ],
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
  }),
  Ingress: () => ({
    spec: {
      ingressClassName: 'k8ts',
      defaultBackend: backend,
      tls: [{ hosts: ['a.local'], secretName: 's' }],
      rules: [{ host: 'a.local', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
    },
  }),
  HorizontalPodAutoscaler: () => ({
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
        {
          type: 'ContainerResource',
          containerResource: { name: 'memory', container: 'c', target: { type: 'AverageValue', averageValue: '1Gi' } },
        },
        {
          type: 'Pods',
          pods: { metric: { name: 'm', selector }, target: { type: 'AverageValue', averageValue: '10' } },
        },
        {
          type: 'Object',
          object: {
            describedObject: { kind: 'Service', name: 's' },
            metric: { name: 'm' },
            target: { type: 'Value', value: '5' },
          },
        },
        { type: 'External', external: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } } },
      ],
      behavior: {
        scaleUp: { stabilizationWindowSeconds: 10, selectPolicy: 'Min', tolerance: '100m' },
        scaleDown: { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] },
      },
    },
  }),
  'autoscaling/HorizontalPodAutoscaler': () => ({
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      minReplicas: 2,
      maxReplicas: 5,
      targetCPUUtilizationPercentage: 60,
    },
  }),
  IngressClass: () => ({ spec: { controller: 'k8ts.io/ingress', parameters: { kind: 'ConfigMap', name: 'm' } } }),
  NetworkPolicy: () => ({
    spec: {
      podSelector: selector,
      ingress: [{ from: [{ podSelector: selector }], ports: [{ port: 80, protocol: 'TCP' }] }],
      egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }],
      policyTypes: ['Ingress', 'Egress'],
    },
  }),
  ServiceCIDR: () => ({ spec: { cidrs: ['192.0.2.0/24', '2001:db8::/64'] } }),
  IPAddress: () => ({
    metadata: { name: '192.0.2.9' },
    spec: { parentRef: { group: 'example.com', resource: 'gateways', namespace: 'n', name: 'g' } },
  }),
  Lease: () => ({ spec: { holderIdentity: 'h', leaseDurationSeconds: 5, renewTime: '2026-01-01T00:00:00.000000Z' } }),
  CertificateSigningRequest: async () => ({
    spec: {
      request: Buffer.from((await createRequest({ commonName: 'c' })).request).toString('base64'),
      signerName: 'example.com/s',
      usages: ['client auth'],
      expirationSeconds: 600,
    },
  }),
  CustomResourceDefinition: () => ({
    metadata: { name: 'valids.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'valids', kind: 'Valid', shortNames: ['va'], categories: ['all'] },
      scope: 'Namespaced',
      conversion: { strategy: 'None' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          deprecated: true,
          deprecationWarning: 'old',
          subresources: {
            status: {},
            scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
          },
          additionalPrinterColumns: [{ name: 'Replicas', type: 'integer', jsonPath: '.spec.replicas', priority: 1 }],
          selectableFields: [{ jsonPath: '.spec.color' }],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  required: ['replicas'],
                  properties: {
                    replicas: { type: 'integer', minimum: 1, default: 1 },
                    color: { type: 'string', enum: ['red', 'blue'], pattern: '^[a-z]+$', maxLength: 9 },
                    labels: { type: 'object', additionalProperties: { type: 'string' } },
                    ports: {
                      type: 'array',
                      items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
                      'x-kubernetes-list-type': 'map',
                      'x-kubernetes-list-map-keys': ['name'],
                    },
                  },
                },
                status: { type: 'object', properties: { replicas: { type: 'integer' } } },
              },
            },
          },
        },
      ],
    },
  }),
  PodDisruptionBudget: () => ({ spec: { minAvailable: 1, selector, unhealthyPodEvictionPolicy: 'AlwaysAllow' } }),
  PriorityClass: () => ({ value: 5, globalDefault: false, preemptionPolicy: 'Never', description: 'd' }),
  ValidatingAdmissionPolicy: () => ({
    spec: {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints,
      matchConditions: [{ name: 'm', expression: 'request.dryRun' }],
      variables: [{ name: 'n', expression: 'object.metadata.name' }],
      validations: [{ expression: 'variables.n != ""', message: 'm', messageExpression: '"m"', reason: 'Invalid' }],
      auditAnnotations: [{ key: 'k', valueExpression: 'string(variables.n)' }],
    },
  }),
  ValidatingAdmissionPolicyBinding: () => ({
    spec: {
      policyName: 'p',
      paramRef: { name: 'c', namespace: 'n', parameterNotFoundAction: 'Deny' },
      matchResources: matchConstraints,
      validationActions: ['Deny', 'Audit'],
    },
  }),
  MutatingAdmissionPolicy: () => ({
    spec: {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      matchConstraints,
      matchConditions: [{ name: 'm', expression: 'request.dryRun' }],
      variables: [{ name: 'n', expression: 'object.metadata.name' }],
      mutations: [
        { patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{}' } },
        { patchType: 'JSONPatch', jsonPatch: { expression: '[JSONPatch{op: "remove", path: "/spec"}]' } },
      ],
      failurePolicy: 'Ignore',
      reinvocationPolicy: 'IfNeeded',
    },
  }),
  MutatingAdmissionPolicyBinding: () => ({
    spec: {
      policyName: 'p',
      paramRef: { selector, parameterNotFoundAction: 'Allow' },
      matchResources: matchConstraints,
    },
  }),
  MutatingWebhookConfiguration: () => ({ webhooks: [{ ...webhook, reinvocationPolicy: 'IfNeeded' }] }),
  ValidatingWebhookConfiguration: () => ({ webhooks: [webhook] }),
  FlowSchema: () => ({
    spec: {
      priorityLevelConfiguration: { name: 'global-default' },
      matchingPrecedence: 7,
      distinguisherMethod: { type: 'ByUser' },
      rules: [
        {
          subjects: [
            { kind: 'User', user: { name: 'u' } },
            { kind: 'Group', group: { name: 'g' } },
            { kind: 'ServiceAccount', serviceAccount: { namespace: 'n', name: '*' } },
          ],
          resourceRules: [
            { verbs: ['get'], apiGroups: [''], resources: ['pods'], namespaces: ['n'], clusterScope: true },
          ],
          nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['/healthz'] }],
        },
      ],
    },
  }),
  PriorityLevelConfiguration: () => ({
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 1,
        lendablePercent: 10,
        borrowingLimitPercent: 20,
        limitResponse: { type: 'Queue', queuing: { queues: 8, handSize: 2, queueLengthLimit: 5 } },
      },
    },
  }),
  APIService: () => ({
    metadata: { name: 'v1beta1.metrics.example.com' },
    spec: {
      group: 'metrics.example.com',
      version: 'v1beta1',
      service: { namespace: 'n', name: 's', port: 8443 },
      caBundle: 'eA==',
      groupPriorityMinimum: 100,
      versionPriority: 10,
    },
  }),
  DeviceClass: () => ({
    spec: {
      selectors: [{ cel: { expression: 'device.driver == "gpu.example.com"' } }],
      config: [{ opaque: { driver: 'gpu.example.com', parameters: { kind: 'GpuConfig', shared: true } } }],
      extendedResourceName: 'example.com/gpu',
    },
  }),
  ResourceClaim: () => ({ spec: deviceClaim }),
  ResourceClaimTemplate: () => ({ spec: { metadata: { labels }, spec: deviceClaim } }),
  ResourceSlice: () => ({
    spec: {
      driver: 'gpu.example.com',
      pool: { name: 'rack/a', generation: 2, resourceSliceCount: 1 },
      nodeSelector: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] }],
      },
      devices: [
        {
          name: 'gpu-0',
          attributes: {
            model: { string: 'm' },
            'example.com/cores': { int: 8 },
            ecc: { bool: false },
            driver: { version: '1.2.3-rc.1' },
          },
          capacity: {
            memory: { value: '16Gi', requestPolicy: { default: '1Gi', validRange: { min: '1Gi', step: '1Gi' } } },
          },
          consumesCounters: [{ counterSet: 'board', counters: { slots: { value: '1' } } }],
          taints: [{ key: 'example.com/hot', value: 'x', effect: 'NoSchedule', timeAdded: '2026-01-01T00:00:00Z' }],
          bindsToNode: true,
          bindingConditions: ['example.com/attached'],
          bindingFailureConditions: ['example.com/failed'],
          allowMultipleAllocations: true,
        },
      ],
    },
  }),
  RuntimeClass: () => ({
    handler: 'runc',
    overhead: { podFixed: { cpu: '100m', memory: '64Mi' } },
    scheduling: {
      nodeSelector: { os: 'linux' },
      tolerations: [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 5 }],
    },
  }),
  StorageClass: () => ({
    provisioner: 'example.com/p',
    parameters: { a: 'b' },
    reclaimPolicy: 'Retain',
    mountOptions: ['ro'],
    allowVolumeExpansion: true,
    volumeBindingMode: 'WaitForFirstConsumer',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a'] }] }],
  }),
  VolumeAttributesClass: () => ({ driverName: 'd', parameters: { a: 'b' } }),
  VolumeAttachment: () => ({ spec: { attacher: 'd', nodeName: 'n', source: { persistentVolumeName: 'v' } } }),
  CSIDriver: () => ({
    spec: {
      attachRequired: false,
      podInfoOnMount: true,
      volumeLifecycleModes: ['Ephemeral'],
      storageCapacity: true,
      fsGroupPolicy: 'File',
      tokenRequests: [{ audience: 'a', expirationSeconds: 600 }],
      requiresRepublish: true,
      seLinuxMount: true,
      nodeAllocatableUpdatePeriodSeconds: 10,
      serviceAccountTokenInSecrets: true,
    },
  }),
  CSINode: () => ({
    spec: { drivers: [{ name: 'd', nodeID: 'n', topologyKeys: ['zone'], allocatable: { count: 1 } }] },
  }),
  CSIStorageCapacity: () => ({
    storageClassName: 'c',
    nodeTopology: selector,
    capacity: '1Gi',
    maximumVolumeSize: '1Mi',
  }),
  Role: () => ({ rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'], resourceNames: ['p'] }] }),
  RoleBinding: () => ({
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
    subjects: [{ kind: 'ServiceAccount', name: 's', namespace: 'default' }],
  }),
  ClusterRole: () => ({
    rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
    aggregationRule: { clusterRoleSelectors: [selector] },
  }),
  ClusterRoleBinding: () => ({
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
    subjects: [{ kind: 'User', name: 'u' }],
  }),
};
