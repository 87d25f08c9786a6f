// The history of a workload that replaces its pods in place: one ControllerRevision for each of its templates. Pure.
import type { ControllerRevision } from '../../api/controller-revision';
import type { KubeObject, OwnerReference } from '../../api/types';
import { canonicalTemplate, hashTemplate } from './template-hash';

export const revisionHashLabel = 'controller-revision-hash';

type Template = Parameters<typeof hashTemplate>[0];

export interface RevisionInput {
  readonly owner: KubeObject & { readonly status?: { readonly collisionCount?: number } };
  readonly ownerReference: OwnerReference;
  readonly template: Template;
  readonly owned: readonly ControllerRevision[];
  /** Hashes in the labels of pods: their revisions are in use. */
  readonly inUse: ReadonlySet<string>;
  readonly limit: number;
}

export interface RevisionPlan {
  /** The value of the pods' controller-revision-hash label. */
  readonly hash: string;
  readonly create?: ControllerRevision;
  /** The revision of an earlier template that is the newest again, with a new number. */
  readonly update?: ControllerRevision;
  readonly remove: readonly ControllerRevision[];
}

export function planRevisions(input: RevisionInput): RevisionPlan {
  const { owner, template, owned, limit, inUse } = input;
  const sorted = [...owned].sort((a, b) => a.revision - b.revision || (nameOf(a) < nameOf(b) ? -1 : 1));
  const newest = sorted.at(-1);
  const same = sorted.findLast((revision) => hasTemplate(revision, template));
  const hash = same?.metadata?.labels?.[revisionHashLabel] ?? hashTemplate(template, owner.status?.collisionCount ?? 0);
  const history = sorted.filter(
    (revision) => revision !== same && !inUse.has(revision.metadata?.labels?.[revisionHashLabel] ?? ''),
  );
  const remove = history.slice(0, Math.max(0, history.length - limit));
  const next = (newest?.revision ?? 0) + 1;
  if (!same) return { hash, create: render(input, hash, next), remove };
  return { hash, remove, ...(same === newest ? {} : { update: { ...same, revision: next } }) };
}

const nameOf = ({ metadata }: ControllerRevision): string => metadata?.name ?? '';

/** `data` is the patch by which kubectl restores the template. */
function render(
  { owner, ownerReference, template }: RevisionInput,
  hash: string,
  revision: number,
): ControllerRevision {
  return {
    metadata: {
      name: `${owner.metadata?.name}-${hash}`,
      namespace: owner.metadata?.namespace,
      labels: { ...template.metadata?.labels, [revisionHashLabel]: hash },
      annotations: owner.metadata?.annotations,
      ownerReferences: [ownerReference],
    },
    data: { spec: { template: { ...template, $patch: 'replace' } } },
    revision,
  };
}

export function hasTemplate({ data }: ControllerRevision, template: Template): boolean {
  const stored = (data as { spec?: { template?: Template & { $patch?: string } } } | undefined)?.spec?.template;
  if (!stored) return false;
  const { $patch: _patch, ...plain } = stored;
  return canonicalTemplate(plain) === canonicalTemplate(template);
}
