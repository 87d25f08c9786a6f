// Which API package each client-node model belongs to. The models carry only `V1` and the type's name; OpenAPI names
// the package too: V1Deployment is io.k8s.api.apps.v1.Deployment.

const prefixes: ReadonlyArray<readonly [string, string]> = [
  ['AdmissionregistrationV1', 'admissionregistration.v1'],
  ['ApiextensionsV1', 'apiextensions.v1'],
  ['ApiregistrationV1', 'apiregistration.v1'],
  ['CoreV1', 'core.v1'],
  ['EventsV1', 'events.v1'],
  ['DiscoveryV1', 'discovery.v1'],
  ['RbacV1', 'rbac.v1'],
  ['AuthenticationV1', 'authentication.v1'],
  ['FlowcontrolV1', 'flowcontrol.v1'],
  ['ResourceV1', 'resource.v1'],
  ['StorageV1', 'storage.v1'],
  ['V2', 'autoscaling.v2'],
];

/** Types outside core.v1. */
const types: Readonly<Record<string, string>> = {
  'meta.v1':
    'APIGroup APIGroupList APIResource APIResourceList APIVersions Condition DeleteOptions FieldSelectorRequirement ' +
    'GroupVersionForDiscovery LabelSelector LabelSelectorRequirement ListMeta ManagedFieldsEntry ObjectMeta ' +
    'OwnerReference Preconditions ServerAddressByClientCIDR ShardInfo Status StatusCause StatusDetails',
  'admissionregistration.v1':
    'ApplyConfiguration AuditAnnotation ExpressionWarning JSONPatch MatchCondition MatchResources ' +
    'MutatingAdmissionPolicy MutatingAdmissionPolicyBinding MutatingAdmissionPolicyBindingSpec ' +
    'MutatingAdmissionPolicySpec MutatingWebhook MutatingWebhookConfiguration Mutation NamedRuleWithOperations ' +
    'ParamKind ParamRef RuleWithOperations TypeChecking ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding ' +
    'ValidatingAdmissionPolicyBindingSpec ValidatingAdmissionPolicySpec ValidatingAdmissionPolicyStatus ' +
    'ValidatingWebhook ValidatingWebhookConfiguration Validation Variable',
  'apiextensions.v1':
    'CustomResourceColumnDefinition CustomResourceConversion CustomResourceDefinition CustomResourceDefinitionCondition ' +
    'CustomResourceDefinitionNames CustomResourceDefinitionSpec CustomResourceDefinitionStatus ' +
    'CustomResourceDefinitionVersion CustomResourceSubresourceScale CustomResourceSubresources CustomResourceValidation ' +
    'ExternalDocumentation JSONSchemaProps SelectableField ValidationRule WebhookConversion',
  'apiregistration.v1': 'APIService APIServiceCondition APIServiceSpec APIServiceStatus',
  'apps.v1':
    'ControllerRevision DaemonSet DaemonSetCondition DaemonSetSpec DaemonSetStatus DaemonSetUpdateStrategy Deployment ' +
    'DeploymentCondition DeploymentSpec DeploymentStatus DeploymentStrategy ReplicaSet ReplicaSetCondition ' +
    'ReplicaSetSpec ReplicaSetStatus RollingUpdateDaemonSet RollingUpdateDeployment ' +
    'RollingUpdateStatefulSetStrategy StatefulSet StatefulSetCondition StatefulSetOrdinals ' +
    'StatefulSetPersistentVolumeClaimRetentionPolicy StatefulSetSpec StatefulSetStatus StatefulSetUpdateStrategy',
  'authentication.v1':
    'BoundObjectReference SelfSubjectReview SelfSubjectReviewStatus TokenRequestSpec TokenRequestStatus TokenReview ' +
    'TokenReviewSpec TokenReviewStatus UserInfo',
  'authorization.v1':
    'FieldSelectorAttributes LabelSelectorAttributes LocalSubjectAccessReview NonResourceAttributes NonResourceRule ' +
    'ResourceAttributes ResourceRule SelfSubjectAccessReview SelfSubjectAccessReviewSpec SelfSubjectRulesReview ' +
    'SelfSubjectRulesReviewSpec SubjectAccessReview SubjectAccessReviewSpec SubjectAccessReviewStatus ' +
    'SubjectRulesReviewStatus',
  'autoscaling.v1':
    'CrossVersionObjectReference HorizontalPodAutoscaler HorizontalPodAutoscalerSpec HorizontalPodAutoscalerStatus Scale ' +
    'ScaleSpec ScaleStatus',
  'batch.v1':
    'CronJob CronJobSpec CronJobStatus Job JobCondition JobSpec JobStatus JobTemplateSpec PodFailurePolicy ' +
    'PodFailurePolicyOnExitCodesRequirement PodFailurePolicyOnPodConditionsPattern PodFailurePolicyRule ' +
    'SuccessPolicy SuccessPolicyRule UncountedTerminatedPods',
  'certificates.v1':
    'CertificateSigningRequest CertificateSigningRequestCondition CertificateSigningRequestSpec ' +
    'CertificateSigningRequestStatus',
  'coordination.v1': 'Lease LeaseSpec',
  'discovery.v1': 'Endpoint EndpointConditions EndpointHints EndpointSlice ForNode ForZone',
  'flowcontrol.v1':
    'ExemptPriorityLevelConfiguration FlowDistinguisherMethod FlowSchema FlowSchemaCondition FlowSchemaSpec ' +
    'FlowSchemaStatus GroupSubject LimitResponse LimitedPriorityLevelConfiguration NonResourcePolicyRule ' +
    'PolicyRulesWithSubjects PriorityLevelConfiguration PriorityLevelConfigurationCondition ' +
    'PriorityLevelConfigurationReference PriorityLevelConfigurationSpec PriorityLevelConfigurationStatus ' +
    'QueuingConfiguration ResourcePolicyRule ServiceAccountSubject UserSubject',
  'networking.v1':
    'HTTPIngressPath HTTPIngressRuleValue IPAddress IPAddressSpec IPBlock Ingress IngressBackend IngressClass ' +
    'IngressClassParametersReference IngressClassSpec IngressLoadBalancerIngress IngressLoadBalancerStatus ' +
    'IngressPortStatus IngressRule IngressServiceBackend IngressSpec IngressStatus IngressTLS NetworkPolicy ' +
    'NetworkPolicyEgressRule NetworkPolicyIngressRule NetworkPolicyPeer NetworkPolicyPort NetworkPolicySpec ' +
    'ParentReference ServiceBackendPort ServiceCIDR ServiceCIDRSpec ServiceCIDRStatus',
  'node.v1': 'Overhead RuntimeClass Scheduling',
  'policy.v1': 'Eviction PodDisruptionBudget PodDisruptionBudgetSpec PodDisruptionBudgetStatus',
  'rbac.v1': 'AggregationRule ClusterRole ClusterRoleBinding PolicyRule Role RoleBinding RoleRef',
  'resource.v1':
    'AllocatedDeviceStatus AllocationResult CELDeviceSelector CapacityRequestPolicy CapacityRequestPolicyRange ' +
    'CapacityRequirements Counter CounterSet Device DeviceAllocationConfiguration DeviceAllocationResult DeviceAttribute ' +
    'DeviceCapacity DeviceClaim DeviceClaimConfiguration DeviceClass DeviceClassConfiguration DeviceClassSpec ' +
    'DeviceConstraint DeviceCounterConsumption DeviceRequest DeviceRequestAllocationResult DeviceSelector ' +
    'DeviceSubRequest DeviceTaint DeviceToleration ExactDeviceRequest NetworkDeviceData NodeAllocatableResourceMapping ' +
    'OpaqueDeviceConfiguration ResourceClaim ResourceClaimConsumerReference ResourceClaimSpec ResourceClaimStatus ' +
    'ResourceClaimTemplate ResourceClaimTemplateSpec ResourcePool ResourceSlice ResourceSliceSpec',
  'scheduling.v1': 'PriorityClass',
  'storage.v1':
    'CSIDriver CSIDriverSpec CSINode CSINodeDriver CSINodeSpec CSIStorageCapacity StorageClass VolumeAttachment ' +
    'VolumeAttachmentSource VolumeAttachmentSpec VolumeAttachmentStatus VolumeAttributesClass VolumeError ' +
    'VolumeNodeResources',
};

const packageOfType = new Map(
  Object.entries(types).flatMap(([pkg, names]) => names.split(' ').map((name) => [name, pkg] as const)),
);

export interface TypeName {
  /** core.v1, meta.v1, apps.v1 ... */
  readonly pkg: string;
  readonly type: string;
}

/** V1PodList and CoreV1EventList belong to the package of their items. */
export function typeOfModel(model: string): TypeName {
  for (const [prefix, pkg] of prefixes) {
    if (model.startsWith(prefix)) return { pkg, type: model.slice(prefix.length) };
  }
  const type = model.replace(/^V1/, '');
  const item = type.endsWith('List') && !packageOfType.has(type) ? type.slice(0, -'List'.length) : type;
  return { pkg: packageOfType.get(item) ?? 'core.v1', type };
}

/** Packages outside k8s.io/api, by the part of a definition's name before the package. */
const roots: Readonly<Record<string, string>> = {
  'apiextensions.v1': 'io.k8s.apiextensions-apiserver.pkg.apis',
  'apiregistration.v1': 'io.k8s.kube-aggregator.pkg.apis',
  'meta.v1': 'io.k8s.apimachinery.pkg.apis',
};

export const definitionName = ({ pkg, type }: TypeName): string => `${roots[pkg] ?? 'io.k8s.api'}.${pkg}.${type}`;
