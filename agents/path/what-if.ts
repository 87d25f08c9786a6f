// The path with a manifest: today, and as it would be, by the same finder over changed objects and rules.
import { type AppError, BadRequest, hasCode } from '../../controlplane/base/errors';
import type { HopChange, ObjectChange, PathReport, Verdict, WhatIfReport } from '../../controlplane/base/path-report';
import { type ChangedCluster, changeCluster } from './changed-cluster';
import type { ClusterReader } from './cluster';
import type { PathDeps, PathQuestion } from './deps';
import { type Manifest, type ParseYaml, readManifest, readWithout } from './manifest';
import { askedName } from './name-servers';
import { findPath } from './path';
import { diffHops } from './path-diff';
import { attempt, type Rehearsed, rehearse } from './rehearse';
import { type Edits, editsOf, inManifest } from './remedies';
import { faultHop } from './report';
import { judge } from './verdict';

export interface Proposal {
  readonly cluster: ChangedCluster;
  readonly objects: readonly ObjectChange[];
  readonly edits: Edits;
}

export interface Proposed {
  /** YAML or JSON. */
  readonly manifests: readonly string[];
  readonly parse: ParseYaml;
  /** KIND/NAME of objects to delete. */
  readonly without?: readonly string[];
  /** Of objects without one. */
  readonly namespace: string;
}

/** @throws BadRequest for what is no manifest, or what the server does not take; Forbidden */
export async function propose(
  { manifests, parse, without = [], namespace }: Proposed,
  cluster: ClusterReader,
): Promise<Proposal> {
  const manifest = await readManifest(manifests, namespace, parse);
  const deletions = without.map((text) => readWithout(text, namespace));
  const twice = deletions.find(({ kind, key }) => manifest.wanted.some((one) => one.kind === kind && one.key === key));
  if (twice) throw new BadRequest(`${twice.kind.kind} ${twice.key} is both in the manifest and to be deleted`);
  const deleted = await Promise.all(
    deletions.map(async ({ kind, key }): Promise<Rehearsed> => {
      const before = await attempt({ kind, key }, () => cluster.find(kind, key));
      if (before === undefined) throw new BadRequest(`${kind.kind} ${key}, to be deleted, does not exist`);
      return { kind, key, before, after: undefined, change: 'deleted' };
    }),
  );
  const rehearsed = [...(await rehearse(manifest.wanted, cluster)), ...deleted];
  const changed = await changeCluster(cluster, rehearsed);
  return { cluster: changed, objects: objectsOf(rehearsed, manifest, changed), edits: editsOf(rehearsed) };
}

const objectsOf = (
  rehearsed: readonly Rehearsed[],
  { ignored }: Manifest,
  { derived, notes }: ChangedCluster,
): readonly ObjectChange[] => [
  ...rehearsed.map(({ kind, key, change, note }) => {
    const label = `${kind.kind} ${key}`;
    const all = [note, notes.get(label)].filter((one) => one !== undefined);
    return { object: label, change, ...(all.length > 0 ? { note: all.join('; ') } : {}) };
  }),
  ...derived,
  ...ignored.map((object) => ({ object, change: 'ignored' as const })),
];

/** @throws as findPath, if it throws with the manifest and without it */
export async function findWith(question: PathQuestion, proposal: Proposal, deps: PathDeps): Promise<PathReport> {
  const { probes: _, ...looking } = deps;
  const today = await orMissing(() => findPath(question, deps));
  const then = await orMissing(() => findPath(question, { ...looking, cluster: proposal.cluster }));
  const label = today.report ?? then.report;
  if (label === undefined) throw today.missing;
  const before = today.report ?? absent(today.missing, label);
  const { hops, verdict, delivered } = inManifest(then.report ?? absent(then.missing, label), proposal.edits);
  const changes = diffHops(
    before.hops.filter(({ kind, name }) => kind !== 'probe' && name !== askedName),
    hops,
  );
  const whatIf: WhatIfReport = {
    objects: proposal.objects,
    hops,
    ...(delivered ? { delivered } : {}),
    verdict,
    changes,
    sentence: sentenceOf(before.verdict, verdict, changes, causeOf(proposal.objects)),
  };
  return { ...before, whatIf };
}

/** Objects of a manifest, or deletions alone. */
const causeOf = (objects: readonly ObjectChange[]): 'manifest' | 'deletion' =>
  objects.some(({ change }) => change !== 'deleted' && change !== 'derived') ? 'manifest' : 'deletion';

type Found =
  | { readonly report: PathReport; readonly missing?: undefined }
  | { readonly report?: undefined; readonly missing: AppError };

/** One of the two ways may lack its object: a Service that the manifest makes, or takes away. */
async function orMissing(find: () => Promise<PathReport>): Promise<Found> {
  try {
    return { report: await find() };
  } catch (error) {
    if (hasCode(error, 'NotFound') || hasCode(error, 'BadRequest')) return { missing: error };
    throw error;
  }
}

/** The way that ends before it begins. */
function absent(missing: AppError | undefined, { from, to }: Pick<PathReport, 'from' | 'to'>): PathReport {
  const fault = { code: 'NoSuchObject', message: missing?.message ?? '' };
  const hops = [{ ...faultHop('choice', to, fault), leg: 'request' as const }];
  const verdict = judge({ from, to, hops, probes: [], ends: 0 });
  return { apiVersion: 'path.k8ts.io/v1alpha1', kind: 'PathReport', from, to, hops, probed: false, verdict };
}

/** Pure. @param what the cause of the difference */
export function sentenceOf(
  today: Verdict,
  then: Verdict,
  changes: readonly HopChange[],
  what: 'manifest' | 'deletion' = 'manifest',
): string {
  const { works: was } = today;
  const { works: would, sentence } = then;
  if (would === 'yes') {
    if (was === 'yes')
      return changes.length === 0
        ? `The ${what} changes nothing on this path: it works, and would work.`
        : `The path works, and would work with the ${what}, by other rules or endpoints.`;
    return `The ${what} would ${was === 'no' ? 'open' : 'help'} this path: ${sentence}`;
  }
  if (was === 'yes') return `The ${what} would ${would === 'no' ? 'break' : 'endanger'} this path: ${sentence}`;
  if (was === would && today.code === then.code) return `The ${what} would not help: ${sentence}`;
  return would === 'no'
    ? `The path would not work, for another reason than today: ${sentence}`
    : `It is not sure what the ${what} would do: ${sentence}`;
}
