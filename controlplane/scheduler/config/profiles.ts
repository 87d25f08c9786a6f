// Makes the profiles of a configuration that has been validated.

import { defaultPlugins } from '../plugins/default-profile';
import type { SchedulerPlugin } from '../plugins/plugin';
import { type PluginHandle, registry } from '../plugins/registry';
import { defaultSchedulerName } from '../pod-info';
import { defaultMinCandidates, type MinCandidates } from '../preemption';
import { expandPoint, mergePluginSet, weightOf } from './plugin-sets';
import type { ExtensionPoint, PluginArgs, PluginSets, ProfileSettings, SchedulerConfiguration } from './types';

/** A profile without its recorder of Events. */
export interface ProfilePlan {
  readonly schedulerName: string;
  /** In the order in which they refuse. */
  readonly plugins: readonly SchedulerPlugin[];
  /** In percent; 0: upstream's adaptive part. */
  readonly percentageOfNodesToScore: number;
  /** Undefined: pods of the profile evict no others. */
  readonly preemption: MinCandidates | undefined;
  /** Whether scheduling gates hold pods back. */
  readonly gates: boolean;
}

/** Parts of the scheduler that are plug-ins upstream, and where they work. */
export const builtIn: Readonly<Record<string, readonly ExtensionPoint[]>> = {
  SchedulingGates: ['preEnqueue'],
  PrioritySort: ['queueSort'],
  DefaultPreemption: ['preEnqueue', 'postFilter'],
  DefaultBinder: ['bind'],
};

/** Plug-ins that also write or reserve; their other points follow from what they filter or rate. */
const furtherPoints: Readonly<Record<string, readonly ExtensionPoint[]>> = { VolumeBinding: ['reserve', 'preBind'] };
const filters = new Set(
  'NodeUnschedulable NodeName TaintToleration NodeAffinity NodePorts NodeResourcesFit VolumeRestrictions NodeVolumeLimits VolumeBinding VolumeZone PodTopologySpread InterPodAffinity'.split(
    ' ',
  ),
);
const scores = new Set(
  'TaintToleration NodeAffinity NodeResourcesFit PodTopologySpread InterPodAffinity NodeResourcesBalancedAllocation ImageLocality'.split(
    ' ',
  ),
);

export function worksAt(plugin: string, point: ExtensionPoint): boolean {
  if (builtIn[plugin]?.includes(point) || furtherPoints[plugin]?.includes(point)) return true;
  if (point === 'filter' || point === 'preFilter') return filters.has(plugin);
  return (point === 'score' || point === 'preScore') && scores.has(plugin);
}

export const isKnown = (plugin: string): boolean => Object.hasOwn(registry, plugin) || Object.hasOwn(builtIn, plugin);

/** The plug-ins of a point; the general settings are merged with the default plug-ins. */
export function pluginsAt(point: ExtensionPoint, sets: PluginSets = {}): readonly string[] {
  const general = mergePluginSet(defaultPlugins, sets.multiPoint ?? {});
  return expandPoint(point, sets, general, (name) => worksAt(name, point));
}

export function planProfiles(
  { profiles = [], percentageOfNodesToScore = 0 }: SchedulerConfiguration,
  handle: PluginHandle,
): readonly ProfilePlan[] {
  const list = profiles.length === 0 ? [{}] : profiles;
  return list.map((settings) => planProfile(settings, percentageOfNodesToScore, handle));
}

function planProfile(settings: ProfileSettings, percentage: number, handle: PluginHandle): ProfilePlan {
  const { schedulerName = defaultSchedulerName, plugins: sets = {}, percentageOfNodesToScore = percentage } = settings;
  const args = argsOf(settings);
  const { minCandidateNodesPercentage, minCandidateNodesAbsolute } = args.DefaultPreemption ?? {};
  const preemption = {
    percentage: minCandidateNodesPercentage ?? defaultMinCandidates.percentage,
    absolute: minCandidateNodesAbsolute ?? defaultMinCandidates.absolute,
  };
  return {
    schedulerName,
    plugins: composePlugins(sets, args, handle),
    percentageOfNodesToScore,
    preemption: pluginsAt('postFilter', sets).includes('DefaultPreemption') ? preemption : undefined,
    gates: pluginsAt('preEnqueue', sets).includes('SchedulingGates'),
  };
}

export const argsOf = ({ pluginConfig = [] }: ProfileSettings): PluginArgs =>
  Object.fromEntries(pluginConfig.map(({ name = '', args = {} }) => [name, args]));

/** Each plug-in once, with the parts that are enabled. Those that filter come first, in the order of their filters. */
function composePlugins(sets: PluginSets, args: PluginArgs, handle: PluginHandle): readonly SchedulerPlugin[] {
  const at = (point: ExtensionPoint) => pluginsAt(point, sets).filter((name) => Object.hasOwn(registry, name));
  const active = { filter: at('filter'), score: at('score'), reserve: at('reserve'), preBind: at('preBind') };
  const general = mergePluginSet(defaultPlugins, sets.multiPoint ?? {});
  const names = new Set([...active.filter, ...active.score, ...active.reserve, ...active.preBind]);
  return [...names].map((name): SchedulerPlugin => {
    const { helpedBy, filter, score, reserve, needsPreBind, preBind } = registry[name]!(args, handle);
    return {
      name,
      helpedBy,
      ...(filter && active.filter.includes(name) ? { filter } : {}),
      ...(score && active.score.includes(name)
        ? { score: { rate: score.rate, weight: weightOf(name, sets, general) } }
        : {}),
      ...(reserve && active.reserve.includes(name) ? { reserve } : {}),
      ...(preBind && active.preBind.includes(name) ? { preBind, ...(needsPreBind ? { needsPreBind } : {}) } : {}),
    };
  });
}
