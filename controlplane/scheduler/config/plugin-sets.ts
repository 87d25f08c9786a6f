// Which plug-ins of a profile work at which extension point, in which order. Pure. Source: "Scheduler Configuration" in the reference of
// scheduling, part multiPoint.
import type { ExtensionPoint, PluginSet, PluginSets, PluginSetting } from './types';

const names = (list: readonly PluginSetting[] = []): readonly string[] => list.map(({ name = '' }) => name);

/** The default plug-ins without the disabled ones, changed in place by settings of the same name, and then the further ones. */
export function mergePluginSet(defaults: readonly PluginSetting[], { enabled = [], disabled = [] }: PluginSet) {
  const off = new Set(names(disabled));
  const kept = off.has('*') ? [] : defaults.filter(({ name = '' }) => !off.has(name));
  const replaced = kept.map((plugin) => enabled.findLast(({ name }) => name === plugin.name) ?? plugin);
  return [...replaced, ...enabled.filter((plugin) => !replaced.includes(plugin))];
}

/**
 * The names of the plug-ins of one point. `multiPoint` is merged with the defaults; `has` says whether a plug-in works at the point: one
 * that does not is left out when it is enabled for all points.
 */
export function expandPoint(
  point: ExtensionPoint,
  sets: PluginSets,
  multiPoint: readonly PluginSetting[],
  has: (plugin: string) => boolean,
): readonly string[] {
  const { enabled, disabled } = sets[point] ?? {};
  const own = names(enabled);
  const off = new Set(names(disabled));
  if (off.has('*')) return own;
  const general = names(multiPoint).filter((name) => has(name) && !off.has(name));
  // A plug-in that stands at both takes its place among those of the point, before the general ones.
  const overriding = own.filter((name) => general.includes(name));
  return [
    ...overriding,
    ...general.filter((name) => !own.includes(name)),
    ...own.filter((name) => !overriding.includes(name)),
  ];
}

/** The weight of each plug-in's scores: that of the point counts more than the general one. */
export function weightOf(plugin: string, sets: PluginSets, multiPoint: readonly PluginSetting[]): number {
  const setting = [...(sets.score?.enabled ?? []), ...multiPoint].find(({ name }) => name === plugin);
  return setting?.weight || 1;
}
