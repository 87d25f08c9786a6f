// The defaults of a pod spec, as the API reference documents them field by field. Setting them twice changes nothing.
import { canonicalize, formatQuantity } from '../quantity';
import { defaultClaimSpec } from '../volumes/claim-spec';
import { defaultVolumeSource } from '../volumes/volume-spec';
import { allContainers, defaultGraceSeconds, initAndAppContainers } from './facts';
import { imageTag } from './image-tag';
import { limitsOf, requestsOf } from './requests';
import { isHugePages } from './resource-names';
import type { Container, PodSpec, Probe, ResourceRequirements, Volume } from './types';

export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.restartPolicy ??= 'Always';
  spec.terminationGracePeriodSeconds ??= defaultGraceSeconds;
  spec.schedulerName ??= 'default-scheduler';
  spec.securityContext ??= {};
  // serviceAccount is the deprecated name of serviceAccountName; an object always has both.
  spec.serviceAccountName ??= spec.serviceAccount;
  if (spec.serviceAccountName !== undefined) spec.serviceAccount = spec.serviceAccountName;
  if (spec.serviceAccountName === undefined) {
    delete spec.serviceAccountName;
    delete spec.serviceAccount;
  }
  for (const container of allContainers(spec)) {
    defaultContainer(container);
    if (spec.hostNetwork) {
      for (const port of container.ports ?? []) port.hostPort ??= port.containerPort;
    }
  }
  spec.volumes?.forEach(defaultVolume);
  // Needs the feature gate GenericWorkload, which is off by default.
  delete spec.schedulingGroup;
  if (spec.overhead) canonicalize(spec.overhead);
  if (spec.resources?.limits) canonicalize(spec.resources.limits);
  if (spec.resources?.requests) canonicalize(spec.resources.requests);
}

/** Only for pods, not for templates: service links; a limit without a request is also the request; a negative grace period is 1. */
export function defaultPodOnly(spec: PodSpec): void {
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  spec.enableServiceLinks ??= true;
  for (const { resources } of initAndAppContainers(spec)) requestsFromLimits(resources);
  defaultPodResources(spec);
}

/** Amounts of the pod itself that are left out: those of its containers together, else its own limits (KEP-2837). */
function defaultPodResources(spec: PodSpec): void {
  const { resources } = spec;
  if (!resources || isEmpty(resources.limits, resources.requests)) return;
  const containers = { containers: spec.containers ?? [], initContainers: spec.initContainers ?? [] };
  const limits = { ...resources.limits };
  for (const [name, sum] of Object.entries(limitsOf(containers))) {
    if (isHugePages(name) && resources.requests?.[name] === undefined) limits[name] ??= formatQuantity(sum);
  }
  if (isEmpty(limits)) return;
  const requests = { ...resources.requests };
  for (const [name, sum] of Object.entries(requestsOf(containers))) {
    if (name === 'cpu' || name === 'memory') requests[name] ??= formatQuantity(sum);
  }
  for (const [name, limit] of Object.entries(limits)) {
    if (name === 'cpu' || name === 'memory' || isHugePages(name)) requests[name] ??= limit;
  }
  resources.limits = limits;
  if (!isEmpty(requests)) resources.requests = requests;
}

const isEmpty = (...lists: readonly (Record<string, string> | undefined)[]): boolean =>
  lists.every((list) => Object.keys(list ?? {}).length === 0);

function requestsFromLimits(resources: ResourceRequirements | undefined): void {
  if (resources?.limits) resources.requests = { ...resources.limits, ...resources.requests };
}

function defaultContainer(container: Container): void {
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  container.imagePullPolicy ??= pullPolicy(container.image ?? '');
  container.resources ??= {};
  if (container.resources.limits) canonicalize(container.resources.limits);
  if (container.resources.requests) canonicalize(container.resources.requests);
  for (const port of container.ports ?? []) port.protocol ??= 'TCP';
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ??= 'v1';
    if (valueFrom?.resourceFieldRef) valueFrom.resourceFieldRef.divisor ??= '0';
  }
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe) defaultProbe(probe);
  }
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop])
    defaultHttpGet(handler?.httpGet);
}

/** An image without a tag or with the tag latest may change; one with a digest alone never does. */
const pullPolicy = (image: string): string => (imageTag(image) === 'latest' ? 'Always' : 'IfNotPresent');

function defaultProbe(probe: Probe): void {
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHttpGet(probe.httpGet);
  if (probe.grpc) probe.grpc.service ??= '';
}

function defaultHttpGet(httpGet: Probe['httpGet']): void {
  if (!httpGet) return;
  httpGet.path ||= '/';
  httpGet.scheme ??= 'HTTP';
}

const fileMode = 0o644;

function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (volume.secret) volume.secret.defaultMode ??= fileMode;
  if (volume.configMap) volume.configMap.defaultMode ??= fileMode;
  defaultVolumeSource(volume);
  if (volume.ephemeral?.volumeClaimTemplate?.spec) defaultClaimSpec(volume.ephemeral.volumeClaimTemplate.spec);
  if (volume.image) volume.image.pullPolicy ??= pullPolicy(volume.image.reference ?? '');
  if (volume.downwardAPI) {
    volume.downwardAPI.defaultMode ??= fileMode;
    defaultDownwardItems(volume.downwardAPI.items);
  }
  if (volume.projected) {
    volume.projected.defaultMode ??= fileMode;
    for (const source of volume.projected.sources ?? []) {
      dropDisabled(source);
      const { serviceAccountToken, downwardAPI } = source;
      if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
      defaultDownwardItems(downwardAPI?.items);
    }
  }
}

/** Sources that Kubernetes 1.36 has only with feature gates that are off by default: it drops them from each object. */
function dropDisabled(source: NonNullable<NonNullable<Volume['projected']>['sources']>[number]): void {
  delete source.clusterTrustBundle;
  delete source.podCertificate;
}

function defaultDownwardItems(items: NonNullable<Volume['downwardAPI']>['items']): void {
  for (const { fieldRef, resourceFieldRef } of items ?? []) {
    if (fieldRef) fieldRef.apiVersion ??= 'v1';
    if (resourceFieldRef) resourceFieldRef.divisor ??= '0';
  }
}
