// How lists and maps merge, which the models of @kubernetes/client-node lack. The facts are those of the published OpenAPI
// of Kubernetes: x-kubernetes-list-type, -list-map-keys, -map-type and -patch-strategy. The generator refuses an entry
// that names no field, so that an outdated table is noticed.

export interface Marker {
  readonly listType?: 'atomic' | 'set' | 'map';
  readonly listMapKeys?: readonly string[];
  /** `granular`: this field merges, although its type is atomic elsewhere. */
  readonly mapType?: 'atomic' | 'granular';
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly default?: string | number | boolean;
}

/** A list whose items are identified by `keys`; strategic merge uses only the first key. */
const keyed = (...keys: string[]): Marker => ({
  listType: 'map',
  listMapKeys: keys,
  patchStrategy: 'merge',
  patchMergeKey: keys[0]!,
});
const keyedRetaining = (key: string): Marker => ({ ...keyed(key), patchStrategy: 'merge,retainKeys' });
const keyedForApplyOnly = (key: string): Marker => ({ listType: 'map', listMapKeys: [key] });
const set: Marker = { listType: 'set' };

/** Per package and `Type.field`. */
export const fieldMarkers: Readonly<Record<string, Readonly<Record<string, Marker>>>> = {
  'meta.v1': {
    'ObjectMeta.ownerReferences': keyed('uid'),
    'ObjectMeta.finalizers': { listType: 'set', patchStrategy: 'merge' },
  },
  'core.v1': {
    'ComponentStatus.conditions': keyed('type'),
    'Container.env': keyed('name'),
    'Container.ports': keyed('containerPort', 'protocol'),
    'Container.volumeDevices': keyed('devicePath'),
    'Container.volumeMounts': keyed('mountPath'),
    'ContainerPort.protocol': { default: 'TCP' },
    'ContainerRestartRuleOnExitCodes.values': set,
    'ContainerStatus.allocatedResourcesStatus': keyed('name'),
    'ContainerStatus.volumeMounts': keyed('mountPath'),
    'EphemeralContainer.env': keyed('name'),
    'EphemeralContainer.ports': keyed('containerPort', 'protocol'),
    'EphemeralContainer.volumeDevices': keyed('devicePath'),
    'EphemeralContainer.volumeMounts': keyed('mountPath'),
    'LocalObjectReference.name': { default: '' },
    'NamespaceStatus.conditions': keyed('type'),
    'NodeAllocatableResourceClaimStatus.containers': set,
    'NodeSpec.podCIDRs': { listType: 'set', patchStrategy: 'merge' },
    'NodeStatus.addresses': keyed('type'),
    'NodeStatus.conditions': keyed('type'),
    'PersistentVolumeClaimStatus.allocatedResourceStatuses': { mapType: 'granular' },
    'PersistentVolumeClaimStatus.conditions': keyed('type'),
    'PersistentVolumeSpec.claimRef': { mapType: 'granular' },
    'PodSpec.containers': keyed('name'),
    'PodSpec.ephemeralContainers': keyed('name'),
    'PodSpec.hostAliases': keyed('ip'),
    'PodSpec.imagePullSecrets': keyed('name'),
    'PodSpec.initContainers': keyed('name'),
    'PodSpec.nodeSelector': { mapType: 'atomic' },
    'PodSpec.resourceClaims': keyedRetaining('name'),
    'PodSpec.schedulingGates': keyed('name'),
    'PodSpec.topologySpreadConstraints': keyed('topologyKey', 'whenUnsatisfiable'),
    'PodSpec.volumes': keyedRetaining('name'),
    'PodStatus.conditions': keyed('type'),
    'PodStatus.hostIPs': { listType: 'atomic', patchStrategy: 'merge', patchMergeKey: 'ip' },
    'PodStatus.podIPs': keyed('ip'),
    'PodStatus.resourceClaimStatuses': keyedRetaining('name'),
    'ReplicationControllerSpec.selector': { mapType: 'atomic' },
    'ReplicationControllerStatus.conditions': keyed('type'),
    'ResourceRequirements.claims': keyedForApplyOnly('name'),
    'ResourceStatus.resources': keyedForApplyOnly('resourceID'),
    'ServiceAccount.secrets': keyed('name'),
    'ServicePort.protocol': { default: 'TCP' },
    'ServiceSpec.ports': keyed('port', 'protocol'),
    'ServiceSpec.selector': { mapType: 'atomic' },
    'ServiceStatus.conditions': keyed('type'),
  },
  'admissionregistration.v1': {
    'MutatingAdmissionPolicySpec.matchConditions': keyed('name'),
    'MutatingWebhook.matchConditions': keyed('name'),
    'MutatingWebhookConfiguration.webhooks': keyed('name'),
    'ValidatingAdmissionPolicyBindingSpec.validationActions': set,
    'ValidatingAdmissionPolicySpec.matchConditions': keyed('name'),
    'ValidatingAdmissionPolicySpec.variables': keyed('name'),
    'ValidatingAdmissionPolicyStatus.conditions': keyedForApplyOnly('type'),
    'ValidatingWebhook.matchConditions': keyed('name'),
    'ValidatingWebhookConfiguration.webhooks': keyed('name'),
  },
  'apiextensions.v1': {
    'CustomResourceDefinitionStatus.conditions': keyedForApplyOnly('type'),
    'JSONSchemaProps.x-kubernetes-validations': keyed('rule'),
  },
  'apiregistration.v1': { 'APIServiceStatus.conditions': keyed('type') },
  'apps.v1': {
    'DaemonSetStatus.conditions': keyed('type'),
    'DeploymentSpec.strategy': { patchStrategy: 'retainKeys' },
    'DeploymentStatus.conditions': keyed('type'),
    'ReplicaSetStatus.conditions': keyed('type'),
    'StatefulSetStatus.conditions': keyed('type'),
  },
  'autoscaling.v2': { 'HorizontalPodAutoscalerStatus.conditions': keyed('type') },
  'batch.v1': {
    // A list that only strategic merge joins.
    'JobStatus.conditions': { listType: 'atomic', patchStrategy: 'merge', patchMergeKey: 'type' },
    'PodFailurePolicyOnExitCodesRequirement.values': set,
    'UncountedTerminatedPods.failed': set,
    'UncountedTerminatedPods.succeeded': set,
  },
  'certificates.v1': { 'CertificateSigningRequestStatus.conditions': keyedForApplyOnly('type') },
  'discovery.v1': { 'Endpoint.addresses': set },
  'flowcontrol.v1': {
    'FlowSchemaStatus.conditions': keyed('type'),
    'NonResourcePolicyRule.nonResourceURLs': set,
    'NonResourcePolicyRule.verbs': set,
    'PriorityLevelConfigurationStatus.conditions': keyed('type'),
    'ResourcePolicyRule.apiGroups': set,
    'ResourcePolicyRule.namespaces': set,
    'ResourcePolicyRule.resources': set,
    'ResourcePolicyRule.verbs': set,
  },
  'networking.v1': { 'ServiceCIDRStatus.conditions': keyed('type') },
  'node.v1': { 'Scheduling.nodeSelector': { mapType: 'atomic' } },
  'policy.v1': {
    'PodDisruptionBudgetSpec.selector': { patchStrategy: 'replace' },
    'PodDisruptionBudgetStatus.conditions': keyed('type'),
  },
  'resource.v1': {
    'AllocatedDeviceStatus.conditions': keyedForApplyOnly('type'),
    'ResourceClaimStatus.devices': { listType: 'map', listMapKeys: ['driver', 'device', 'pool', 'shareID'] },
    'ResourceClaimStatus.reservedFor': keyed('uid'),
  },
  'storage.v1': { 'CSIDriverSpec.volumeLifecycleModes': set, 'CSINodeSpec.drivers': keyed('name') },
};

/** Lists that server-side apply replaces completely, per package: `Type: 'field field'`. */
export const atomicLists: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'apiextensions.v1': {
    CustomResourceDefinitionNames: 'categories shortNames',
    CustomResourceDefinitionSpec: 'versions',
    CustomResourceDefinitionStatus: 'storedVersions',
    CustomResourceDefinitionVersion: 'additionalPrinterColumns selectableFields',
    JSONSchemaProps: 'allOf anyOf enum oneOf required x-kubernetes-list-map-keys',
    WebhookConversion: 'conversionReviewVersions',
  },
  'meta.v1': {
    DeleteOptions: 'dryRun',
    FieldSelectorRequirement: 'values',
    LabelSelector: 'matchExpressions',
    LabelSelectorRequirement: 'values',
    ObjectMeta: 'managedFields',
    StatusDetails: 'causes',
  },
  'core.v1': {
    Capabilities: 'add drop',
    CephFSPersistentVolumeSource: 'monitors',
    CephFSVolumeSource: 'monitors',
    ConfigMapProjection: 'items',
    ConfigMapVolumeSource: 'items',
    Container: 'command args envFrom resizePolicy restartPolicyRules',
    ContainerImage: 'names',
    DownwardAPIProjection: 'items',
    DownwardAPIVolumeSource: 'items',
    EndpointSubset: 'addresses notReadyAddresses ports',
    Endpoints: 'subsets',
    EphemeralContainer: 'command args envFrom resizePolicy restartPolicyRules',
    ExecAction: 'command',
    FCVolumeSource: 'targetWWNs wwids',
    HTTPGetAction: 'httpHeaders',
    HostAlias: 'hostnames',
    ISCSIPersistentVolumeSource: 'portals',
    ISCSIVolumeSource: 'portals',
    LimitRangeSpec: 'limits',
    LinuxContainerUser: 'supplementalGroups',
    LoadBalancerIngress: 'ports',
    LoadBalancerStatus: 'ingress',
    NamespaceSpec: 'finalizers',
    NodeAffinity: 'preferredDuringSchedulingIgnoredDuringExecution',
    NodeSelector: 'nodeSelectorTerms',
    NodeSelectorRequirement: 'values',
    NodeSelectorTerm: 'matchExpressions matchFields',
    NodeSpec: 'taints',
    NodeStatus: 'images volumesInUse volumesAttached runtimeHandlers declaredFeatures',
    PersistentVolumeClaimSpec: 'accessModes',
    PersistentVolumeClaimStatus: 'accessModes',
    PersistentVolumeSpec: 'accessModes mountOptions',
    PodAffinity: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution',
    PodAffinityTerm: 'namespaces matchLabelKeys mismatchLabelKeys',
    PodAntiAffinity: 'requiredDuringSchedulingIgnoredDuringExecution preferredDuringSchedulingIgnoredDuringExecution',
    PodDNSConfig: 'nameservers searches options',
    PodExtendedResourceClaimStatus: 'requestMappings',
    PodSecurityContext: 'supplementalGroups sysctls',
    PodSpec: 'tolerations readinessGates',
    PodStatus:
      'initContainerStatuses containerStatuses ephemeralContainerStatuses nodeAllocatableResourceClaimStatuses',
    ProjectedVolumeSource: 'sources',
    RBDPersistentVolumeSource: 'monitors',
    RBDVolumeSource: 'monitors',
    ResourceQuotaSpec: 'scopes',
    ScopeSelector: 'matchExpressions',
    ScopedResourceSelectorRequirement: 'values',
    SecretProjection: 'items',
    SecretVolumeSource: 'items',
    ServiceAccount: 'imagePullSecrets',
    ServiceSpec: 'clusterIPs externalIPs loadBalancerSourceRanges ipFamilies',
    TopologySelectorLabelRequirement: 'values',
    TopologySelectorTerm: 'matchLabelExpressions',
    TopologySpreadConstraint: 'matchLabelKeys',
  },
  'admissionregistration.v1': {
    MatchResources: 'excludeResourceRules resourceRules',
    MutatingAdmissionPolicySpec: 'mutations variables',
    MutatingWebhook: 'admissionReviewVersions rules',
    NamedRuleWithOperations: 'apiGroups apiVersions operations resourceNames resources',
    RuleWithOperations: 'apiGroups apiVersions operations resources',
    TypeChecking: 'expressionWarnings',
    ValidatingAdmissionPolicySpec: 'auditAnnotations validations',
    ValidatingWebhook: 'admissionReviewVersions rules',
  },
  'apps.v1': { StatefulSetSpec: 'volumeClaimTemplates' },
  'autoscaling.v2': {
    HPAScalingRules: 'policies',
    HorizontalPodAutoscalerSpec: 'metrics',
    HorizontalPodAutoscalerStatus: 'currentMetrics',
  },
  'batch.v1': {
    CronJobStatus: 'active',
    PodFailurePolicy: 'rules',
    PodFailurePolicyRule: 'onPodConditions',
    SuccessPolicy: 'rules',
  },
  'certificates.v1': { CertificateSigningRequestSpec: 'groups usages' },
  'discovery.v1': { EndpointHints: 'forZones forNodes', EndpointSlice: 'endpoints ports' },
  'flowcontrol.v1': {
    FlowSchemaSpec: 'rules',
    PolicyRulesWithSubjects: 'subjects resourceRules nonResourceRules',
  },
  'networking.v1': {
    HTTPIngressRuleValue: 'paths',
    IPBlock: 'except',
    IngressLoadBalancerIngress: 'ports',
    IngressLoadBalancerStatus: 'ingress',
    IngressSpec: 'tls rules',
    IngressTLS: 'hosts',
    NetworkPolicyEgressRule: 'ports to',
    NetworkPolicyIngressRule: 'ports from',
    NetworkPolicySpec: 'ingress egress policyTypes',
    ServiceCIDRSpec: 'cidrs',
  },
  'node.v1': { Scheduling: 'tolerations' },
  'rbac.v1': {
    AggregationRule: 'clusterRoleSelectors',
    ClusterRole: 'rules',
    ClusterRoleBinding: 'subjects',
    PolicyRule: 'verbs apiGroups resources resourceNames nonResourceURLs',
    Role: 'rules',
    RoleBinding: 'subjects',
  },
  'resource.v1': {
    CapacityRequestPolicy: 'validValues',
    Device: 'bindingConditions bindingFailureConditions consumesCounters taints',
    DeviceAllocationConfiguration: 'requests',
    DeviceAllocationResult: 'config results',
    DeviceAttribute: 'bools ints strings versions',
    DeviceClaim: 'config constraints requests',
    DeviceClaimConfiguration: 'requests',
    DeviceClassSpec: 'config selectors',
    DeviceConstraint: 'requests',
    DeviceRequest: 'firstAvailable',
    DeviceRequestAllocationResult: 'bindingConditions bindingFailureConditions tolerations',
    DeviceSubRequest: 'selectors tolerations',
    ExactDeviceRequest: 'selectors tolerations',
    NetworkDeviceData: 'ips',
    ResourceSliceSpec: 'devices sharedCounters',
  },
  'storage.v1': {
    CSIDriverSpec: 'tokenRequests',
    CSINodeDriver: 'topologyKeys',
    StorageClass: 'mountOptions allowedTopologies',
  },
  'authentication.v1': {
    TokenRequestSpec: 'audiences',
    TokenReviewSpec: 'audiences',
    TokenReviewStatus: 'audiences',
    UserInfo: 'groups',
  },
  'authorization.v1': {
    FieldSelectorAttributes: 'requirements',
    LabelSelectorAttributes: 'requirements',
    NonResourceRule: 'verbs nonResourceURLs',
    ResourceRule: 'verbs apiGroups resources resourceNames',
    SubjectAccessReviewSpec: 'groups',
    SubjectRulesReviewStatus: 'resourceRules nonResourceRules',
  },
};

/** Types that server-side apply replaces completely. */
export const atomicTypes: Readonly<Record<string, string>> = {
  'meta.v1': 'LabelSelector OwnerReference',
  'admissionregistration.v1': 'MatchResources NamedRuleWithOperations ParamKind ParamRef Variable',
  'core.v1':
    'ConfigMapKeySelector EndpointAddress EndpointPort FileKeySelector LocalObjectReference NodeSelector ' +
    'NodeSelectorTerm ObjectFieldSelector ObjectReference ResourceFieldSelector ScopeSelector SecretKeySelector ' +
    'SecretReference TopologySelectorTerm TypedLocalObjectReference',
  'autoscaling.v1': 'CrossVersionObjectReference',
  'discovery.v1': 'EndpointPort',
  'networking.v1': 'ServiceBackendPort',
  'rbac.v1': 'RoleRef Subject',
};

/** Fields that hold a quantity or a map of quantities; the models have strings. */
export const quantities: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'core.v1': {
    ContainerStatus: 'allocatedResources',
    EmptyDirVolumeSource: 'sizeLimit',
    LimitRangeItem: 'default defaultRequest max maxLimitRequestRatio min',
    NodeAllocatableResourceClaimStatus: 'resources',
    NodeStatus: 'allocatable capacity',
    PersistentVolumeClaimStatus: 'allocatedResources capacity',
    PersistentVolumeSpec: 'capacity',
    PodSpec: 'overhead',
    PodStatus: 'allocatedResources',
    ResourceFieldSelector: 'divisor',
    ResourceQuotaSpec: 'hard',
    ResourceQuotaStatus: 'hard used',
    ResourceRequirements: 'limits requests',
    VolumeResourceRequirements: 'limits requests',
  },
  'autoscaling.v2': {
    HPAScalingRules: 'tolerance',
    MetricTarget: 'averageValue value',
    MetricValueStatus: 'averageValue value',
  },
  'node.v1': { Overhead: 'podFixed' },
  'resource.v1': {
    CapacityRequestPolicy: 'default validValues',
    CapacityRequestPolicyRange: 'max min step',
    CapacityRequirements: 'requests',
    Counter: 'value',
    DeviceCapacity: 'value',
    DeviceRequestAllocationResult: 'consumedCapacity',
    NodeAllocatableResourceMapping: 'allocationMultiplier',
  },
  'storage.v1': { CSIStorageCapacity: 'capacity maximumVolumeSize' },
};

/** A field whose JSON has no single type. `schema`: where the value is an object or a list of objects, they are of this model. */
export interface FreeType {
  /** Upstream's name of the type, in the package of the field. */
  readonly name: string;
  readonly schema?: string;
}

const json: FreeType = { name: 'JSON' };
const schemaProps = 'V1JSONSchemaProps';

/** Per package and `Type.field`; for a list or map the type of its values. The models of @kubernetes/client-node call them all `any`. */
export const freeTypes: Readonly<Record<string, Readonly<Record<string, FreeType>>>> = {
  'apiextensions.v1': {
    'CustomResourceSubresources.status': { name: 'CustomResourceSubresourceStatus' },
    'JSONSchemaProps.additionalItems': { name: 'JSONSchemaPropsOrBool', schema: schemaProps },
    'JSONSchemaProps.additionalProperties': { name: 'JSONSchemaPropsOrBool', schema: schemaProps },
    'JSONSchemaProps.default': json,
    'JSONSchemaProps.dependencies': { name: 'JSONSchemaPropsOrStringArray', schema: schemaProps },
    'JSONSchemaProps.enum': json,
    'JSONSchemaProps.example': json,
    'JSONSchemaProps.items': { name: 'JSONSchemaPropsOrArray', schema: schemaProps },
  },
};
