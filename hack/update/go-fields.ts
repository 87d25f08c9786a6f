// Which fields Go writes when they are zero, which the models of @kubernetes/client-node lack: the decoder gives an object the form
// that kube-apiserver gives it. The facts are those of the types of k8s.io/api 1.36. The generator refuses an entry that names no
// field, so that an outdated table is noticed.

/** Fields, separated by spaces, per package and type. */
export type FieldTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Per package and type: the optional scalars that are pointers in Go. Their zero value (0, false, '') is kept; that of others means absent. */
export const pointers: FieldTable = {
  'admissionregistration.v1': {
    MatchResources: 'matchPolicy',
    MutatingAdmissionPolicySpec: 'failurePolicy',
    MutatingWebhook: 'failurePolicy matchPolicy timeoutSeconds reinvocationPolicy',
    NamedRuleWithOperations: 'scope',
    ParamRef: 'parameterNotFoundAction',
    RuleWithOperations: 'scope',
    ServiceReference: 'path port',
    ValidatingAdmissionPolicySpec: 'failurePolicy',
    ValidatingWebhook: 'failurePolicy matchPolicy timeoutSeconds',
    Validation: 'reason',
    WebhookClientConfig: 'url',
  },
  'apiextensions.v1': {
    CustomResourceDefinitionVersion: 'deprecationWarning',
    CustomResourceSubresourceScale: 'labelSelectorPath',
    JSONSchemaProps:
      '$ref maximum minimum maxLength minLength maxItems minItems multipleOf maxProperties minProperties ' +
      'x-kubernetes-preserve-unknown-fields x-kubernetes-list-type x-kubernetes-map-type',
    ServiceReference: 'path port',
    ValidationRule: 'reason optionalOldSelf',
    WebhookClientConfig: 'url',
  },
  'apiregistration.v1': {
    ServiceReference: 'port',
  },
  'apps.v1': {
    DaemonSetSpec: 'revisionHistoryLimit',
    DaemonSetStatus: 'collisionCount',
    DeploymentSpec: 'replicas revisionHistoryLimit progressDeadlineSeconds',
    DeploymentStatus: 'terminatingReplicas collisionCount',
    ReplicaSetSpec: 'replicas',
    ReplicaSetStatus: 'terminatingReplicas',
    RollingUpdateStatefulSetStrategy: 'partition',
    StatefulSetSpec: 'replicas revisionHistoryLimit',
    StatefulSetStatus: 'collisionCount',
  },
  'authentication.v1': {
    TokenRequestSpec: 'expirationSeconds',
  },
  'autoscaling.v1': {
    HorizontalPodAutoscalerSpec: 'minReplicas targetCPUUtilizationPercentage',
    HorizontalPodAutoscalerStatus: 'observedGeneration currentCPUUtilizationPercentage',
  },
  'autoscaling.v2': {
    HPAScalingRules: 'stabilizationWindowSeconds selectPolicy',
    HorizontalPodAutoscalerSpec: 'minReplicas',
    HorizontalPodAutoscalerStatus: 'observedGeneration',
    MetricTarget: 'averageUtilization',
    MetricValueStatus: 'averageUtilization',
  },
  'batch.v1': {
    CronJobSpec: 'timeZone startingDeadlineSeconds suspend successfulJobsHistoryLimit failedJobsHistoryLimit',
    JobSpec:
      'parallelism completions activeDeadlineSeconds backoffLimit backoffLimitPerIndex maxFailedIndexes ' +
      'manualSelector ttlSecondsAfterFinished completionMode suspend podReplacementPolicy managedBy',
    JobStatus: 'terminating failedIndexes ready',
    PodFailurePolicyOnExitCodesRequirement: 'containerName',
    SuccessPolicyRule: 'succeededIndexes succeededCount',
  },
  'certificates.v1': {
    CertificateSigningRequestSpec: 'expirationSeconds',
  },
  'coordination.v1': {
    LeaseSpec: 'holderIdentity leaseDurationSeconds leaseTransitions strategy preferredHolder',
  },
  'core.v1': {
    TypedLocalObjectReference: 'apiGroup',
    GRPCAction: 'service',
    AzureFilePersistentVolumeSource: 'secretNamespace',
    AppArmorProfile: 'localhostProfile',
    AzureDiskVolumeSource: 'cachingMode fsType readOnly kind',
    CSIVolumeSource: 'readOnly fsType',
    ClientIPConfig: 'timeoutSeconds',
    ClusterTrustBundleProjection: 'name signerName optional',
    ConfigMap: 'immutable',
    ConfigMapEnvSource: 'optional',
    ConfigMapKeySelector: 'optional',
    ConfigMapProjection: 'optional',
    ConfigMapVolumeSource: 'defaultMode optional',
    Container: 'restartPolicy',
    ContainerStatus: 'started stopSignal',
    DownwardAPIVolumeFile: 'mode',
    DownwardAPIVolumeSource: 'defaultMode',
    EndpointAddress: 'nodeName',
    EndpointPort: 'appProtocol',
    EphemeralContainer: 'restartPolicy',
    FCVolumeSource: 'lun',
    FileKeySelector: 'optional',
    GlusterfsPersistentVolumeSource: 'endpointsNamespace',
    HostPathVolumeSource: 'type',
    ISCSIPersistentVolumeSource: 'initiatorName',
    ISCSIVolumeSource: 'initiatorName',
    KeyToPath: 'mode',
    Lifecycle: 'stopSignal',
    LoadBalancerIngress: 'ipMode',
    LocalVolumeSource: 'fsType',
    NodeFeatures: 'supplementalGroupsPolicy',
    NodeRuntimeHandlerFeatures: 'recursiveReadOnlyMounts userNamespaces',
    NodeSwapStatus: 'capacity',
    PersistentVolumeClaimSpec: 'storageClassName volumeMode volumeAttributesClassName',
    PersistentVolumeClaimStatus: 'currentVolumeAttributesClassName',
    PersistentVolumeSpec: 'volumeMode volumeAttributesClassName',
    PodCertificateProjection: 'maxExpirationSeconds',
    PodDNSConfigOption: 'value',
    PodResourceClaim: 'resourceClaimName resourceClaimTemplateName',
    PodResourceClaimStatus: 'resourceClaimName',
    PodSchedulingGroup: 'podGroupName',
    PodSecurityContext:
      'runAsUser runAsGroup runAsNonRoot supplementalGroupsPolicy fsGroup fsGroupChangePolicy ' + 'seLinuxChangePolicy',
    PodSpec:
      'terminationGracePeriodSeconds activeDeadlineSeconds automountServiceAccountToken ' +
      'shareProcessNamespace priority runtimeClassName enableServiceLinks preemptionPolicy ' +
      'setHostnameAsFQDN hostUsers hostnameOverride',
    PortStatus: 'error',
    Probe: 'terminationGracePeriodSeconds',
    ProjectedVolumeSource: 'defaultMode',
    ReplicationControllerSpec: 'replicas',
    ResourceHealth: 'message',
    SeccompProfile: 'localhostProfile',
    Secret: 'immutable',
    SecretEnvSource: 'optional',
    SecretKeySelector: 'optional',
    SecretProjection: 'optional',
    SecretVolumeSource: 'defaultMode optional',
    SecurityContext:
      'privileged runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation ' + 'procMount',
    ServiceAccount: 'automountServiceAccountToken',
    ServiceAccountTokenProjection: 'expirationSeconds',
    ServicePort: 'appProtocol',
    ServiceSpec:
      'ipFamilyPolicy allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy ' + 'trafficDistribution',
    Toleration: 'tolerationSeconds',
    TopologySpreadConstraint: 'minDomains nodeAffinityPolicy nodeTaintsPolicy',
    TypedObjectReference: 'namespace apiGroup',
    VolumeMount: 'recursiveReadOnly mountPropagation',
    VolumeMountStatus: 'recursiveReadOnly',
    WindowsSecurityContextOptions: 'gmsaCredentialSpecName gmsaCredentialSpec runAsUserName hostProcess',
  },
  'discovery.v1': {
    Endpoint: 'hostname nodeName zone',
    EndpointConditions: 'ready serving terminating',
    EndpointPort: 'name protocol port appProtocol',
  },
  'flowcontrol.v1': {
    ExemptPriorityLevelConfiguration: 'nominalConcurrencyShares lendablePercent',
    LimitedPriorityLevelConfiguration: 'lendablePercent borrowingLimitPercent nominalConcurrencyShares',
  },
  'meta.v1': {
    DeleteOptions:
      'gracePeriodSeconds orphanDependents propagationPolicy ' + 'ignoreStoreReadErrorWithClusterBreakingPotential',
    ListMeta: 'remainingItemCount',
    ObjectMeta: 'deletionGracePeriodSeconds',
    OwnerReference: 'controller blockOwnerDeletion',
    Preconditions: 'resourceVersion',
  },
  'networking.v1': {
    IngressClassParametersReference: 'apiGroup namespace scope',
    IngressPortStatus: 'error',
    IngressSpec: 'ingressClassName',
    NetworkPolicyPort: 'protocol endPort',
  },
  'policy.v1': {
    PodDisruptionBudgetSpec: 'unhealthyPodEvictionPolicy',
  },
  'resource.v1': {
    AllocatedDeviceStatus: 'shareID',
    Device: 'nodeName allNodes bindsToNode allowMultipleAllocations',
    DeviceAttribute: 'int bool string version',
    DeviceClassSpec: 'extendedResourceName',
    DeviceConstraint: 'matchAttribute distinctAttribute',
    DeviceRequestAllocationResult: 'adminAccess',
    DeviceToleration: 'tolerationSeconds',
    ExactDeviceRequest: 'adminAccess',
    NodeAllocatableResourceMapping: 'capacityKey',
    ResourceSliceSpec: 'nodeName allNodes perDeviceNodeSelection',
  },
  'storage.v1': {
    CSIDriverSpec:
      'attachRequired podInfoOnMount storageCapacity fsGroupPolicy requiresRepublish seLinuxMount ' +
      'nodeAllocatableUpdatePeriodSeconds serviceAccountTokenInSecrets preventPodSchedulingIfMissing',
    StorageClass: 'reclaimPolicy allowVolumeExpansion volumeBindingMode',
    TokenRequest: 'expirationSeconds',
    VolumeAttachmentSource: 'persistentVolumeName',
    VolumeError: 'errorCode',
    VolumeNodeResources: 'count',
  },
};

/** Optional scalars that Go writes even when they are zero, as most required ones: fields without omitempty. */
export const written: FieldTable = {
  'apps.v1': {
    StatefulSetOrdinals: 'start',
    StatefulSetSpec: 'serviceName',
    StatefulSetStatus: 'availableReplicas',
  },
  'authentication.v1': {
    TokenRequestStatus: 'token',
  },
  'batch.v1': {
    PodFailurePolicyOnPodConditionsPattern: 'status',
  },
  'core.v1': {
    Event: 'reportingComponent reportingInstance',
    NodeRuntimeHandler: 'name',
  },
  'flowcontrol.v1': {
    FlowSchemaSpec: 'matchingPrecedence',
    QueuingConfiguration: 'handSize queues queueLengthLimit',
  },
  'policy.v1': {
    PodDisruptionBudgetStatus: 'currentHealthy expectedPods desiredHealthy disruptionsAllowed',
  },
  'rbac.v1': {
    RoleRef: 'apiGroup',
  },
  'scheduling.v1': {
    PriorityClass: 'value',
  },
};

/** Required scalars that Go omits when they are zero: fields with omitempty. */
export const omitted: FieldTable = {
  'admissionregistration.v1': {
    ValidatingAdmissionPolicyBindingSpec: 'policyName',
  },
  'authentication.v1': {
    TokenReviewSpec: 'token',
  },
  'core.v1': {
    ContainerRestartRule: 'action',
    ContainerRestartRuleOnExitCodes: 'operator',
    ImageVolumeStatus: 'imageRef',
    PodCertificateProjection: 'keyType signerName',
  },
  'networking.v1': {
    ParentReference: 'name resource',
  },
};
