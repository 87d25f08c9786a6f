// What to do about the path as a manifest would make it: some of its remedies are to change the manifest. Pure.
import type { PathReport } from '../../controlplane/base/path-report';
import type { Rehearsed } from './rehearse';

/** `kubectl edit` of an object of the manifest, and what to do in its place. */
export type Edits = ReadonlyMap<string, string>;

/** The cluster does not have these objects yet, or has them otherwise: who edits them there loses the change, or finds none. */
export const editsOf = (rehearsed: readonly Pick<Rehearsed, 'kind' | 'key' | 'change'>[]): Edits =>
  new Map(
    rehearsed
      .filter(({ change }) => change === 'created' || change === 'changed')
      .map(({ kind, key }) => {
        const [namespace, name] = key.split('/');
        const edit = `kubectl edit ${kind.kind.toLowerCase()} -n ${namespace} ${name}`;
        return [edit, `change ${kind.kind} ${key} in the manifest`];
      }),
  );

/** The report with these remedies, in its verdict and at its hops. */
export function inManifest(report: PathReport, edits: Edits): PathReport {
  const instead = <T extends { readonly remedy?: string }>(one: T): T => {
    const remedy = edits.get(one.remedy ?? '');
    return remedy === undefined ? one : { ...one, remedy };
  };
  const hops = report.hops.map((hop) => (hop.fault ? { ...hop, fault: instead(hop.fault) } : hop));
  return { ...report, hops, verdict: instead(report.verdict) };
}
