// What may change in the spec of a pod that has scheduling gates (KEP-3838): nodes may be excluded, since no scheduler has looked at the
// pod yet. Requirements that are there stay.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import { invalid } from '../validation/causes';
import { plain } from '../validation/difference';
import type { NodeSelectorTerm } from './placement';
import type { PodSpec } from './types';

type NodeAffinity = NonNullable<NonNullable<PodSpec['affinity']>['nodeAffinity']>;

/** The errors of what changed, and `spec` with the old value in the fields that may change. */
export function judgeGatedUpdate(
  spec: PodSpec,
  old: PodSpec,
): { readonly causes: FieldCause[]; readonly rest: PodSpec } {
  const causes = validateNodeSelector(spec.nodeSelector ?? {}, old.nodeSelector ?? {});
  const rest = { ...spec, nodeSelector: old.nodeSelector };
  const [now, before] = [spec.affinity?.nodeAffinity, old.affinity?.nodeAffinity];
  if (isEqual(now, before)) return { causes, rest };
  causes.push(...validateNodeAffinity(now, before));
  return { causes, rest: { ...rest, affinity: affinityWith(spec, old, before) } };
}

/** The affinity of `spec` with the old part about nodes. A pod without any affinity may get one about nodes only. */
function affinityWith(
  { affinity }: PodSpec,
  old: PodSpec,
  nodeAffinity: NodeAffinity | undefined,
): PodSpec['affinity'] {
  if (!affinity) return nodeAffinity ? { nodeAffinity } : undefined;
  const isNew = !old.affinity && !affinity.podAffinity && !affinity.podAntiAffinity;
  return isNew ? undefined : { ...affinity, nodeAffinity };
}

type Labels = Readonly<Record<string, string>>;

function validateNodeSelector(now: Labels, before: Labels): FieldCause[] {
  if (Object.entries(before).every(([key, value]) => now[key] === value)) return [];
  const detail = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
  return [invalid('spec.nodeSelector', now, detail)];
}

function validateNodeAffinity(now: NodeAffinity | undefined, before: NodeAffinity | undefined): FieldCause[] {
  const terms = (affinity: NodeAffinity | undefined): readonly NodeSelectorTerm[] =>
    affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const [newTerms, oldTerms] = [terms(now), terms(before)];
  const field = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  if (oldTerms.length > 0 && oldTerms.length !== newTerms.length) {
    return [invalid(field, newTerms, 'no additions/deletions to non-empty NodeSelectorTerms list are allowed')];
  }
  return oldTerms.flatMap((term, i) =>
    onlyAdds(newTerms[i]!, term)
      ? []
      : [invalid(`${field}[${i}]`, newTerms[i], 'only additions are allowed (no mutations or deletions)')],
  );
}

/** Requirements of a term hold together, so a further one excludes nodes. An empty term matches no node: it stays empty. */
function onlyAdds(now: NodeSelectorTerm, before: NodeSelectorTerm): boolean {
  const lists = ['matchExpressions', 'matchFields'] as const;
  const count = (term: NodeSelectorTerm) => lists.reduce((sum, list) => sum + (term[list] ?? []).length, 0);
  if (count(before) === 0) return count(now) === 0;
  return lists.every((list) => {
    const old = before[list] ?? [];
    return isEqual((now[list] ?? []).slice(0, old.length), old);
  });
}

const isEqual = (a: object | undefined, b: object | undefined): boolean =>
  isDeepStrictEqual(plain({ a }), plain({ a: b }));
