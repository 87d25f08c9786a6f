// Every kind the API serves. CONTRIBUTING.md says how to add a kind.

import { apiServices } from './api-service';
import { certificateSigningRequests } from './certificate-signing-request';
import { clusterRoles } from './cluster-role';
import { clusterRoleBindings } from './cluster-role-binding';
import { configMaps } from './config-map';
import { controllerRevisions } from './controller-revision';
import { cronJobs } from './cron-job';
import { csiDrivers } from './csi-driver';
import { csiNodes } from './csi-node';
import { csiStorageCapacities } from './csi-storage-capacity';
import { customResourceDefinitions } from './custom-resource-definition';
import { daemonSets } from './daemon-set';
import { deployments } from './deployment';
import { deviceClasses } from './device-class';
import { endpointSlices } from './endpoint-slice';
import { endpoints } from './endpoints';
import { events } from './event';
import { eventsV1 } from './event-v1';
import { flowSchemas } from './flow-schema';
import { horizontalPodAutoscalers } from './horizontal-pod-autoscaler';
import { horizontalPodAutoscalersV1 } from './horizontal-pod-autoscaler-v1';
import { ingresses } from './ingress';
import { ingressClasses } from './ingress-class';
import { ipAddresses } from './ip-address';
import { jobs } from './job';
import type { Kind } from './kind';
import { leases } from './lease';
import { limitRanges } from './limit-range';
import { mutatingAdmissionPolicies } from './mutating-admission-policy';
import { mutatingAdmissionPolicyBindings } from './mutating-admission-policy-binding';
import { mutatingWebhookConfigurations } from './mutating-webhook-configuration';
import { namespaces } from './namespace';
import { networkPolicies } from './network-policy';
import { nodes } from './node';
import { persistentVolumes } from './persistent-volume';
import { persistentVolumeClaims } from './persistent-volume-claim';
import { pods } from './pod';
import { podDisruptionBudgets } from './pod-disruption-budget';
import { podTemplates } from './pod-template';
import { priorityClasses } from './priority-class';
import { priorityLevelConfigurations } from './priority-level-configuration';
import { replicaSets } from './replica-set';
import { replicationControllers } from './replication-controller';
import { resourceClaims } from './resource-claim';
import { resourceClaimTemplates } from './resource-claim-template';
import { resourceQuotas } from './resource-quota';
import { resourceSlices } from './resource-slice';
import { roles } from './role';
import { roleBindings } from './role-binding';
import { runtimeClasses } from './runtime-class';
import { secrets } from './secret';
import { services } from './service';
import { serviceAccounts } from './service-account';
import { serviceCidrs } from './service-cidr';
import { statefulSets } from './stateful-set';
import { storageClasses } from './storage-class';
import { validatingAdmissionPolicies } from './validating-admission-policy';
import { validatingAdmissionPolicyBindings } from './validating-admission-policy-binding';
import { validatingWebhookConfigurations } from './validating-webhook-configuration';
import { volumeAttachments } from './volume-attachment';
import { volumeAttributesClasses } from './volume-attributes-class';

export const registry: readonly Kind[] = [
  pods,
  services,
  endpoints,
  nodes,
  namespaces,
  configMaps,
  secrets,
  serviceAccounts,
  limitRanges,
  resourceQuotas,
  persistentVolumes,
  persistentVolumeClaims,
  podTemplates,
  replicationControllers,
  events,
  eventsV1,
  deployments,
  replicaSets,
  daemonSets,
  statefulSets,
  controllerRevisions,
  jobs,
  cronJobs,
  horizontalPodAutoscalers,
  horizontalPodAutoscalersV1,
  endpointSlices,
  ingresses,
  ingressClasses,
  networkPolicies,
  serviceCidrs,
  ipAddresses,
  leases,
  certificateSigningRequests,
  customResourceDefinitions,
  podDisruptionBudgets,
  priorityClasses,
  flowSchemas,
  priorityLevelConfigurations,
  runtimeClasses,
  apiServices,
  mutatingWebhookConfigurations,
  validatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  storageClasses,
  volumeAttributesClasses,
  volumeAttachments,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  roles,
  roleBindings,
  clusterRoles,
  clusterRoleBindings,
];
