// The exports of the API kinds for controllers and agents: types, kind references, keys, selectors, and facts about objects.

export { type APIService, apiServices } from './api-service';
export {
  type CertificateSigningRequest,
  certificateSigningRequests,
  hasCondition as hasCertificateCondition,
} from './certificate-signing-request';
export { type ClusterRole, clusterRoles } from './cluster-role';
export { type ClusterRoleBinding, clusterRoleBindings } from './cluster-role-binding';
export * from './conditions';
export { type ConfigMap, configMaps } from './config-map';
export { type ControllerRevision, controllerRevisions } from './controller-revision';
export type { CustomResourceDefinition } from './crd/types';
export { type CronJob, cronJobs } from './cron-job';
export { type CSIDriver, csiDrivers } from './csi-driver';
export { type CSINode, csiNodes } from './csi-node';
export { type CSIStorageCapacity, csiStorageCapacities } from './csi-storage-capacity';
export { customResourceDefinitions } from './custom-resource-definition';
export { type DaemonSet, daemonSets } from './daemon-set';
export { type Deployment, deployments } from './deployment';
export { type DeviceClass, deviceClasses } from './device-class';
export { type EndpointSlice, endpointSlices } from './endpoint-slice';
export { type Endpoints, endpoints } from './endpoints';
export { type Event, events } from './event';
export { type EventV1, eventsV1 } from './event-v1';
export { type FlowSchema, flowSchemas } from './flow-schema';
export { type HorizontalPodAutoscaler, horizontalPodAutoscalers } from './horizontal-pod-autoscaler';
export { horizontalPodAutoscalersV1 } from './horizontal-pod-autoscaler-v1';
export { type Ingress, ingresses } from './ingress';
export { type IngressClass, ingressClasses } from './ingress-class';
export { type IPAddress, ipAddresses } from './ip-address';
export { type Job, jobs } from './job';
export type { KindRef } from './kind';
export { type Lease, leases } from './lease';
export { type LimitRange, limitRanges } from './limit-range';
export { type MutatingAdmissionPolicy, mutatingAdmissionPolicies } from './mutating-admission-policy';
export {
  type MutatingAdmissionPolicyBinding,
  mutatingAdmissionPolicyBindings,
} from './mutating-admission-policy-binding';
export {
  type MutatingWebhookConfiguration,
  mutatingWebhookConfigurations,
} from './mutating-webhook-configuration';
export { type Namespace, namespaces } from './namespace';
export { type NetworkPolicy, networkPolicies } from './network-policy';
export { conntrackFullCondition, type Node, nodes } from './node';
export { controlPlaneLabel, forbiddenNodeLabels, parseNodeLabels } from './node-labels';
export { notReadyTaint, unreachableTaint } from './node-taints';
export { type PersistentVolume, persistentVolumes } from './persistent-volume';
export { type PersistentVolumeClaim, persistentVolumeClaims } from './persistent-volume-claim';
export { type Pod, pods } from './pod';
export { type PodDisruptionBudget, podDisruptionBudgets } from './pod-disruption-budget';
export { type PodTemplate, podTemplates } from './pod-template';
export { effectiveSpec } from './pods/effective-resources';
export * from './pods/facts';
export { hostPortsClash, hostPortsOf } from './pods/host-ports';
export { allowsNode, tolerates } from './pods/placement';
export { qosClass } from './pods/qos';
export { limitsOf, requestsOf } from './pods/requests';
export * from './pods/restarts';
export { type PriorityClass, priorityClasses, systemCriticalPriority } from './priority-class';
export { type PriorityLevelConfiguration, priorityLevelConfigurations } from './priority-level-configuration';
export { type ReplicaSet, replicaSets } from './replica-set';
export { type ReplicationController, replicationControllers } from './replication-controller';
export { type ResourceClaim, resourceClaims } from './resource-claim';
export { type ResourceClaimTemplate, resourceClaimTemplates } from './resource-claim-template';
export { type ResourceQuota, resourceQuotas } from './resource-quota';
export { type ResourceSlice, resourceSlices } from './resource-slice';
export { type Role, roles } from './role';
export { type RoleBinding, roleBindings } from './role-binding';
export { type RuntimeClass, runtimeClasses } from './runtime-class';
export { type Secret, secrets } from './secret';
export * from './selector';
export { type Service, services } from './service';
export { type ServiceAccount, serviceAccounts } from './service-account';
export { type ServiceCIDR, serviceCidrs } from './service-cidr';
export { rangesOf as serviceCidrRanges } from './service-cidrs/facts';
export { defaultAffinitySeconds } from './services/defaults';
export * from './slices/facts';
export { type StatefulSet, statefulSets } from './stateful-set';
export { type StorageClass, storageClasses } from './storage-class';
export * from './types';
export { type ValidatingAdmissionPolicy, validatingAdmissionPolicies } from './validating-admission-policy';
export {
  type ValidatingAdmissionPolicyBinding,
  validatingAdmissionPolicyBindings,
} from './validating-admission-policy-binding';
export {
  type ValidatingWebhookConfiguration,
  validatingWebhookConfigurations,
} from './validating-webhook-configuration';
export { subjectAccessReviews, tokenReviews } from './virtual';
export { type VolumeAttachment, volumeAttachments } from './volume-attachment';
export { type VolumeAttributesClass, volumeAttributesClasses } from './volume-attributes-class';
export { attachedVolumeName, attachmentName, parseAttachedVolumeName } from './volumes/attachment-names';
