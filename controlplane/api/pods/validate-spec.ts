// Field rules of a pod spec, alone or inside a template.
import type { FieldCause } from '../../base/errors';
import { validateIp } from '../validation/addresses';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required, tooLong } from '../validation/causes';
import { validateLabels } from '../validation/metadata';
import {
  type Check,
  dns1123Label,
  dns1123Subdomain,
  dns1123SubdomainWithUnderscore,
  inRange,
  labelValue,
  qualifiedName,
} from '../validation/names';
import { oneOf } from '../validation/selectors';
import type { PodSpec } from './types';
import { validateAffinity, validateSpread } from './validate-affinity';
import { validateClaims } from './validate-claims';
import { validateContainers } from './validate-container';
import { validateFileVolumes } from './validate-env';
import { validatePodResources, validateResources } from './validate-resources';
import { validatePodSecurity } from './validate-security';
import { type VolumeOwner, validateVolumes } from './validate-volume';
import { validateHostProcess, validateOs } from './validate-windows';
import { placedContainers } from './visit';

export const maxInt32 = 2 ** 31 - 1;
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const restartPolicies = ['Always', 'OnFailure', 'Never'];
const preemptionPolicies = ['PreemptLowerPriority', 'Never'];

/** `field` is the path of the spec; for a template some rules are checked only on its pods. */
export function validatePodSpec(spec: PodSpec, field: string, { isPod, podName }: VolumeOwner): FieldCause[] {
  const { priorityClassName, runtimeClassName, overhead } = spec;
  return [
    ...validateVolumes(spec.volumes ?? [], `${field}.volumes`, { isPod, podName }),
    ...validateClaims(spec.resourceClaims ?? [], `${field}.resourceClaims`),
    ...validateContainers(spec, field, isPod),
    ...validatePodResources(spec, `${field}.resources`),
    ...oneOf(`${field}.restartPolicy`, spec.restartPolicy, restartPolicies),
    ...oneOf(`${field}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...validatePodSecurity(spec, `${field}.securityContext`),
    ...validateAffinity(spec.affinity, `${field}.affinity`),
    ...validateDns(spec, field),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType = '' }, i) =>
      invalidEach(`${field}.readinessGates[${i}].conditionType`, conditionType, qualifiedName(conditionType)),
    ),
    ...validateSchedulingGates(spec.schedulingGates ?? [], `${field}.schedulingGates`),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${field}.topologySpreadConstraints`),
    ...validateHostProcess(spec, field),
    ...validateHostUsers(spec, field),
    ...validateHostnameOverride(spec, field),
    ...optionalName(`${field}.serviceAccountName`, spec.serviceAccountName, dns1123Subdomain),
    ...optionalName(`${field}.nodeName`, spec.nodeName, dns1123Subdomain),
    ...validateDeadline(spec, field),
    ...optionalName(`${field}.hostname`, spec.hostname, dns1123Label),
    ...optionalName(`${field}.subdomain`, spec.subdomain, dns1123Label),
    ...validateTolerations(spec.tolerations ?? [], `${field}.tolerations`),
    ...validateHostAliases(spec.hostAliases ?? [], `${field}.hostAliases`),
    ...optionalName(`${field}.priorityClassName`, priorityClassName, dns1123Subdomain),
    ...(runtimeClassName === undefined
      ? []
      : invalidEach(`${field}.runtimeClassName`, runtimeClassName, dns1123Subdomain(runtimeClassName))),
    ...oneOf(`${field}.preemptionPolicy`, spec.preemptionPolicy, preemptionPolicies),
    ...(overhead ? validateResources({ limits: overhead }, `${field}.overhead`, new Set()) : []),
    ...validateOs(spec, field),
    ...validateFileVolumes(spec, field),
  ];
}

function validateSchedulingGates(gates: NonNullable<PodSpec['schedulingGates']>, field: string): FieldCause[] {
  const seen = new Set<string>();
  return gates.flatMap(({ name = '' }, i) => {
    const causes = invalidEach(`${field}[${i}]`, name, qualifiedName(name));
    if (seen.has(name)) causes.push(duplicate(`${field}[${i}]`, name));
    seen.add(name);
    return causes;
  });
}

/** A pod with its own user namespace cannot use other namespaces of the host. The letter case is kube-apiserver's. */
function validateHostUsers(spec: PodSpec, field: string): FieldCause[] {
  if (spec.hostUsers !== false) return [];
  const detail = 'when `hostUsers` is false';
  return [
    ...(spec.hostNetwork ? [forbidden(`${field}.hostNetwork`, detail)] : []),
    ...(spec.hostPID ? [forbidden(`${field}.HostPID`, detail)] : []),
    ...(spec.hostIPC ? [forbidden(`${field}.HostIPC`, detail)] : []),
    ...placedContainers(spec, field)
      .filter(({ container }) => container.volumeDevices?.length)
      .map((placed) => forbidden(`${placed.field}.volumeDevices`, detail)),
  ];
}

const maxHostnameBytes = 64;

function validateHostnameOverride(spec: PodSpec, field: string): FieldCause[] {
  const { hostnameOverride } = spec;
  if (hostnameOverride === undefined) return [];
  const at = `${field}.hostnameOverride`;
  return [
    ...(spec.setHostnameAsFQDN ? [forbidden(at, 'may not be specified when setHostnameAsFQDN is true')] : []),
    ...(spec.hostNetwork ? [forbidden(at, 'may not be specified when hostNetwork is true')] : []),
    ...(Buffer.byteLength(hostnameOverride) > maxHostnameBytes ? [tooLong(at, maxHostnameBytes)] : []),
    ...invalidEach(at, hostnameOverride, dns1123Subdomain(hostnameOverride)),
  ];
}

/** An empty name is an absent one. */
const optionalName = (field: string, value: string | undefined, check: Check): FieldCause[] =>
  value ? invalidEach(field, value, check(value)) : [];

function validateDeadline({ activeDeadlineSeconds: seconds }: PodSpec, field: string): FieldCause[] {
  return seconds === undefined
    ? []
    : invalidEach(`${field}.activeDeadlineSeconds`, seconds, inRange(seconds, 1, maxInt32));
}

const maxNameservers = 3;
const maxSearches = 32;
const maxSearchLength = 2048;

function validateDns({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldCause[] {
  const at = `${field}.dnsConfig`;
  if (dnsPolicy === 'None') {
    if (!dnsConfig) return [required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')];
    if (!dnsConfig.nameservers?.length) {
      return [required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None')];
    }
  }
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  return [
    ...(nameservers.length > maxNameservers
      ? [invalid(`${at}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`)]
      : []),
    ...nameservers.flatMap((ip, i) => validateIp(`${at}.nameservers[${i}]`, ip)),
    ...(searches.length > maxSearches
      ? [invalid(`${at}.searches`, searches, `must not have more than ${maxSearches} search paths`)]
      : []),
    ...(searches.join(' ').length > maxSearchLength
      ? [
          invalid(
            `${at}.searches`,
            searches,
            `must not have more than ${maxSearchLength} characters (including spaces) in the search list`,
          ),
        ]
      : []),
    ...searches.flatMap((search, i) =>
      search === '.'
        ? []
        : invalidEach(
            `${at}.searches[${i}]`,
            search.replace(/\.$/, ''),
            dns1123SubdomainWithUnderscore(search.replace(/\.$/, '')),
          ),
    ),
    ...options.flatMap(({ name }, i) => (name ? [] : [required(`${at}.options[${i}]`, 'must not be empty')])),
  ];
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTolerations(tolerations: NonNullable<PodSpec['tolerations']>, field: string): FieldCause[] {
  return tolerations.flatMap(({ key = '', operator = '', value = '', effect = '', tolerationSeconds }, i) => {
    const at = `${field}[${i}]`;
    const causes = key === '' ? [] : invalidEach(`${at}.key`, key, qualifiedName(key));
    if (key === '' && operator !== 'Exists') {
      const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      causes.push(invalid(`${at}.operator`, operator, detail));
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      causes.push(invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (operator === '' || operator === 'Equal') {
      const wrong = labelValue(value);
      if (wrong.length > 0) causes.push(invalid(`${at}.operator`, value, wrong.join(';')));
    } else if (operator === 'Exists') {
      if (value !== '') {
        causes.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
      }
    } else {
      // The operators of KEP-5471 are known, and refused while its feature gate is off, as it is by default.
      const known = ['Equal', 'Exists', ...(operator === 'Lt' || operator === 'Gt' ? ['Lt', 'Gt'] : [])];
      causes.push(notSupported(`${at}.operator`, operator, known));
    }
    if (effect !== '' && !effects.includes(effect)) causes.push(notSupported(`${at}.effect`, effect, effects));
    return causes;
  });
}

function validateHostAliases(aliases: NonNullable<PodSpec['hostAliases']>, field: string): FieldCause[] {
  return aliases.flatMap(({ ip, hostnames = [] }, i) => [
    ...validateIp(`${field}[${i}].ip`, ip ?? ''),
    ...hostnames.flatMap((name, j) => invalidEach(`${field}[${i}].hostnames[${j}]`, name, dns1123Subdomain(name))),
  ]);
}
