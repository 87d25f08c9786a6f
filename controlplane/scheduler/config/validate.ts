// Rules of a KubeSchedulerConfiguration, with upstream's field paths and texts. Pure. Source: pkg/scheduler/apis/config/validation.

import { duplicate, invalid, invalidEach, required } from '../../api/validation/causes';
import { qualifiedName } from '../../api/validation/names';
import { goDurationMs } from '../../base/duration';
import type { FieldCause } from '../../base/errors';
import { isKnown, pluginsAt, worksAt } from './profiles';
import {
  type ExtenderSettings,
  extensionPoints,
  type LeaderElectionSettings,
  type PluginSets,
  type ProfileSettings,
  type SchedulerConfiguration,
} from './types';
import { validateArgs } from './validate-args';

export function validateConfiguration(config: SchedulerConfiguration): FieldCause[] {
  const { parallelism = 16, podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: max = 10 } = config;
  const { leaderElection = {}, profiles = [], extenders = [] } = config;
  return [
    ...validateElection(leaderElection, 'leaderElection'),
    ...(parallelism > 0 ? [] : [invalid('parallelism', parallelism, 'should be an integer value greater than zero')]),
    ...validateProfiles(profiles, 'profiles'),
    ...percentage('percentageOfNodesToScore', config.percentageOfNodesToScore),
    ...(initial > 0 ? [] : [invalid('podInitialBackoffSeconds', initial, 'must be greater than 0')]),
    ...(max >= initial
      ? []
      : [invalid('podMaxBackoffSeconds', max, 'must be greater than or equal to PodInitialBackoffSeconds')]),
    ...validateExtenders(extenders, 'extenders'),
  ];
}

const percentage = (field: string, value = 0): FieldCause[] =>
  value >= 0 && value <= 100 ? [] : [invalid(field, value, 'not in valid range [0-100]')];

function validateElection(settings: LeaderElectionSettings, field: string): FieldCause[] {
  if (settings.leaderElect === false) return [];
  const { leaseDuration = '15s', renewDeadline = '10s', retryPeriod = '2s', resourceLock = 'leases' } = settings;
  const causes: FieldCause[] = [];
  const durations = Object.entries({ leaseDuration, renewDeadline, retryPeriod }).map(([name, text]) => {
    const ms = goDurationMs(text);
    if (ms === undefined) causes.push(invalid(`${field}.${name}`, text, 'must be a duration, such as 30s or 1m30s'));
    else if (ms <= 0) causes.push(invalid(`${field}.${name}`, text, 'must be greater than zero'));
    return ms ?? 0;
  });
  const [lease = 0, renew = 0] = durations;
  if (causes.length === 0 && lease <= renew) {
    causes.push(invalid(`${field}.leaseDuration`, renewDeadline, 'LeaseDuration must be greater than RenewDeadline'));
  }
  if (resourceLock !== 'leases') {
    causes.push(invalid(`${field}.resourceLock`, resourceLock, 'resourceLock value must be "leases"'));
  }
  return causes;
}

function validateProfiles(profiles: readonly ProfileSettings[], field: string): FieldCause[] {
  const seen = new Map<string, number>();
  return profiles.flatMap((profile, i) => {
    const at = `${field}[${i}]`;
    // Only a single profile has a name by default.
    const name = profile.schedulerName ?? (profiles.length === 1 ? undefined : '');
    const causes: FieldCause[] = [];
    if (name === '') causes.push(required(`${at}.schedulerName`));
    const before = seen.get(name ?? '');
    if (before !== undefined) causes.push(duplicate(`${at}.schedulerName`, `${field}[${before}].schedulerName`));
    seen.set(name ?? '', i);
    return [
      ...causes,
      ...percentage(`${at}.percentageOfNodesToScore`, profile.percentageOfNodesToScore),
      ...validatePlugins(profile.plugins ?? {}, `${at}.plugins`),
      ...validatePluginConfig(profile, `${at}.pluginConfig`),
    ];
  });
}

/** Plug-ins of earlier versions of the configuration. */
const removed = ['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits'];
const version = 'kubescheduler.config.k8s.io/v1';
const wasRemoved = (field: string, name: string): FieldCause =>
  invalid(field, name, `was invalid in version "${version}" (KubeSchedulerConfiguration is version "${version}")`);

function validatePlugins(sets: PluginSets, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const point of [...extensionPoints, 'multiPoint'] as const) {
    const seen = new Set<string>();
    (sets[point]?.enabled ?? []).forEach(({ name = '', weight = 0 }, i) => {
      const at = `${field}.${point}.enabled[${i}]`;
      if (removed.includes(name)) causes.push(wasRemoved(at, name));
      else if (!isKnown(name)) causes.push(invalid(at, name, 'plugin does not exist'));
      else if (point !== 'multiPoint' && !worksAt(name, point)) {
        causes.push(invalid(at, name, `plugin does not extend ${point} plugin`));
      } else if (seen.has(name)) causes.push(duplicate(at, name));
      if (weight < 0) causes.push(invalid(`${at}.weight`, weight, 'must not be negative'));
      seen.add(name);
    });
  }
  if (causes.length > 0) return causes;
  const sorts = pluginsAt('queueSort', sets);
  if (sorts.length !== 1) {
    causes.push(invalid(`${field}.queueSort.enabled`, sorts.length, 'exactly one queue sort plugin is needed'));
  }
  if (pluginsAt('bind', sets).length === 0)
    causes.push(required(`${field}.bind.enabled`, 'at least one bind plugin is needed'));
  return causes;
}

function validatePluginConfig({ pluginConfig = [] }: ProfileSettings, field: string): FieldCause[] {
  const seen = new Set<string>();
  return pluginConfig.flatMap(({ name = '', args = {} }, i) => {
    const at = `${field}[${i}]`;
    if (removed.includes(name)) return [wasRemoved(at, name)];
    if (!isKnown(name)) return [invalid(at, name, 'plugin does not exist')];
    if (seen.has(name)) return [duplicate(at, name)];
    seen.add(name);
    return validateArgs(name, args, `${at}.args`);
  });
}

function validateExtenders(extenders: readonly ExtenderSettings[], field: string): FieldCause[] {
  const managed = new Set<string>();
  const causes = extenders.flatMap((extender, i) => validateExtender(extender, `${field}[${i}]`, managed));
  const binders = extenders.filter(({ bindVerb = '' }) => bindVerb !== '').length;
  if (binders > 1) {
    const found = `found ${binders} extenders implementing bind`;
    causes.push(invalid(field, found, 'only one extender can implement bind'));
  }
  return causes;
}

function validateExtender(extender: ExtenderSettings, at: string, managed: Set<string>): FieldCause[] {
  const { urlPrefix = '', prioritizeVerb = '', weight = 0, httpTimeout = '0s', managedResources = [] } = extender;
  const causes: FieldCause[] = [];
  if (!/^https?:\/\//.test(urlPrefix) || !URL.canParse(urlPrefix)) {
    causes.push(invalid(`${at}.urlPrefix`, urlPrefix, 'must be a URL of http or https'));
  }
  if (prioritizeVerb !== '' && weight <= 0) {
    causes.push(invalid(`${at}.weight`, weight, 'must have a positive weight applied to it'));
  }
  const timeout = goDurationMs(httpTimeout);
  if (timeout === undefined || timeout < 0) {
    causes.push(invalid(`${at}.httpTimeout`, httpTimeout, 'must be a duration, such as 30s or 1m30s'));
  }
  managedResources.forEach(({ name = '' }, j) => {
    const field = `${at}.managedResources[${j}].name`;
    const wrong = qualifiedName(name);
    causes.push(...invalidEach(field, name, wrong));
    if (wrong.length === 0 && !isExtended(name)) {
      causes.push(invalid(field, name, 'is an invalid extended resource name'));
    }
    if (managed.has(name)) causes.push(invalid(field, name, 'duplicate extender managed resource name'));
    managed.add(name);
  });
  return causes;
}

/** Extended resources have a domain that is not Kubernetes' own. */
const isExtended = (name: string): boolean =>
  name.includes('/') && !name.split('/')[0]!.endsWith('kubernetes.io') && !name.startsWith('requests.');
