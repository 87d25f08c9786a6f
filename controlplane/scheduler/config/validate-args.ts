// Rules of the arguments of plug-ins, with upstream's field paths and texts. Pure.
import { validateAffinity } from '../../api/pods/validate-affinity';
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from '../../api/validation/causes';
import { qualifiedName } from '../../api/validation/names';
import type { FieldCause } from '../../base/errors';
import type { ResourceSpec, ShapePoint } from '../plugins/resource-scoring';
import type { PluginArgs } from './types';

type Args<Name extends keyof PluginArgs> = NonNullable<PluginArgs[Name]>;

const rules: { readonly [Name in keyof PluginArgs]-?: (args: Args<Name>, at: string) => FieldCause[] } = {
  DefaultPreemption: validatePreemption,
  InterPodAffinity: ({ hardPodAffinityWeight = 1 }, at) =>
    range(`${at}.hardPodAffinityWeight`, hardPodAffinityWeight, 0, 100),
  NodeAffinity: ({ addedAffinity }, at) =>
    validateAffinity(addedAffinity && { nodeAffinity: addedAffinity }, at).map((cause) => ({
      ...cause,
      field: cause.field.replace(`${at}.nodeAffinity`, `${at}.addedAffinity`),
    })),
  NodeResourcesBalancedAllocation: validateBalanced,
  NodeResourcesFit: validateFit,
  PodTopologySpread: validateSpreadDefaults,
  VolumeBinding: validateVolumeBinding,
};

/** `args` have the shape that the schema of the plug-in's arguments says; a plug-in without rules has no arguments. */
export function validateArgs(plugin: string, args: unknown, at: string): FieldCause[] {
  const rule = Object.hasOwn(rules, plugin) ? rules[plugin as keyof PluginArgs] : undefined;
  return rule ? (rule as (args: unknown, at: string) => FieldCause[])(args, at) : [];
}

const range = (field: string, value: number, min: number, max: number): FieldCause[] =>
  value >= min && value <= max ? [] : [invalid(field, value, `not in valid range [${min}, ${max}]`)];

function validatePreemption(args: Args<'DefaultPreemption'>, at: string): FieldCause[] {
  const { minCandidateNodesPercentage: percentage = 10, minCandidateNodesAbsolute: absolute = 100 } = args;
  const causes = range(`${at}.minCandidateNodesPercentage`, percentage, 0, 100);
  if (absolute < 0) causes.push(invalid(`${at}.minCandidateNodesAbsolute`, absolute, 'not in valid range [0, inf)'));
  if (percentage === 0 && absolute === 0) {
    const why = 'cannot be zero at the same time as';
    causes.push(invalid(`${at}.minCandidateNodesPercentage`, 0, `${why} minCandidateNodesAbsolute`));
    causes.push(invalid(`${at}.minCandidateNodesAbsolute`, 0, `${why} minCandidateNodesPercentage`));
  }
  return causes;
}

function validateBalanced({ resources = [] }: Args<'NodeResourcesBalancedAllocation'>, at: string): FieldCause[] {
  const seen = new Set<string>();
  return resources.flatMap(({ name = '', weight }, i) => {
    const causes: FieldCause[] = [];
    if (seen.has(name)) causes.push(duplicate(`${at}.resources[${i}].name`, name));
    if ((weight || 1) !== 1) causes.push(invalid(`${at}.resources[${i}].weight`, weight, 'must be 1'));
    seen.add(name);
    return causes;
  });
}

const strategies = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];

function validateFit(args: Args<'NodeResourcesFit'>, at: string): FieldCause[] {
  const { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy } = args;
  const causes = [
    ...ignoredResources.flatMap((name, i) => invalidEach(`${at}.ignoredResources[${i}]`, name, qualifiedName(name))),
    ...ignoredResourceGroups.flatMap((group, i) => {
      const field = `${at}.ignoredResourceGroups[${i}]`;
      const slash = group.includes('/') ? [invalid(field, group, "resource group name can't contain '/'")] : [];
      return [...slash, ...invalidEach(field, group, qualifiedName(group))];
    }),
  ];
  if (!scoringStrategy) return causes;
  const { type = '', resources = [], requestedToCapacityRatio: ratio } = scoringStrategy;
  const field = `${at}.scoringStrategy`;
  if (!strategies.includes(type)) causes.push(notSupported(`${field}.type`, type, strategies));
  causes.push(...validateResources(resources, `${field}.resources`));
  const shaped = type === 'RequestedToCapacityRatio';
  const ratioField = `${field}.requestedToCapacityRatio`;
  if (shaped && !ratio) causes.push(required(ratioField, 'must be specified when type is RequestedToCapacityRatio'));
  if (shaped && ratio) causes.push(...validateShape(ratio.shape ?? [], `${ratioField}.shape`));
  if (!shaped && ratio) causes.push(forbidden(ratioField, 'must be nil when type is not RequestedToCapacityRatio'));
  return causes;
}

const validateResources = (resources: readonly Partial<ResourceSpec>[], at: string): FieldCause[] =>
  resources.flatMap(({ name = '', weight }, i) => {
    const value = weight || 1;
    if (value > 0 && value <= 100) return [];
    return [invalid(`${at}[${i}].weight`, value, `resource weight of ${name} not in valid range (0, 100]`)];
  });

function validateShape(shape: readonly Partial<ShapePoint>[], at: string): FieldCause[] {
  if (shape.length === 0) return [required(at, 'at least one point must be specified')];
  const unsorted = shape.findIndex(
    ({ utilization = 0 }, i) => i > 0 && (shape[i - 1]!.utilization ?? 0) >= utilization,
  );
  const order =
    unsorted > 0
      ? [
          invalid(
            `${at}[${unsorted}].utilization`,
            shape[unsorted]!.utilization ?? 0,
            'values must be sorted in increasing order',
          ),
        ]
      : [];
  return [
    ...order,
    ...shape.flatMap(({ utilization = 0, score = 0 }, i) => [
      ...range(`${at}[${i}].utilization`, utilization, 0, 100),
      ...range(`${at}[${i}].score`, score, 0, 10),
    ]),
  ];
}

const defaultings = ['System', 'List'];
const actions = ['DoNotSchedule', 'ScheduleAnyway'];

function validateSpreadDefaults(args: Args<'PodTopologySpread'>, at: string): FieldCause[] {
  const { defaultingType = 'System', defaultConstraints = [] } = args;
  const causes: FieldCause[] = [];
  if (!defaultings.includes(defaultingType)) {
    causes.push(notSupported(`${at}.defaultingType`, defaultingType, defaultings));
  } else if (defaultingType === 'System' && defaultConstraints.length > 0) {
    causes.push(invalid(`${at}.defaultingType`, defaultingType, 'when .defaultConstraints are not empty'));
  }
  const seen = new Set<string>();
  defaultConstraints.forEach((constraint, i) => {
    const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '', labelSelector } = constraint;
    const field = `${at}.defaultConstraints[${i}]`;
    if (maxSkew <= 0) causes.push(invalid(`${field}.maxSkew`, maxSkew, 'not in valid range (0, inf)'));
    if (topologyKey === '') causes.push(required(`${field}.topologyKey`, 'can not be empty'));
    else causes.push(...invalidEach(`${field}.topologyKey`, topologyKey, qualifiedName(topologyKey)));
    if (whenUnsatisfiable === '') causes.push(required(`${field}.whenUnsatisfiable`, 'can not be empty'));
    else if (!actions.includes(whenUnsatisfiable)) {
      causes.push(notSupported(`${field}.whenUnsatisfiable`, whenUnsatisfiable, actions));
    }
    if (labelSelector !== undefined) {
      const why = 'constraint must not define a selector, as they deduced for each pod';
      causes.push(forbidden(`${field}.labelSelector`, why));
    }
    const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
    if (seen.has(pair)) causes.push(duplicate(field, pair));
    seen.add(pair);
  });
  return causes;
}

function validateVolumeBinding({ bindTimeoutSeconds = 600, shape }: Args<'VolumeBinding'>, at: string): FieldCause[] {
  const causes: FieldCause[] = [];
  if (bindTimeoutSeconds < 0) {
    const why = 'invalid BindTimeoutSeconds, should not be a negative value';
    causes.push(invalid(`${at}.bindTimeoutSeconds`, bindTimeoutSeconds, why));
  }
  if (shape !== undefined) {
    const why = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring';
    causes.push(invalid(`${at}.shape`, shape, why));
  }
  return causes;
}
