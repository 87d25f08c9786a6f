// The other versions of a kind that upstream can decode. A body in one of them is refused for its version,
// not as an unknown kind. Source: the types of k8s.io/api 0.36.

/** By kind, as `group/Kind`. After `!`: versions that have other fields. */
const versions: Readonly<Record<string, string>> = {
  '/Event': '! events.k8s.io/v1 events.k8s.io/v1beta1',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': 'v1alpha1 v1beta1',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': 'v1alpha1 v1beta1',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': 'v1beta1',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': 'v1alpha1 v1beta1',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': 'v1alpha1 v1beta1',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': 'v1beta1',
  'apps/ControllerRevision': 'v1beta1 v1beta2',
  'apps/DaemonSet': 'v1beta2 extensions/v1beta1',
  'apps/Deployment': 'v1beta1 v1beta2 extensions/v1beta1',
  'apps/ReplicaSet': 'v1beta2 extensions/v1beta1',
  'apps/StatefulSet': 'v1beta1 v1beta2',
  'autoscaling/HorizontalPodAutoscaler': '! v1 v2',
  'batch/CronJob': 'v1beta1',
  'certificates.k8s.io/CertificateSigningRequest': 'v1beta1',
  'coordination.k8s.io/Lease': 'v1beta1',
  'discovery.k8s.io/EndpointSlice': '! v1beta1',
  'events.k8s.io/Event': 'v1beta1 ! v1',
  'flowcontrol.apiserver.k8s.io/FlowSchema': 'v1beta1 v1beta2 v1beta3',
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': 'v1beta3 ! v1beta1 v1beta2',
  'networking.k8s.io/IPAddress': 'v1beta1',
  'networking.k8s.io/Ingress': '! v1beta1 extensions/v1beta1',
  'networking.k8s.io/IngressClass': 'v1beta1',
  'networking.k8s.io/NetworkPolicy': 'extensions/v1beta1',
  'networking.k8s.io/ServiceCIDR': 'v1beta1',
  'node.k8s.io/RuntimeClass': 'v1beta1 ! v1alpha1',
  'policy/Eviction': 'v1beta1',
  'policy/PodDisruptionBudget': 'v1beta1',
  'rbac.authorization.k8s.io/ClusterRole': 'v1alpha1 v1beta1',
  'rbac.authorization.k8s.io/ClusterRoleBinding': 'v1beta1 ! v1alpha1',
  'rbac.authorization.k8s.io/Role': 'v1alpha1 v1beta1',
  'rbac.authorization.k8s.io/RoleBinding': 'v1beta1 ! v1alpha1',
  'resource.k8s.io/DeviceClass': 'v1beta1 v1beta2',
  'resource.k8s.io/ResourceClaim': 'v1beta2 ! v1beta1',
  'resource.k8s.io/ResourceClaimTemplate': 'v1beta2 ! v1beta1',
  'resource.k8s.io/ResourceSlice': 'v1beta2 ! v1beta1',
  'scheduling.k8s.io/PriorityClass': 'v1beta1',
  'storage.k8s.io/CSIDriver': 'v1beta1',
  'storage.k8s.io/CSINode': 'v1beta1',
  'storage.k8s.io/CSIStorageCapacity': 'v1alpha1 v1beta1',
  'storage.k8s.io/StorageClass': 'v1beta1',
  'storage.k8s.io/VolumeAttachment': 'v1alpha1 v1beta1',
  'storage.k8s.io/VolumeAttributesClass': 'v1alpha1 v1beta1',
};

/**
 * What `apiVersion` is to a kind: a version with its fields, one with other fields, or none of its versions. The versions that the
 * kind itself has here are not meant.
 */
export function otherVersion(
  kind: { readonly group: string; readonly kind: string },
  apiVersion: string,
): 'same fields' | 'other fields' | undefined {
  const key = `${kind.group}/${kind.kind}`;
  const [same = '', other = ''] = (Object.hasOwn(versions, key) ? versions[key]! : '').split('!');
  const has = (list: string) =>
    list.split(' ').some((one) => one !== '' && (one.includes('/') ? one : `${kind.group}/${one}`) === apiVersion);
  return has(same) ? 'same fields' : has(other) ? 'other fields' : undefined;
}
