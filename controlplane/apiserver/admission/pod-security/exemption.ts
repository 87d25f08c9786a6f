// The warning for labels that have no effect, since their namespace is exempt. Pure.
import { formatLevel, isFullyPrivileged, isPrivileged, labelPrefix, modes, type Policy, sameLevel } from './policy';

const means = (policy: Policy, other: Policy): boolean =>
  modes.every(
    (mode) => (isPrivileged(policy[mode]) && isPrivileged(other[mode])) || sameLevel(policy[mode], other[mode]),
  );

/** Undefined when the policy restricts nothing or equals the defaults. */
export function exemptionWarning(
  name: string,
  labels: Readonly<Record<string, string>>,
  policy: Policy,
  defaults: Policy,
): string | undefined {
  if (isFullyPrivileged(policy) || means(policy, defaults)) return undefined;
  const asked = modes
    .filter((mode) => labels[labelPrefix + mode] !== undefined || labels[`${labelPrefix}${mode}-version`] !== undefined)
    .filter((mode) => !isPrivileged(policy[mode]))
    .map((mode) => `${mode}=${formatLevel(policy[mode])}`);
  return `namespace "${name}" is exempt from Pod Security, and the policy (${asked.join(', ')}) will be ignored`;
}
