// Warnings for the author of a valid pod or template, with kube-apiserver's messages. Checked on creation and when a template
// changes, but not on updates of pods: these are too frequent, and programs make them.
import { isDeepStrictEqual } from 'node:util';
import { formatQuantity, parseQuantity } from '../quantity';
import { warnOfAddress } from '../services/warnings';
import type { ObjectMeta } from '../types';
import { dns1123Label, labelValue } from '../validation/names';
import { warnOfFractions } from '../volumes/claim-spec';
import type { Container, PodSpec, PodTemplate } from './types';
import { appArmorAnnotation, profileOfAnnotation } from './validate-annotations';
import { type PlacedContainer, placedContainers } from './visit';
import { warnOfOverlaps } from './volume-overlaps';

const oldNodeLabels: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};
export const oldLabel = (key: string): string | undefined =>
  Object.hasOwn(oldNodeLabels, key) ? oldNodeLabels[key] : undefined;

const oldAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
};

export const oldVolumes: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

/** The list of messages as Go prints it. */
const goList = (messages: readonly string[]): string => `[${messages.join(' ')}]`;

export function warnOfPod(metadata: ObjectMeta | undefined, spec: PodSpec): string[] {
  const wrong = dns1123Label(metadata?.name ?? '');
  const named = "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior";
  return [
    ...(wrong.length > 0 ? [`${named}; a DNS label is recommended: ${goList(wrong)}`] : []),
    ...warnOfSpec(metadata, spec, ''),
  ];
}

/**
 * `metadata` is the workload's, when its pods get its name; absent when the pods' names do not depend on it. `field` is the path of
 * the template.
 */
export function warnOfTemplate(
  metadata: ObjectMeta | undefined,
  template: PodTemplate | undefined,
  old: PodTemplate | undefined,
  field = 'spec.template',
): string[] {
  if (!template?.spec || JSON.stringify(template) === JSON.stringify(old)) return [];
  const wrong = metadata && !old ? dns1123Label(metadata.name ?? '') : [];
  const named = 'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior';
  return [
    ...(wrong.length > 0 ? [`${named}; a DNS label is recommended: ${goList(wrong)}`] : []),
    ...warnOfSpec(template.metadata, template.spec, `${field}.`),
  ];
}

/** `at` is the prefix of every path: '' for a pod. */
function warnOfSpec(metadata: ObjectMeta | undefined, spec: PodSpec, at: string): string[] {
  const annotations = metadata?.annotations ?? {};
  const containers = placedContainers(spec, `${at}spec`);
  return [
    ...warnOfPlacement(spec, `${at}spec`),
    ...Object.keys(annotations)
      .filter((key) => Object.hasOwn(oldAnnotations, key))
      .map((key) => `${at}metadata.annotations[${key}]: ${oldAnnotations[key]}`),
    ...warnOfVolumes(spec, `${at}spec.volumes`),
    ...(spec.volumes ?? []).flatMap(warnOfOverlaps),
    ...warnOfLists(spec, `${at}spec`),
    ...fractions(spec.overhead, `${at}spec.overhead`),
    ...warnOfSeccomp(annotations, spec, containers, at),
    ...(at === '' ? [] : warnOfAppArmor(annotations, spec, containers, at)),
    ...containers.flatMap(({ container, field }) => [
      ...fractions(container.resources?.limits, `${field}.resources.limits`),
      ...fractions(container.resources?.requests, `${field}.resources.requests`),
      ...warnOfEnvironment(container.env ?? [], `${field}.env`),
    ]),
    ...warnOfPorts(containers),
    ...warnOfPortNames(containers),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${at}spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
    ...warnOfPodAffinity(spec, `${at}spec.affinity`),
    ...(spec.dnsConfig?.nameservers ?? []).flatMap((ip, i) =>
      warnOfAddress(ip, `${at}spec.dnsConfig.nameservers[${i}]`),
    ),
    ...(spec.hostAliases ?? []).flatMap(({ ip }, i) => warnOfAddress(ip, `${at}spec.hostAliases[${i}].ip`)),
  ];
}

const noSelector = 'a null labelSelector results in matching no pod';

function warnOfPlacement(
  { nodeSelector = {}, affinity, topologySpreadConstraints = [] }: PodSpec,
  at: string,
): string[] {
  const hard = 'requiredDuringSchedulingIgnoredDuringExecution';
  const soft = 'preferredDuringSchedulingIgnoredDuringExecution';
  const nodes = `${at}.affinity.nodeAffinity`;
  const terms = [
    ...(affinity?.nodeAffinity?.[hard]?.nodeSelectorTerms ?? []).map((term, i) => ({
      term,
      field: `${nodes}.${hard}.nodeSelectorTerms[${i}]`,
      soft: false,
    })),
    ...(affinity?.nodeAffinity?.[soft] ?? []).map(({ preference }, i) => ({
      term: preference,
      field: `${nodes}.${soft}[${i}].preference`,
      soft: true,
    })),
  ];
  return [
    ...Object.keys(nodeSelector).flatMap((key) => {
      const why = oldLabel(key);
      return why ? [`${at}.nodeSelector[${key}]: ${why}`] : [];
    }),
    ...terms.flatMap(({ term, field, soft }) =>
      (term?.matchExpressions ?? []).flatMap(({ key, values = [] }, i) => {
        const why = oldLabel(key);
        const expression = `${field}.matchExpressions[${i}]`;
        const warned = why ? [`${expression}.key: ${key} is ${why}`] : [];
        // Of a requirement such a value is an error.
        if (!soft) return warned;
        return [
          ...warned,
          ...values.flatMap((value, j) =>
            labelValue(value).map((message) => `${expression}.values[${j}]: ${value} is invalid, ${message}`),
          ),
        ];
      }),
    ),
    ...topologySpreadConstraints.flatMap(({ topologyKey, labelSelector }, i) => {
      const field = `${at}.topologySpreadConstraints[${i}]`;
      const why = oldLabel(topologyKey);
      return [
        ...(why ? [`${field}.topologyKey: ${topologyKey} is ${why}`] : []),
        ...(labelSelector ? [] : [`${field}.labelSelector: ${noSelector}`]),
      ];
    }),
  ];
}

function warnOfPodAffinity({ affinity }: PodSpec, at: string): string[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((key) => {
    const hard = affinity?.[key]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const soft = affinity?.[key]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const field = `${at}.${key}`;
    return [
      ...hard.flatMap(({ labelSelector }, i) =>
        labelSelector
          ? []
          : [`${field}.requiredDuringSchedulingIgnoredDuringExecution[${i}].labelSelector: ${noSelector}`],
      ),
      ...soft.flatMap(({ podAffinityTerm }, i) => {
        const path = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm.labelSelector`;
        return podAffinityTerm?.labelSelector ? [] : [`${path}: ${noSelector}`];
      }),
    ];
  });
}

function warnOfVolumes({ volumes = [] }: PodSpec, at: string): string[] {
  return volumes.flatMap((volume, i) => [
    ...Object.keys(volume)
      .filter((type) => Object.hasOwn(oldVolumes, type))
      .map((type) => `${at}[${i}].${type === 'storageos' ? 'storageOS' : type}: ${oldVolumes[type]}`),
    ...(volume.ephemeral?.volumeClaimTemplate?.spec
      ? warnOfFractions(volume.ephemeral.volumeClaimTemplate.spec, `${at}[${i}].ephemeral.volumeClaimTemplate.spec`)
      : []),
  ]);
}

/** Warns of each value that occurs again in the list. */
function repeated(values: readonly string[], describe: (i: number, value: string) => string): string[] {
  const seen = new Set<string>();
  return values.flatMap((value, i) => {
    if (seen.has(value)) return [describe(i, value)];
    seen.add(value);
    return [];
  });
}

function warnOfLists({ hostAliases = [], imagePullSecrets = [] }: PodSpec, at: string): string[] {
  const names = imagePullSecrets.map(({ name = '' }) => name);
  return [
    ...repeated(
      hostAliases.map(({ ip }) => ip),
      (i, ip) => `${at}.hostAliases[${i}].ip: duplicate ip ${JSON.stringify(ip)}`,
    ),
    ...repeated(names, (i, name) => `${at}.imagePullSecrets[${i}].name: duplicate name ${JSON.stringify(name)}`),
    ...names.flatMap((name, i) => (name === '' ? [`${at}.imagePullSecrets[${i}].name: invalid empty name ""`] : [])),
  ];
}

const nanoPerUnit = 1_000_000_000n;

/** Bytes are integers: an amount of 1.5 or 100m bytes is most likely a mistake. */
function fractions(amounts: Readonly<Record<string, string>> | undefined, at: string): string[] {
  return ['memory', 'ephemeral-storage'].flatMap((name) => {
    const amount = amounts?.[name];
    if (amount === undefined) return [];
    const quantity = parseQuantity(amount);
    if (quantity.nano % nanoPerUnit === 0n) return [];
    const shown = JSON.stringify(formatQuantity(quantity));
    return [`${at}[${name}]: fractional byte value ${shown} is invalid, must be an integer`];
  });
}

/** Of a template only: the server fills the fields of new pods and warns then. */
function warnOfAppArmor(
  annotations: Readonly<Record<string, string>>,
  spec: PodSpec,
  containers: readonly PlacedContainer[],
  at: string,
): string[] {
  return containers.flatMap(({ container }) => {
    const key = appArmorAnnotation + (container.name ?? '');
    const value = annotations[key];
    if (value === undefined || container.securityContext?.appArmorProfile) return [];
    const profile = spec.securityContext?.appArmorProfile;
    if (profile && isDeepStrictEqual(profile, profileOfAnnotation(value))) return [];
    return [`${at}metadata.annotations[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`];
  });
}

function warnOfSeccomp(
  annotations: Readonly<Record<string, string>>,
  spec: PodSpec,
  containers: readonly PlacedContainer[],
  at: string,
): string[] {
  const owners = [
    { owner: spec, key: 'seccomp.security.alpha.kubernetes.io/pod' },
    ...containers.map(({ container }) => ({
      owner: container,
      key: `container.seccomp.security.alpha.kubernetes.io/${container.name}`,
    })),
  ];
  return owners
    .filter(({ owner, key }) => annotations[key] !== undefined && !owner.securityContext?.seccompProfile)
    .map(
      ({ key }) =>
        `${at}metadata.annotations[${key}]: non-functional in v1.27+; use the "seccompProfile" field instead`,
    );
}

/** A second variable of the same name is correct when it extends the first: A="b"; A="$(A)c". */
function warnOfEnvironment(env: NonNullable<Container['env']>, at: string): string[] {
  const seen = new Set<string>();
  return env.flatMap(({ name, value = '', valueFrom }, i) => {
    const first = !seen.has(name);
    seen.add(name);
    const reference = `$(${name})`;
    if (first || (!valueFrom && value !== reference && value.includes(reference))) return [];
    return [`${at}[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`];
  });
}

/** A bound: with how many earlier ports a port is compared. Each pair may cause a warning, and a pod may list 100,000 ports. */
const maxCompared = 8;

function warnOfPorts(containers: readonly PlacedContainer[]): string[] {
  interface Known {
    readonly field: string;
    readonly hostPort: number;
    readonly hostIP: string;
  }
  const known = new Map<string, Known[]>();
  return containers.flatMap(({ container, field: at }) =>
    (container.ports ?? []).flatMap(({ name = '', containerPort, protocol, hostPort = 0, hostIP = '' }, i) => {
      const field = `${at}.ports[${i}]`;
      const key = `${containerPort}/${protocol}`;
      const others = known.get(key) ?? [];
      // Upstream prints the struct of the port.
      const port = `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`;
      const unbound = hostIP !== '' && hostPort === 0 ? [`${field}: hostIP set without hostPort: ${port}`] : [];
      const warnings = others.flatMap((other) => {
        if (hostIP === other.hostIP && hostPort === other.hostPort) {
          return [`${field}: duplicate port definition with ${other.field}`];
        }
        if (hostPort === 0 || other.hostPort === 0)
          return [`${field}: overlapping port definition with ${other.field}`];
        const ambiguous = hostPort === other.hostPort && (hostIP === '') !== (other.hostIP === '');
        return ambiguous ? [`${field}: dangerously ambiguous port definition with ${other.field}`] : [];
      });
      if (others.length < maxCompared) known.set(key, [...others, { field, hostPort, hostIP }]);
      return [...unbound, ...warnings];
    }),
  );
}

/** Ports of all containers share the names by which Services and probes select them. */
function warnOfPortNames(containers: readonly PlacedContainer[]): string[] {
  const first = new Map<string, string>();
  return containers.flatMap(({ container, field: at }) =>
    (container.ports ?? []).flatMap(({ name = '' }, i) => {
      const field = `${at}.ports[${i}]`;
      const other = first.get(name);
      if (name !== '' && other === undefined) first.set(name, field);
      if (name === '' || other === undefined) return [];
      const used = `services and probes that select ports by name will use ${other}`;
      return [`${field}: duplicate port name ${JSON.stringify(name)} with ${other}, ${used}`];
    }),
  );
}
