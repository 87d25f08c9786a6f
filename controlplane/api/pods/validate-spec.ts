// Field rules of a pod spec, alone or inside a template.
import { isIP } from 'node:net';
import type { FieldCause } from '../../base/errors';
import { forbidden, invalid, invalidEach, notSupported, required } from '../validation/causes';
import { validateLabels } from '../validation/metadata';
import { dns1123Label, dns1123Subdomain, inRange, labelValue, nonNegative, qualifiedName } from '../validation/names';
import { oneOf } from '../validation/selectors';
import type { PodSpec } from './types';
import { validateAffinity, validateSpread } from './validate-affinity';
import { validateContainers } from './validate-container';
import { validateVolumes } from './validate-volume';

export const maxInt32 = 2 ** 31 - 1;
const dnsPolicies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const restartPolicies = ['Always', 'OnFailure', 'Never'];

/** `field` is the path of the spec; restart policies other than those given are refused (Deployments: only Always). */
export function validatePodSpec(
  spec: PodSpec,
  field: string,
  restart: readonly string[] = restartPolicies,
): FieldCause[] {
  return [
    ...validateVolumes(spec.volumes ?? [], `${field}.volumes`),
    ...validateContainers(spec, field),
    ...oneOf(`${field}.restartPolicy`, spec.restartPolicy, restart),
    ...oneOf(`${field}.dnsPolicy`, spec.dnsPolicy, dnsPolicies),
    ...validateLabels(spec.nodeSelector, `${field}.nodeSelector`),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, i) =>
      name ? [] : [required(`${field}.imagePullSecrets[${i}].name`)],
    ),
    ...validateAffinity(spec.affinity, `${field}.affinity`),
    ...validateDns(spec, field),
    ...validateNames(spec, field),
    ...validateNumbers(spec, field),
    ...validateTolerations(spec.tolerations ?? [], `${field}.tolerations`),
    ...validateHostAliases(spec.hostAliases ?? [], `${field}.hostAliases`),
    ...validateSpread(spec.topologySpreadConstraints ?? [], `${field}.topologySpreadConstraints`),
    ...(spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
      invalidEach(`${field}.readinessGates[${i}].conditionType`, conditionType, qualifiedName(conditionType)),
    ),
  ];
}

function validateNames(spec: PodSpec, field: string): FieldCause[] {
  const checks = [
    ['serviceAccountName', dns1123Subdomain],
    ['nodeName', dns1123Subdomain],
    ['priorityClassName', dns1123Subdomain],
    ['hostname', dns1123Label],
    ['subdomain', dns1123Label],
  ] as const;
  return checks.flatMap(([key, check]) => {
    const value = spec[key];
    return value ? invalidEach(`${field}.${key}`, value, check(value)) : [];
  });
}

function validateNumbers(spec: PodSpec, field: string): FieldCause[] {
  const { activeDeadlineSeconds, terminationGracePeriodSeconds = 0 } = spec;
  return [
    ...(activeDeadlineSeconds === undefined
      ? []
      : invalidEach(
          `${field}.activeDeadlineSeconds`,
          activeDeadlineSeconds,
          inRange(activeDeadlineSeconds, 1, maxInt32),
        )),
    ...invalidEach(
      `${field}.terminationGracePeriodSeconds`,
      terminationGracePeriodSeconds,
      nonNegative(terminationGracePeriodSeconds),
    ),
  ];
}

const maxNameservers = 3;
const maxSearches = 32;

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
    ...searches.flatMap((search, i) =>
      search === '.'
        ? []
        : invalidEach(`${at}.searches[${i}]`, search, dns1123Subdomain(search.replace(/\.$/, '').replaceAll('_', 'a'))),
    ),
    ...options.flatMap(({ name }, i) => (name ? [] : [required(`${at}.options[${i}]`, 'must not be empty')])),
  ];
}

export function validateIp(field: string, ip: string): FieldCause[] {
  return isIP(ip) === 0 ? [invalid(field, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')] : [];
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function validateTolerations(tolerations: NonNullable<PodSpec['tolerations']>, field: string): FieldCause[] {
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
    if (operator === '' || operator === 'Equal')
      causes.push(...invalidEach(`${at}.operator`, value, labelValue(value)));
    else if (operator === 'Exists') {
      if (value !== '')
        causes.push(invalid(`${at}.operator`, tolerations[i], "value must be empty when `operator` is 'Exists'"));
    } else causes.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    if (effect !== '' && !effects.includes(effect)) causes.push(notSupported(`${at}.effect`, effect, effects));
    return causes;
  });
}

function validateHostAliases(aliases: NonNullable<PodSpec['hostAliases']>, field: string): FieldCause[] {
  return aliases.flatMap(({ ip, hostnames = [] }, i) => [
    ...validateIp(`${field}[${i}].ip`, ip ?? ''),
    ...hostnames.flatMap((name) => invalidEach(`${field}[${i}].hostnames`, name, dns1123Subdomain(name))),
  ]);
}

/** The template of a workload: its pods must carry the labels the workload selects, and restart always. */
export function validateTemplateSpec(spec: PodSpec | undefined, field: string): FieldCause[] {
  if (!spec) return [required(`${field}.containers`)];
  const causes = validatePodSpec(spec, field, ['Always']);
  if (spec.activeDeadlineSeconds !== undefined) {
    causes.push(forbidden(`${field}.activeDeadlineSeconds`, 'activeDeadlineSeconds in ReplicaSet is not Supported'));
  }
  return causes;
}
