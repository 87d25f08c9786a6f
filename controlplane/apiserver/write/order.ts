// Which rules a write passes, in which order. Within a phase the rules run in the order of this list; all rules finish a phase
// before the next phase begins. A rule is a file and a line here.
import { appArmor } from '../admission/app-armor';
import { certificateRequests } from '../admission/certificates';
import { claimResize } from '../admission/claim-resize';
import { defaultIngressClass } from '../admission/default-ingress-class';
import { defaultStorageClass } from '../admission/default-storage-class';
import { deviceAdminAccess } from '../admission/device-admin-access';
import { deviceSelectors } from '../admission/device-selectors';
import { denyServiceExternalIps } from '../admission/external-ips';
import { limitRanger } from '../admission/limit-ranger';
import { namespaceLifecycle } from '../admission/namespace-lifecycle';
import { taintNewNodes } from '../admission/new-node-taint';
import { nodeFeatures } from '../admission/node-features';
import { nodeRestriction } from '../admission/node-restriction';
import { defaultTolerations } from '../admission/pod-defaults';
import { podResize } from '../admission/pod-resize';
import { podSecurity } from '../admission/pod-security/pod-security';
import { podTopologyLabels } from '../admission/pod-topology-labels';
import { priority } from '../admission/priority';
import { rbacEscalation } from '../admission/rbac-escalation';
import { resourceQuota } from '../admission/resource-quota';
import { runtimeClass } from '../admission/runtime-class';
import { serviceAccount } from '../admission/service-account';
import { storageObjectInUse } from '../admission/storage-object-in-use';
import { volumePhaseTime } from '../admission/volume-phase-time';
import { nodeAddresses } from '../allocation/node-addresses';
import { serviceAddresses } from '../allocation/service-addresses';
import { definitionBounds } from '../crd/definition-bounds';
import { definitionRules } from '../crd/rules/definition-rules';
import { terminatingDefinitions } from '../crd/terminating';
import { mutatingPolicies } from '../policies/mutating';
import { admissionPolicies } from '../policies/policy-rule';
import { validatingPolicies } from '../policies/validating';
import { matchConditions } from '../webhooks/condition-rule';
import { mutatingWebhooks } from '../webhooks/mutating';
import { validatingWebhooks } from '../webhooks/validating';
import type { OpenRule } from './rule';
import { strategy } from './strategy';

export const writeOrder: readonly OpenRule[] = [
  // The kind's own rules come first: the other rules see the result.
  strategy,
  terminatingDefinitions,
  // A missing namespace is reported before any other error.
  namespaceLifecycle,
  // Upstream's order of plug-ins from here to podResize. Requests and limits first: the next rules see them.
  limitRanger,
  serviceAccount,
  nodeRestriction,
  taintNewNodes,
  podSecurity,
  priority,
  defaultTolerations,
  defaultStorageClass,
  storageObjectInUse,
  claimResize,
  runtimeClass,
  certificateRequests,
  defaultIngressClass,
  denyServiceExternalIps,
  podTopologyLabels,
  nodeFeatures,
  podResize,
  // They see the object after all mutating rules of the server. Upstream's order: a webhook sees what policies changed.
  mutatingPolicies,
  mutatingWebhooks,
  // Upstream does this in the strategies of pods and PersistentVolumes.
  appArmor,
  volumePhaseTime,
  // Upstream checks this in the storage of roles, after all plug-ins: so a webhook cannot add permissions either.
  rbacEscalation,
  deviceAdminAccess,
  // Objects whose expressions do not compile are refused before a webhook could see them.
  deviceSelectors,
  matchConditions,
  // Before the rules of its schemas are compiled, which costs more.
  definitionBounds,
  definitionRules,
  admissionPolicies,
  // They see the object that will be stored, and only if no rule of the server refuses it. Upstream's order.
  validatingPolicies,
  validatingWebhooks,
  // Addresses are chosen last, when nothing but a quota or the store can refuse the write.
  serviceAddresses,
  nodeAddresses,
  // As in upstream: it counts only objects that all other rules allow.
  resourceQuota,
];
