// A stricter policy for a namespace that has pods already: the pods stay, and the user who sets the policy gets warnings. Pure
// except for the clock that bounds the work.
import type { Pod } from '../../../api/index';
import { judgedPod } from './control';
import { reasonsOf, violations } from './evaluate';
import { compareLevels, formatLevel, isPrivileged, type LevelVersion, sameLevel } from './policy';

/** Bounds of one check of a namespace: kube-apiserver's number of pods, and a time short enough for one turn of the event loop. */
export const maxPods = 3000;
export const maxMs = 40;

/** True when the new level is not stricter than the old one. */
export function isRelaxed(now: LevelVersion, before: LevelVersion): boolean {
  if (sameLevel(now, before) || isPrivileged(now)) return true;
  return now.minor === before.minor && compareLevels(now.level, before.level) <= 0;
}

/** Pods of one controller have the same template: the first pod of each controller is checked before all others. */
function prioritize(pods: readonly Pod[]): Pod[] {
  const seen = new Set<string>();
  const replicas: Pod[] = [];
  const first = pods.filter((pod) => {
    const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller)?.uid;
    if (owner === undefined) return true;
    if (seen.has(owner)) {
      replicas.push(pod);
      return false;
    }
    seen.add(owner);
    return true;
  });
  return [...first, ...replicas];
}

/** A heading, then one line for each set of violations with the first pod that has it. */
export function warnOfPods(
  namespace: string,
  level: LevelVersion,
  existing: readonly Pod[],
  now: () => number,
): string[] {
  const deadline = now() + maxMs;
  const ordered = prioritize(existing).slice(0, maxPods);
  const byReason = new Map<string, string[]>();
  let checked = 0;
  for (const { metadata, spec } of ordered) {
    checked++;
    const reasons = spec ? reasonsOf(violations(level, judgedPod(metadata, spec))) : '';
    if (reasons !== '') {
      const names = byReason.get(reasons) ?? [];
      names.push(metadata?.name ?? '');
      byReason.set(reasons, names);
    }
    if (now() > deadline) break;
  }
  const warnings: string[] = [];
  if (checked < existing.length) {
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${checked} of ${existing.length} existing pods`,
    );
  }
  if (byReason.size === 0) return warnings;
  warnings.push(
    `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${formatLevel(level)}"`,
  );
  const lines = [...byReason].map(([reasons, names]) => `${withOthers(names)}: ${reasons}`);
  return [...warnings, ...lines.sort()];
}

function withOthers(names: readonly string[]): string {
  const [first = ''] = [...names].sort();
  const others = names.length - 1;
  return others === 0 ? first : `${first} (and ${others} other ${others === 1 ? 'pod' : 'pods'})`;
}
