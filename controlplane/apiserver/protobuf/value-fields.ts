// Fields whose message Go keeps as a value: its encoder writes them always, an absent one as an empty message. Every other field
// with a message is a pointer, written only when it is set. The names metadata, spec and status are values in every message and
// are not listed. These are facts of the Go types published with k8s.io/api and k8s.io/apimachinery, as are the field numbers.

const always: ReadonlySet<string> = new Set(['metadata', 'spec', 'status']);

/** By package, with OpenAPI's package names; one line per message. */
const listed: Readonly<Record<string, string>> = {
  'io.k8s.api.admissionregistration.v1': `
MutatingWebhook: clientConfig
ValidatingWebhook: clientConfig
`,
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1': `
CustomResourceDefinitionCondition: lastTransitionTime
CustomResourceDefinitionSpec: names
CustomResourceDefinitionStatus: acceptedNames
`,
  'io.k8s.api.apps.v1': `
ControllerRevision: data
DaemonSetCondition: lastTransitionTime
DaemonSetSpec: template updateStrategy
DeploymentCondition: lastTransitionTime lastUpdateTime
DeploymentSpec: strategy template
ReplicaSetCondition: lastTransitionTime
ReplicaSetSpec: template
StatefulSetCondition: lastTransitionTime
StatefulSetSpec: template updateStrategy
`,
  'io.k8s.api.authentication.v1': `
SelfSubjectReviewStatus: userInfo
TokenRequestStatus: expirationTimestamp
TokenReviewStatus: user
`,
  'io.k8s.api.autoscaling.v1': `
HorizontalPodAutoscalerSpec: scaleTargetRef
`,
  'io.k8s.api.autoscaling.v2': `
ContainerResourceMetricSource: target
ContainerResourceMetricStatus: current
ExternalMetricSource: metric target
ExternalMetricStatus: current metric
HorizontalPodAutoscalerCondition: lastTransitionTime
HorizontalPodAutoscalerSpec: scaleTargetRef
ObjectMetricSource: describedObject metric target
ObjectMetricStatus: current describedObject metric
PodsMetricSource: metric target
PodsMetricStatus: current metric
ResourceMetricSource: target
ResourceMetricStatus: current
`,
  'io.k8s.api.batch.v1': `
CronJobSpec: jobTemplate
JobCondition: lastProbeTime lastTransitionTime
JobSpec: template
`,
  'io.k8s.api.certificates.v1': `
CertificateSigningRequestCondition: lastTransitionTime lastUpdateTime
`,
  'io.k8s.api.core.v1': `
Binding: target
Container: resources
ContainerStateRunning: startedAt
ContainerStateTerminated: finishedAt startedAt
ContainerStatus: lastState state
EphemeralContainer: resources
Event: eventTime firstTimestamp involvedObject lastTimestamp source
EventSeries: lastObservedTime
HTTPGetAction: port
NamespaceCondition: lastTransitionTime
NodeCondition: lastHeartbeatTime lastTransitionTime
NodeDaemonEndpoints: kubeletEndpoint
NodeStatus: daemonEndpoints nodeInfo
PersistentVolumeClaimCondition: lastProbeTime lastTransitionTime
PersistentVolumeClaimSpec: resources
PodCondition: lastProbeTime lastTransitionTime
PodTemplate: template
PreferredSchedulingTerm: preference
ReplicationControllerCondition: lastTransitionTime
ResourceFieldSelector: divisor
ServicePort: targetPort
ServiceStatus: loadBalancer
TCPSocketAction: port
WeightedPodAffinityTerm: podAffinityTerm
`,
  'io.k8s.api.discovery.v1': `
Endpoint: conditions
`,
  'io.k8s.api.events.v1': `
Event: deprecatedFirstTimestamp deprecatedLastTimestamp deprecatedSource eventTime regarding
EventSeries: lastObservedTime
`,
  'io.k8s.api.flowcontrol.v1': `
FlowSchemaCondition: lastTransitionTime
FlowSchemaSpec: priorityLevelConfiguration
LimitedPriorityLevelConfiguration: limitResponse
PriorityLevelConfigurationCondition: lastTransitionTime
`,
  'io.k8s.api.networking.v1': `
HTTPIngressPath: backend
IngressServiceBackend: port
IngressStatus: loadBalancer
NetworkPolicySpec: podSelector
`,
  'io.k8s.api.rbac.v1': `
ClusterRoleBinding: roleRef
RoleBinding: roleRef
`,
  'io.k8s.api.resource.v1': `
AllocationResult: devices
Counter: value
DeviceCapacity: value
OpaqueDeviceConfiguration: parameters
ResourceClaimSpec: devices
ResourceSliceSpec: pool
`,
  'io.k8s.api.storage.v1': `
VolumeAttachmentSpec: source
VolumeError: time
`,
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1': `
APIServiceCondition: lastTransitionTime
`,
  'io.k8s.apimachinery.pkg.apis.meta.v1': `
APIGroup: preferredVersion
Condition: lastTransitionTime
ObjectMeta: creationTimestamp
`,
};

const values = readListed();

/** Whether Go writes the field also when it is absent. `message` is the name in OpenAPI. */
export const isValueField = (message: string, field: string): boolean =>
  always.has(field) || (values.get(message)?.has(field) ?? false);

function readListed(): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>();
  for (const [group, text] of Object.entries(listed)) {
    for (const line of text.split('\n')) {
      const [message, fields] = line.split(': ');
      if (fields !== undefined) found.set(`${group}.${message}`, new Set(fields.split(' ')));
    }
  }
  return found;
}
