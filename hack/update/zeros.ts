// What an absent scalar and a zero mean: an empty text, 0 or false. In Go a field is a pointer, whose zero is a value; or a value
// that is omitted when it is zero; or a value that is always written. The first follows from the table of field numbers, the
// others mostly from `required`; the exceptions are named here. They are facts of the Go types published with k8s.io/api.
import { pointersOf } from '../../controlplane/apiserver/protobuf/messages';

/** Required fields that Go omits when they are zero. */
const omitted: Readonly<Record<string, string>> = {
  'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec': 'policyName',
  'io.k8s.api.authentication.v1.TokenReviewSpec': 'token',
  'io.k8s.api.core.v1.ContainerRestartRule': 'action',
  'io.k8s.api.core.v1.ContainerRestartRuleOnExitCodes': 'operator',
  'io.k8s.api.core.v1.ImageVolumeStatus': 'imageRef',
  'io.k8s.api.core.v1.PodCertificateProjection': 'keyType signerName',
  'io.k8s.api.networking.v1.ParentReference': 'name resource',
};

/** Optional fields that Go always writes. */
const written: Readonly<Record<string, string>> = {
  'io.k8s.api.apps.v1.StatefulSetOrdinals': 'start',
  'io.k8s.api.apps.v1.StatefulSetSpec': 'serviceName',
  'io.k8s.api.apps.v1.StatefulSetStatus': 'availableReplicas',
  'io.k8s.api.authentication.v1.TokenRequestStatus': 'token',
  'io.k8s.api.batch.v1.PodFailurePolicyOnPodConditionsPattern': 'status',
  'io.k8s.api.core.v1.Event': 'reportingComponent reportingInstance',
  'io.k8s.api.core.v1.NodeRuntimeHandler': 'name',
  'io.k8s.api.flowcontrol.v1.FlowSchemaSpec': 'matchingPrecedence',
  'io.k8s.api.flowcontrol.v1.QueuingConfiguration': 'handSize queueLengthLimit queues',
  'io.k8s.api.policy.v1.PodDisruptionBudgetStatus': 'currentHealthy desiredHealthy disruptionsAllowed expectedPods',
  'io.k8s.api.rbac.v1.RoleRef': 'apiGroup',
  'io.k8s.api.scheduling.v1.PriorityClass': 'value',
};

/**
 * What the zero of a scalar is, by the name of its object type in OpenAPI; undefined: a value like others.
 * @param required whether OpenAPI requires the field
 */
export function zeroOf(type: string, field: string, required: boolean): 'omitted' | 'written' | undefined {
  const pointers = pointersOf(type);
  if (pointers === undefined || pointers.has(field)) return undefined;
  if (words(omitted[type]).includes(field)) return 'omitted';
  if (words(written[type]).includes(field)) return 'written';
  return required ? 'written' : 'omitted';
}

const words = (text: string | undefined): string[] => (text === undefined ? [] : text.split(' '));
