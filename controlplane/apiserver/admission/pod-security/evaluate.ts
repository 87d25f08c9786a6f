// Which controls apply for a level in a version, and which violations they find in a pod. Pure.
import { baselineControls } from './baseline';
import type { Check, Control, JudgedPod, Violation } from './control';
import { type LevelVersion, latestMinor } from './policy';
import { restrictedControls } from './restricted';

/** Baseline controls first, each group by its ids. */
export const controls: readonly Control[] = [...baselineControls, ...restrictedControls];

const known = new Map<string, readonly Check[]>();

/** A version newer than this server counts as the latest. */
function checksOf({ level, minor: wanted }: LevelVersion): readonly Check[] {
  if (level === 'privileged') return [];
  const minor = wanted === 'latest' ? latestMinor : Math.min(wanted, latestMinor);
  const key = `${level}:${minor}`;
  const found = known.get(key) ?? selectChecks(level, minor);
  known.set(key, found);
  return found;
}

function selectChecks(level: 'baseline' | 'restricted', minor: number): readonly Check[] {
  const inForce = controls.flatMap((control) => {
    if (level === 'baseline' && control.level !== 'baseline') return [];
    const version = control.versions.findLast(({ since }) => since <= minor);
    return version ? [{ control, check: version.check }] : [];
  });
  const replaced = new Set(inForce.map(({ control }) => control.replaces));
  return inForce.filter(({ control }) => !replaced.has(control.id)).map(({ check }) => check);
}

/** Everything in the pod that the level forbids; nothing for a pod it allows. */
export const violations = (levelVersion: LevelVersion, pod: JudgedPod): Violation[] =>
  checksOf(levelVersion).flatMap((check) => check(pod) ?? []);

/** `host namespaces (hostPID=true), privileged (container "a" must not ...)` */
export const describeViolations = (found: readonly Violation[]): string =>
  found.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
export const reasonsOf = (found: readonly Violation[]): string => found.map(({ reason }) => reason).join(', ');
