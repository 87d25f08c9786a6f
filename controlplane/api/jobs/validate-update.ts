// What of a Job may change: completions of an indexed Job together with its parallelism, and where the pods of a suspended Job run.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { Job, JobSpec } from '../job';
import type { PodTemplate } from '../pods/types';
import { immutable, invalid } from '../validation/causes';

export function validateJobUpdate(spec: JobSpec, old: Job): FieldCause[] {
  const before = old.spec ?? ({} as JobSpec);
  const fixed = (name: keyof JobSpec): FieldCause[] =>
    isDeepStrictEqual(spec[name], before[name]) ? [] : [invalid(`spec.${name}`, spec[name], immutable)];
  const policies = ['podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const;
  return [
    ...(spec.completionMode === 'Indexed' ? validateCompletions(spec, before) : fixed('completions')),
    ...fixed('selector'),
    ...(isDeepStrictEqual(spec.template, comparableTemplate(spec.template, old))
      ? []
      : [invalid('spec.template', spec.template, immutable)]),
    ...fixed('completionMode'),
    ...policies.flatMap(fixed),
  ];
}

function validateCompletions({ completions, parallelism }: JobSpec, before: JobSpec): FieldCause[] {
  // Other rules report the absence of completions.
  if (completions === before.completions || completions === undefined || completions === parallelism) return [];
  return [invalid('spec.completions', completions, 'can only be modified in tandem with spec.parallelism')];
}

/** The old template, with the new values of fields that may change. */
function comparableTemplate(next: PodTemplate, { spec, status }: Job): PodTemplate | undefined {
  const before = spec?.template;
  const isSuspended = (status?.conditions ?? []).some(({ type, status }) => type === 'Suspended' && status === 'True');
  const mayMove = spec?.suspend === true && !status?.active && (isSuspended || !status?.startTime);
  if (!mayMove || !before?.spec || !next.spec) return before;
  const { affinity: _affinity, nodeSelector: _selector, tolerations: _tolerations, ...rest } = before.spec;
  const { schedulingGates: _gates, ...kept } = rest;
  const { affinity, nodeSelector, tolerations, schedulingGates } = next.spec;
  const nodeAffinity = withNodeAffinity(before.spec.affinity, affinity);
  const { labels: _labels, annotations: _annotations, ...metadata } = before.metadata ?? {};
  const { labels, annotations } = next.metadata ?? {};
  return {
    ...before,
    ...(before.metadata || next.metadata
      ? { metadata: { ...metadata, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) } }
      : {}),
    spec: {
      ...kept,
      ...(nodeAffinity ? { affinity: nodeAffinity } : {}),
      ...(nodeSelector ? { nodeSelector } : {}),
      ...(tolerations ? { tolerations } : {}),
      ...(schedulingGates ? { schedulingGates } : {}),
      containers: withResources(before.spec.containers, next.spec.containers),
      ...(before.spec.initContainers
        ? { initContainers: withResources(before.spec.initContainers, next.spec.initContainers) }
        : {}),
    },
  };
}

type PodSpec = NonNullable<PodTemplate['spec']>;

/** Only the part about nodes may change; an affinity that has no other part may come and go. */
function withNodeAffinity(before: PodSpec['affinity'], next: PodSpec['affinity']): PodSpec['affinity'] {
  const { nodeAffinity: _node, ...rest } = before ?? {};
  if (!next) return Object.keys(rest).length === 0 ? undefined : rest;
  return { ...rest, ...(next.nodeAffinity ? { nodeAffinity: next.nodeAffinity } : {}) };
}

function withResources(
  before: PodSpec['containers'] | undefined,
  next: PodSpec['containers'] | undefined,
): PodSpec['containers'] {
  return (before ?? []).map(({ resources: _resources, ...container }, i) => {
    const resources = next?.[i]?.resources;
    return resources ? { ...container, resources } : container;
  });
}
