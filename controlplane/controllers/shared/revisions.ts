// The history of a workload that replaces its pods in place: one ControllerRevision for each of its templates. Pure.
import type { ControllerRevision } from '../../api/controller-revision';
import type { KubeObject, OwnerReference } from '../../api/types';
import { canonicalTemplate, hashTemplate } from './template-hash';

/** The label of pods that says of which revision they are. */
export const revisionHashLabel = 'controller-revision-hash';

/** How the revisions of a kind of workload are written; pods carry either their hash or their name. */
export interface RevisionForm {
  /** The label of a revision that has its hash. */
  readonly hashLabel: string;
  readonly podsCarry: 'hash' | 'name';
}
export const daemonSetRevisions: RevisionForm = { hashLabel: revisionHashLabel, podsCarry: 'hash' };
export const statefulSetRevisions: RevisionForm = { hashLabel: 'controller.kubernetes.io/hash', podsCarry: 'name' };

type Template = Parameters<typeof hashTemplate>[0];

export interface RevisionInput {
  readonly owner: KubeObject & { readonly status?: { readonly collisionCount?: number } };
  readonly ownerReference: OwnerReference;
  readonly template: Template;
  readonly owned: readonly ControllerRevision[];
  /** What pods carry in their label: these revisions are in use. */
  readonly inUse: ReadonlySet<string>;
  /** A negative number keeps all. */
  readonly limit: number;
  /** That of DaemonSets by default. */
  readonly form?: RevisionForm;
}

export interface RevisionPlan {
  /** What pods of the template carry in their label. */
  readonly carried: string;
  readonly create?: ControllerRevision;
  /** The revision of an earlier template that is the newest again, with a new number. */
  readonly update?: ControllerRevision;
  readonly remove: readonly ControllerRevision[];
}

export function planRevisions(input: RevisionInput): RevisionPlan {
  const { owner, template, owned, limit, inUse, form = daemonSetRevisions } = input;
  const sorted = [...owned].sort((a, b) => a.revision - b.revision || (nameOf(a) < nameOf(b) ? -1 : 1));
  const newest = sorted.at(-1);
  const same = sorted.findLast((revision) => hasTemplate(revision, template));
  const history = sorted.filter((revision) => revision !== same && !inUse.has(carriedBy(revision, form)));
  const remove = limit < 0 ? [] : history.slice(0, Math.max(0, history.length - limit));
  const next = (newest?.revision ?? 0) + 1;
  if (!same) {
    const create = render(input, form, hashTemplate(template, owner.status?.collisionCount ?? 0), next);
    return { carried: carriedBy(create, form), create, remove };
  }
  return {
    carried: carriedBy(same, form),
    remove,
    ...(same === newest ? {} : { update: { ...same, revision: next } }),
  };
}

/** What pods of this revision carry in their label. */
export function carriedBy({ metadata }: ControllerRevision, form: RevisionForm): string {
  return (form.podsCarry === 'name' ? metadata?.name : metadata?.labels?.[form.hashLabel]) ?? '';
}

const nameOf = ({ metadata }: ControllerRevision): string => metadata?.name ?? '';

/** `data` is the patch by which kubectl restores the template. */
function render(
  { owner, ownerReference, template }: RevisionInput,
  { hashLabel }: RevisionForm,
  hash: string,
  revision: number,
): ControllerRevision {
  return {
    metadata: {
      name: `${owner.metadata?.name}-${hash}`,
      namespace: owner.metadata?.namespace,
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      annotations: owner.metadata?.annotations,
      ownerReferences: [ownerReference],
    },
    // Clients compare the bytes with the patch that they make themselves; Go writes the keys of a map in order.
    data: inOrder({ spec: { template: { ...template, $patch: 'replace' } } }) as object,
    revision,
  };
}

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, inOrder(inner)]));
}

export function hasTemplate(revision: ControllerRevision, template: Template): boolean {
  const stored = templateOf(revision);
  return stored !== undefined && canonicalTemplate(stored) === canonicalTemplate(template);
}

/** The template that a revision keeps. */
export function templateOf({ data }: ControllerRevision): Template | undefined {
  const stored = (data as { spec?: { template?: Template & { $patch?: string } } } | undefined)?.spec?.template;
  if (!stored) return undefined;
  const { $patch: _patch, ...plain } = stored;
  return plain;
}
