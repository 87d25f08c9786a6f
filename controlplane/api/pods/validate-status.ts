// Field rules of a pod's status, which the kubelet and the scheduler report. A container that has ended for good stays ended, so that
// controllers can count it once.
import { isIP } from 'node:net';
import type { FieldCause } from '../../base/errors';
import type { Pod } from '../pod';
import { validateIp } from '../validation/addresses';
import {
  duplicate,
  forbidden,
  immutable,
  invalid,
  invalidEach,
  notSupported,
  required,
  tooLong,
} from '../validation/causes';
import { dns1123Label, dns1123Subdomain, inRange, qualifiedName } from '../validation/names';
import { initAndAppContainers } from './facts';
import { afterEnd, mayRestartAll } from './restarts';
import type { Container, ContainerStatus, PodSpec } from './types';
import { validateAnnotationUpdate, validatePodAnnotations } from './validate-annotations';

type Status = NonNullable<Pod['status']>;
type List = 'containerStatuses' | 'initContainerStatuses' | 'ephemeralContainerStatuses';
const lists: readonly List[] = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'];

const longestHealthMessage = 1024;
const longestImageRef = 256;
const healths = ['Healthy', 'Unhealthy', 'Unknown'];
/** Conditions that this control plane defines; all others have qualified names. */
const systemConditions = ['PodScheduled', 'Ready', 'Initialized'];

export function validatePodStatus(pod: Pod, old: Pod): FieldCause[] {
  const [status, before] = [pod.status ?? {}, old.status ?? {}];
  const spec: PodSpec = pod.spec ?? { containers: [] };
  return [
    ...validateAnnotationUpdate(pod.metadata?.annotations, old.metadata?.annotations),
    ...validatePodAnnotations(pod.metadata?.annotations, spec, 'metadata.annotations'),
    ...validateConditions(status),
    ...validateNomination(status, before, spec),
    ...((status.observedGeneration ?? 0) < 0
      ? [invalid('status.observedGeneration', status.observedGeneration, 'must be a non-negative integer')]
      : []),
    // The class follows from the spec at creation.
    ...((status.qosClass ?? '') === (before.qosClass ?? '')
      ? []
      : [invalid('status.qosClass', status.qosClass ?? '', immutable)]),
    ...lists.flatMap((list) => validateTransitions(list, status, before, spec)),
    ...validateClaimStatuses(status, spec),
    ...validateExtendedClaim(status, spec),
    ...validateAddresses('podIPs', status, before),
    ...validateHostAddress(status),
    ...validateAddresses('hostIPs', status, before),
    ...lists.flatMap((list) => validateUsers(list, status, spec)),
    ...validateAllocated('containerStatuses', status, spec.containers),
    ...validateAllocated('initContainerStatuses', status, spec.initContainers ?? []),
    ...(status.ephemeralContainerStatuses ?? []).flatMap(({ allocatedResourcesStatus = [] }, i) => {
      const at = `status.ephemeralContainerStatuses[${i}].allocatedResourcesStatus`;
      return allocatedResourcesStatus.length > 0 ? [forbidden(at, 'must not be specified in container status')] : [];
    }),
    ...lists.flatMap((list) => validateVolumeStatuses(list, status)),
  ];
}

function validateConditions({ conditions = [] }: Status): FieldCause[] {
  return conditions.flatMap(({ type = '', observedGeneration = 0 }, i) => {
    const at = `status.conditions[${i}]`;
    const causes: FieldCause[] = [];
    if (observedGeneration < 0) {
      causes.push(invalid(`${at}.observedGeneration`, observedGeneration, 'must be a non-negative integer'));
    }
    // The path is upstream's.
    return systemConditions.includes(type)
      ? causes
      : [...causes, ...invalidEach(`${at}.Type`, type, qualifiedName(type))];
  });
}

function validateNomination(status: Status, before: Status, { nodeName }: PodSpec): FieldCause[] {
  const { nominatedNodeName = '' } = status;
  if (nominatedNodeName === '' || nominatedNodeName === before.nominatedNodeName) return [];
  const at = 'status.nominatedNodeName';
  const bound = nodeName ? [forbidden(at, 'may not be set on pods that are already bound to a node')] : [];
  return [...invalidEach(at, nominatedNodeName, dns1123Subdomain(nominatedNodeName)), ...bound];
}

const containersOf: Readonly<Record<List, (spec: PodSpec) => readonly Container[]>> = {
  containerStatuses: ({ containers }) => containers,
  initContainerStatuses: ({ initContainers = [] }) => initContainers,
  ephemeralContainerStatuses: () => [],
};

function validateTransitions(list: List, status: Status, before: Status, spec: PodSpec): FieldCause[] {
  // The end of one container may start all of them again.
  if (mayRestartAll(spec) && list !== 'ephemeralContainerStatuses') return [];
  const now = new Map((status[list] ?? []).map((one) => [one.name, one]));
  return (before[list] ?? []).flatMap(({ name, state }, i) => {
    const next = now.get(name);
    if (!state?.terminated || !next || next.state?.terminated) return [];
    const container = containersOf[list](spec).find((one) => one.name === name);
    if (container && afterEnd(container, spec.restartPolicy, state.terminated.exitCode) !== 'stay') return [];
    return [forbidden(`status.${list}[${i}].state`, 'may not be transitioned to non-terminated state')];
  });
}

function validateClaimStatuses({ resourceClaimStatuses = [] }: Status, { resourceClaims = [] }: PodSpec): FieldCause[] {
  const known = new Set(resourceClaims.map(({ name }) => name));
  const seen = new Set<string>();
  return resourceClaimStatuses.flatMap(({ name = '', resourceClaimName }, i) => {
    const at = `status.resourceClaimStatuses[${i}]`;
    const causes: FieldCause[] = [];
    if (!known.has(name)) {
      causes.push(invalid(`${at}.name`, name, 'must match the name of an entry in `spec.resourceClaims`'));
    }
    if (seen.has(name)) causes.push(duplicate(`${at}.name`, name));
    seen.add(name);
    if (resourceClaimName === undefined) return causes;
    return [
      ...causes,
      ...invalidEach(`${at}.resourceClaimName`, resourceClaimName, dns1123Subdomain(resourceClaimName)),
    ];
  });
}

/** The claim that stands for requests of extended resources (KEP-5004). */
function validateExtendedClaim({ extendedResourceClaimStatus: claim }: Status, spec: PodSpec): FieldCause[] {
  if (!claim) return [];
  const at = 'status.extendedResourceClaimStatus';
  const { requestMappings: mappings = [], resourceClaimName = '' } = claim;
  const containers = new Map(initAndAppContainers(spec).map((container) => [container.name, container]));
  const seen = new Set<string>();
  const causes =
    mappings.length === 0 ? [required(`${at}.requestMappings`, 'at least one request mapping is required')] : [];
  for (const [i, { containerName = '', resourceName = '', requestName = '' }] of mappings.entries()) {
    const field = `${at}.requestMappings[${i}]`;
    const container = containers.get(containerName);
    if (!container) {
      const detail = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';
      causes.push(invalid(`${field}.containerName`, containerName, detail));
    } else if (container.resources?.requests?.[resourceName] === undefined) {
      const detail =
        'must match the extended resource name of an entry in spec.initContainers.resources.requests or ' +
        'spec.containers.resources.requests';
      causes.push(invalid(`${field}.resourceName`, resourceName, detail));
    }
    // The path is upstream's.
    causes.push(...invalidEach(`${at}.requestName`, requestName, dns1123Label(requestName)));
    const key = JSON.stringify([containerName, resourceName, requestName]);
    if (seen.has(key)) {
      causes.push(
        duplicate(`${field}.containerName`, containerName),
        duplicate(`${field}.resourceName`, resourceName),
        duplicate(`${field}.requestName`, requestName),
      );
    }
    seen.add(key);
  }
  if (resourceClaimName === '') return [...causes, required(`${at}.resourceClaimName`)];
  return [...causes, ...invalidEach(`${at}.resourceClaimName`, resourceClaimName, dns1123Subdomain(resourceClaimName))];
}

function validateHostAddress({ hostIP = '', hostIPs = [] }: Status): FieldCause[] {
  const first = hostIPs[0]?.ip ?? '';
  if (hostIPs.length === 0 || first === hostIP) return [];
  return [invalid('status.hostIPs[0].ip', first, 'must be equal to `hostIP`')];
}

/** Addresses that the pod has already may stay. */
function validateAddresses(list: 'podIPs' | 'hostIPs', status: Status, before: Status): FieldCause[] {
  const ips = (status[list] ?? []).map(({ ip = '' }) => ip);
  const known = new Set((before[list] ?? []).map(({ ip }) => ip));
  const causes = ips.flatMap((ip, i) => (known.has(ip) ? [] : validateIp(`status.${list}[${i}]`, ip)));
  if (ips.length < 2) return causes;
  const isDualStack = ips.length === 2 && new Set(ips.map((ip) => isIP(ip))).size === 2;
  if (isDualStack) return causes;
  return [...causes, invalid(`status.${list}`, status[list], 'may specify no more than one IP for each IP family')];
}

function validateUsers(list: List, status: Status, { os }: PodSpec): FieldCause[] {
  return (status[list] ?? []).flatMap(({ user }, i) => {
    const linux = user?.linux;
    if (!linux) return [];
    const at = `status.${list}[${i}].user.linux`;
    if (os?.name === 'windows') return [forbidden(at, 'cannot be set for a windows pod')];
    const check = (field: string, id: number) => invalidEach(`${at}.${field}`, id, inRange(id, 0, 2 ** 31 - 1));
    return [
      ...check('uid', linux.uid),
      ...check('gid', linux.gid),
      ...(linux.supplementalGroups ?? []).flatMap((id, j) => check(`supplementalGroups[${j}]`, id)),
    ];
  });
}

type Allocated = NonNullable<ContainerStatus['allocatedResourcesStatus']>[number];

function validateAllocated(
  list: 'containerStatuses' | 'initContainerStatuses',
  status: Status,
  containers: readonly Container[],
): FieldCause[] {
  return (status[list] ?? []).flatMap(({ name, allocatedResourcesStatus = [] }, i) => {
    // As upstream: a status may be older than the container's name.
    const container = containers.find((one) => one.name === name);
    return allocatedResourcesStatus.flatMap((allocated, j) => {
      const at = `status.${list}[${i}].allocatedResourcesStatus[${j}]`;
      return [
        ...(container ? validateAllocatedName(allocated, container, `${at}.name`) : []),
        ...validateHealth(allocated, `${at}.resources`),
      ];
    });
  });
}

function validateAllocatedName({ name = '' }: Allocated, { resources }: Container, field: string): FieldCause[] {
  if (name.startsWith('claim:')) {
    const claims = (resources?.claims ?? []).map(
      (claim) => `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}`,
    );
    const detail =
      "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if " +
      'request is empty';
    return claims.includes(name) ? [] : [invalid(field, name, detail)];
  }
  const isRequested = resources?.requests?.[name] !== undefined;
  return isRequested ? [] : [invalid(field, name, "must match one of the container's resource requests")];
}

function validateHealth({ resources = [] }: Allocated, field: string): FieldCause[] {
  const seen = new Set<string>();
  return resources.flatMap(({ resourceID = '', health = '', message }, i) => {
    const at = `${field}[${i}]`;
    const causes = healths.includes(health) ? [] : [notSupported(`${at}.health`, health, healths)];
    if (message === '') causes.push(required(`${at}.message`, 'must be non-empty if specified'));
    else if (Buffer.byteLength(message ?? '') > longestHealthMessage) {
      causes.push(tooLong(`${at}.message`, longestHealthMessage));
    }
    if (seen.has(resourceID)) causes.push(duplicate(`${at}.resourceID`, resourceID));
    seen.add(resourceID);
    return causes;
  });
}

function validateVolumeStatuses(list: List, status: Status): FieldCause[] {
  return (status[list] ?? []).flatMap(({ volumeMounts = [] }, i) =>
    volumeMounts.flatMap(({ volumeStatus }, j) => {
      if (!volumeStatus?.image) return [];
      const { imageRef = '' } = volumeStatus.image;
      const at = `status.${list}[${i}].volumeMounts[${j}].volumeStatus.imageVolumeStatus.imageRef`;
      if (imageRef === '') return [required(at, 'imageRef must not be empty')];
      return Buffer.byteLength(imageRef) > longestImageRef ? [tooLong(at, longestImageRef)] : [];
    }),
  );
}
