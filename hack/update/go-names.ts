// The names of Go's types and embedded structs, which the models of @kubernetes/client-node lack: messages of the decoder show them.
// The facts are those of the types of k8s.io/api 1.36. The generator refuses an entry that names no field.

/** Fields, separated by spaces, per package and type. */
type FieldTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Per package and type: the structs that it embeds, with their fields. Messages show the struct in the path of a field. */
export const embedded: Readonly<Record<string, FieldTable>> = {
  'admissionregistration.v1': {
    NamedRuleWithOperations: {
      RuleWithOperations: 'operations',
      'RuleWithOperations.Rule': 'apiGroups apiVersions resources scope',
    },
    RuleWithOperations: {
      Rule: 'apiGroups apiVersions resources scope',
    },
  },
  'core.v1': {
    ConfigMapEnvSource: {
      LocalObjectReference: 'name',
    },
    ConfigMapKeySelector: {
      LocalObjectReference: 'name',
    },
    ConfigMapProjection: {
      LocalObjectReference: 'name',
    },
    ConfigMapVolumeSource: {
      LocalObjectReference: 'name',
    },
    EphemeralContainer: {
      EphemeralContainerCommon:
        'name image command args workingDir ports envFrom env resources resizePolicy restartPolicy ' +
        'restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle ' +
        'terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce ' +
        'tty',
    },
    PersistentVolumeSpec: {
      PersistentVolumeSource:
        'gcePersistentDisk awsElasticBlockStore hostPath glusterfs nfs rbd iscsi cinder cephfs fc flocker ' +
        'flexVolume azureFile vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO ' +
        'local storageos csi',
    },
    Probe: {
      ProbeHandler: 'exec httpGet tcpSocket grpc',
    },
    SecretEnvSource: {
      LocalObjectReference: 'name',
    },
    SecretKeySelector: {
      LocalObjectReference: 'name',
    },
    SecretProjection: {
      LocalObjectReference: 'name',
    },
    Volume: {
      VolumeSource:
        'hostPath emptyDir gcePersistentDisk awsElasticBlockStore gitRepo secret nfs iscsi glusterfs ' +
        'persistentVolumeClaim rbd flexVolume cinder cephfs flocker downwardAPI fc azureFile configMap ' +
        'vsphereVolume quobyte azureDisk photonPersistentDisk projected portworxVolume scaleIO storageos ' +
        'csi ephemeral image',
    },
  },
  'networking.v1': {
    IngressRule: {
      IngressRuleValue: 'http',
    },
  },
  'resource.v1': {
    DeviceAllocationConfiguration: {
      DeviceConfiguration: 'opaque',
    },
    DeviceClaimConfiguration: {
      DeviceConfiguration: 'opaque',
    },
    DeviceClassConfiguration: {
      DeviceConfiguration: 'opaque',
    },
  },
};

/** Per package and type's name in Go: the fields of that type, as `Type.field`. After `[]` and `map[string]` is the type of the items. */
export const namedTypes: FieldTable = {
  'admissionregistration.v1': {
    '[]v1.OperationType': 'NamedRuleWithOperations.operations RuleWithOperations.operations',
    '[]v1.ValidationAction': 'ValidatingAdmissionPolicyBindingSpec.validationActions',
    'v1.FailurePolicyType':
      'MutatingAdmissionPolicySpec.failurePolicy MutatingWebhook.failurePolicy ' +
      'ValidatingAdmissionPolicySpec.failurePolicy ValidatingWebhook.failurePolicy',
    'v1.MatchPolicyType': 'MatchResources.matchPolicy MutatingWebhook.matchPolicy ValidatingWebhook.matchPolicy',
    'v1.ParameterNotFoundActionType': 'ParamRef.parameterNotFoundAction',
    'v1.PatchType': 'Mutation.patchType',
    'v1.ReinvocationPolicyType': 'MutatingAdmissionPolicySpec.reinvocationPolicy MutatingWebhook.reinvocationPolicy',
    'v1.ScopeType': 'NamedRuleWithOperations.scope RuleWithOperations.scope',
    'v1.SideEffectClass': 'MutatingWebhook.sideEffects ValidatingWebhook.sideEffects',
    'v1.StatusReason': 'Validation.reason',
  },
  'apiextensions.v1': {
    'v1.ConditionStatus': 'CustomResourceDefinitionCondition.status',
    'v1.ConversionStrategyType': 'CustomResourceConversion.strategy',
    'v1.CustomResourceDefinitionConditionType': 'CustomResourceDefinitionCondition.type',
    'v1.FieldValueErrorReason': 'ValidationRule.reason',
    'v1.JSONSchemaDefinitions': 'JSONSchemaProps.definitions',
    'v1.JSONSchemaDependencies': 'JSONSchemaProps.dependencies',
    'v1.JSONSchemaURL': 'JSONSchemaProps.$schema',
    'v1.ResourceScope': 'CustomResourceDefinitionSpec.scope',
    'v1.ValidationRules': 'JSONSchemaProps.x-kubernetes-validations',
  },
  'apiregistration.v1': {
    'v1.APIServiceConditionType': 'APIServiceCondition.type',
    'v1.ConditionStatus': 'APIServiceCondition.status',
  },
  'apps.v1': {
    'v1.ConditionStatus':
      'DaemonSetCondition.status DeploymentCondition.status ReplicaSetCondition.status ' +
      'StatefulSetCondition.status',
    'v1.DaemonSetConditionType': 'DaemonSetCondition.type',
    'v1.DaemonSetUpdateStrategyType': 'DaemonSetUpdateStrategy.type',
    'v1.DeploymentConditionType': 'DeploymentCondition.type',
    'v1.DeploymentStrategyType': 'DeploymentStrategy.type',
    'v1.PersistentVolumeClaimRetentionPolicyType':
      'StatefulSetPersistentVolumeClaimRetentionPolicy.whenDeleted ' +
      'StatefulSetPersistentVolumeClaimRetentionPolicy.whenScaled',
    'v1.PodManagementPolicyType': 'StatefulSetSpec.podManagementPolicy',
    'v1.ReplicaSetConditionType': 'ReplicaSetCondition.type',
    'v1.StatefulSetConditionType': 'StatefulSetCondition.type',
    'v1.StatefulSetUpdateStrategyType': 'StatefulSetUpdateStrategy.type',
  },
  'authentication.v1': {
    'map[string]v1.ExtraValue': 'UserInfo.extra',
    'types.UID': 'BoundObjectReference.uid',
  },
  'authorization.v1': {
    'map[string]v1.ExtraValue': 'SubjectAccessReviewSpec.extra',
  },
  'autoscaling.v2': {
    'v1.ConditionStatus': 'HorizontalPodAutoscalerCondition.status',
    'v1.ResourceName':
      'ContainerResourceMetricSource.name ContainerResourceMetricStatus.name ResourceMetricSource.name ' +
      'ResourceMetricStatus.name',
    'v2.HPAScalingPolicyType': 'HPAScalingPolicy.type',
    'v2.HorizontalPodAutoscalerConditionType': 'HorizontalPodAutoscalerCondition.type',
    'v2.MetricSourceType': 'MetricSpec.type MetricStatus.type',
    'v2.MetricTargetType': 'MetricTarget.type',
    'v2.ScalingPolicySelect': 'HPAScalingRules.selectPolicy',
  },
  'batch.v1': {
    '[]types.UID': 'UncountedTerminatedPods.succeeded UncountedTerminatedPods.failed',
    'v1.CompletionMode': 'JobSpec.completionMode',
    'v1.ConcurrencyPolicy': 'CronJobSpec.concurrencyPolicy',
    'v1.ConditionStatus': 'JobCondition.status PodFailurePolicyOnPodConditionsPattern.status',
    'v1.JobConditionType': 'JobCondition.type',
    'v1.PodConditionType': 'PodFailurePolicyOnPodConditionsPattern.type',
    'v1.PodFailurePolicyAction': 'PodFailurePolicyRule.action',
    'v1.PodFailurePolicyOnExitCodesOperator': 'PodFailurePolicyOnExitCodesRequirement.operator',
    'v1.PodReplacementPolicy': 'JobSpec.podReplacementPolicy',
  },
  'certificates.v1': {
    '[]v1.KeyUsage': 'CertificateSigningRequestSpec.usages',
    'map[string]v1.ExtraValue': 'CertificateSigningRequestSpec.extra',
    'v1.ConditionStatus': 'CertificateSigningRequestCondition.status',
    'v1.RequestConditionType': 'CertificateSigningRequestCondition.type',
  },
  'coordination.v1': {
    'v1.CoordinatedLeaseStrategy': 'LeaseSpec.strategy',
  },
  'core.v1': {
    '[]v1.Capability': 'Capabilities.add Capabilities.drop',
    '[]v1.FinalizerName': 'NamespaceSpec.finalizers',
    '[]v1.IPFamily': 'ServiceSpec.ipFamilies',
    '[]v1.PersistentVolumeAccessMode':
      'PersistentVolumeClaimSpec.accessModes PersistentVolumeClaimStatus.accessModes ' +
      'PersistentVolumeSpec.accessModes',
    '[]v1.ResourceQuotaScope': 'ResourceQuotaSpec.scopes',
    '[]v1.UniqueVolumeName': 'NodeStatus.volumesInUse',
    'types.UID': 'ConfigMapNodeConfigSource.uid ObjectReference.uid',
    'v1.AppArmorProfileType': 'AppArmorProfile.type',
    'v1.AzureDataDiskCachingMode': 'AzureDiskVolumeSource.cachingMode',
    'v1.AzureDataDiskKind': 'AzureDiskVolumeSource.kind',
    'v1.ComponentConditionType': 'ComponentCondition.type',
    'v1.ConditionStatus':
      'ComponentCondition.status NamespaceCondition.status NodeCondition.status ' +
      'PersistentVolumeClaimCondition.status PodCondition.status ReplicationControllerCondition.status',
    'v1.ContainerRestartPolicy': 'Container.restartPolicy EphemeralContainer.restartPolicy',
    'v1.ContainerRestartRuleAction': 'ContainerRestartRule.action',
    'v1.ContainerRestartRuleOnExitCodesOperator': 'ContainerRestartRuleOnExitCodes.operator',
    'v1.DNSPolicy': 'PodSpec.dnsPolicy',
    'v1.HostPathType': 'HostPathVolumeSource.type',
    'v1.IPFamilyPolicy': 'ServiceSpec.ipFamilyPolicy',
    'v1.LimitType': 'LimitRangeItem.type',
    'v1.LoadBalancerIPMode': 'LoadBalancerIngress.ipMode',
    'v1.MountPropagationMode': 'VolumeMount.mountPropagation',
    'v1.NamespaceConditionType': 'NamespaceCondition.type',
    'v1.NamespacePhase': 'NamespaceStatus.phase',
    'v1.NodeAddressType': 'NodeAddress.type',
    'v1.NodeConditionType': 'NodeCondition.type',
    'v1.NodeInclusionPolicy': 'TopologySpreadConstraint.nodeAffinityPolicy TopologySpreadConstraint.nodeTaintsPolicy',
    'v1.NodePhase': 'NodeStatus.phase',
    'v1.NodeSelectorOperator': 'NodeSelectorRequirement.operator',
    'v1.OSName': 'PodOS.name',
    'v1.PersistentVolumeClaimConditionType': 'PersistentVolumeClaimCondition.type',
    'v1.PersistentVolumeClaimModifyVolumeStatus': 'ModifyVolumeStatus.status',
    'v1.PersistentVolumeClaimPhase': 'PersistentVolumeClaimStatus.phase',
    'v1.PersistentVolumeMode': 'PersistentVolumeClaimSpec.volumeMode PersistentVolumeSpec.volumeMode',
    'v1.PersistentVolumePhase': 'PersistentVolumeStatus.phase',
    'v1.PersistentVolumeReclaimPolicy': 'PersistentVolumeSpec.persistentVolumeReclaimPolicy',
    'v1.PodConditionType': 'PodCondition.type PodReadinessGate.conditionType',
    'v1.PodFSGroupChangePolicy': 'PodSecurityContext.fsGroupChangePolicy',
    'v1.PodPhase': 'PodStatus.phase',
    'v1.PodQOSClass': 'PodStatus.qosClass',
    'v1.PodResizeStatus': 'PodStatus.resize',
    'v1.PodSELinuxChangePolicy': 'PodSecurityContext.seLinuxChangePolicy',
    'v1.PreemptionPolicy': 'PodSpec.preemptionPolicy',
    'v1.ProcMountType': 'SecurityContext.procMount',
    'v1.Protocol': 'ContainerPort.protocol EndpointPort.protocol PortStatus.protocol ServicePort.protocol',
    'v1.PullPolicy': 'Container.imagePullPolicy EphemeralContainer.imagePullPolicy ImageVolumeSource.pullPolicy',
    'v1.RecursiveReadOnlyMode': 'VolumeMount.recursiveReadOnly VolumeMountStatus.recursiveReadOnly',
    'v1.ReplicationControllerConditionType': 'ReplicationControllerCondition.type',
    'v1.ResourceHealthStatus': 'ResourceHealth.health',
    'v1.ResourceID': 'ResourceHealth.resourceID',
    'v1.ResourceList':
      'ContainerStatus.allocatedResources LimitRangeItem.max LimitRangeItem.min LimitRangeItem.default ' +
      'LimitRangeItem.defaultRequest LimitRangeItem.maxLimitRequestRatio NodeStatus.capacity ' +
      'NodeStatus.allocatable PersistentVolumeClaimStatus.capacity ' +
      'PersistentVolumeClaimStatus.allocatedResources PersistentVolumeSpec.capacity PodSpec.overhead ' +
      'PodStatus.allocatedResources ResourceQuotaSpec.hard ResourceQuotaStatus.hard ' +
      'ResourceQuotaStatus.used ResourceRequirements.limits ResourceRequirements.requests ' +
      'VolumeResourceRequirements.limits VolumeResourceRequirements.requests',
    'v1.ResourceName': 'ContainerResizePolicy.resourceName ResourceStatus.name',
    'v1.ResourceQuotaScope': 'ScopedResourceSelectorRequirement.scopeName',
    'v1.ResourceResizeRestartPolicy': 'ContainerResizePolicy.restartPolicy',
    'v1.RestartPolicy': 'PodSpec.restartPolicy',
    'v1.ScopeSelectorOperator': 'ScopedResourceSelectorRequirement.operator',
    'v1.SeccompProfileType': 'SeccompProfile.type',
    'v1.SecretType': 'Secret.type',
    'v1.ServiceAffinity': 'ServiceSpec.sessionAffinity',
    'v1.ServiceExternalTrafficPolicy': 'ServiceSpec.externalTrafficPolicy',
    'v1.ServiceInternalTrafficPolicy': 'ServiceSpec.internalTrafficPolicy',
    'v1.ServiceType': 'ServiceSpec.type',
    'v1.Signal': 'ContainerStatus.stopSignal Lifecycle.stopSignal',
    'v1.StorageMedium': 'EmptyDirVolumeSource.medium',
    'v1.SupplementalGroupsPolicy': 'PodSecurityContext.supplementalGroupsPolicy',
    'v1.TaintEffect': 'Taint.effect Toleration.effect',
    'v1.TerminationMessagePolicy': 'Container.terminationMessagePolicy EphemeralContainer.terminationMessagePolicy',
    'v1.TolerationOperator': 'Toleration.operator',
    'v1.URIScheme': 'HTTPGetAction.scheme',
    'v1.UniqueVolumeName': 'AttachedVolume.name',
    'v1.UnsatisfiableConstraintAction': 'TopologySpreadConstraint.whenUnsatisfiable',
  },
  'discovery.v1': {
    'v1.AddressType': 'EndpointSlice.addressType',
    'v1.Protocol': 'EndpointPort.protocol',
  },
  'flowcontrol.v1': {
    'v1.ConditionStatus': 'FlowSchemaCondition.status PriorityLevelConfigurationCondition.status',
    'v1.FlowDistinguisherMethodType': 'FlowDistinguisherMethod.type',
    'v1.FlowSchemaConditionType': 'FlowSchemaCondition.type',
    'v1.LimitResponseType': 'LimitResponse.type',
    'v1.PriorityLevelConfigurationConditionType': 'PriorityLevelConfigurationCondition.type',
    'v1.PriorityLevelEnablement': 'PriorityLevelConfigurationSpec.type',
    'v1.SubjectKind': 'Subject.kind',
  },
  'meta.v1': {
    'types.UID': 'ObjectMeta.uid OwnerReference.uid Preconditions.uid StatusDetails.uid',
    'v1.CauseType': 'StatusCause.reason',
    'v1.ConditionStatus': 'Condition.status',
    'v1.DeletionPropagation': 'DeleteOptions.propagationPolicy',
    'v1.FieldSelectorOperator': 'FieldSelectorRequirement.operator',
    'v1.LabelSelectorOperator': 'LabelSelectorRequirement.operator',
    'v1.ManagedFieldsOperationType': 'ManagedFieldsEntry.operation',
    'v1.StatusReason': 'Status.reason',
    'v1.Verbs': 'APIResource.verbs',
  },
  'networking.v1': {
    '[]v1.PolicyType': 'NetworkPolicySpec.policyTypes',
    'v1.PathType': 'HTTPIngressPath.pathType',
    'v1.Protocol': 'IngressPortStatus.protocol NetworkPolicyPort.protocol',
  },
  'node.v1': {
    'v1.ResourceList': 'Overhead.podFixed',
  },
  'policy.v1': {
    'v1.UnhealthyPodEvictionPolicyType': 'PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy',
  },
  'resource.v1': {
    'map[v1.QualifiedName]resource.Quantity':
      'CapacityRequirements.requests DeviceRequestAllocationResult.consumedCapacity',
    'map[v1.QualifiedName]v1.DeviceAttribute': 'Device.attributes',
    'map[v1.QualifiedName]v1.DeviceCapacity': 'Device.capacity',
    'types.UID': 'ResourceClaimConsumerReference.uid DeviceRequestAllocationResult.shareID',
    'v1.AllocationConfigSource': 'DeviceAllocationConfiguration.source',
    'v1.DeviceAllocationMode': 'DeviceSubRequest.allocationMode ExactDeviceRequest.allocationMode',
    'v1.DeviceTaintEffect': 'DeviceTaint.effect DeviceToleration.effect',
    'v1.DeviceTolerationOperator': 'DeviceToleration.operator',
    'v1.FullyQualifiedName': 'DeviceConstraint.matchAttribute DeviceConstraint.distinctAttribute',
    'v1.QualifiedName': 'NodeAllocatableResourceMapping.capacityKey',
  },
  'scheduling.v1': {
    'v1.PreemptionPolicy': 'PriorityClass.preemptionPolicy',
  },
  'storage.v1': {
    '[]v1.VolumeLifecycleMode': 'CSIDriverSpec.volumeLifecycleModes',
    'v1.FSGroupPolicy': 'CSIDriverSpec.fsGroupPolicy',
    'v1.PersistentVolumeReclaimPolicy': 'StorageClass.reclaimPolicy',
    'v1.VolumeBindingMode': 'StorageClass.volumeBindingMode',
  },
};
