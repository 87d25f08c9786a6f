// Levels and versions of the Pod Security Standards, and the policy of a namespace: its labels, and the cluster's defaults for
// missing labels. Pure.
import { invalid } from '../../../api/validation/causes';
import type { FieldCause } from '../../../base/errors';
import { versionInfo } from '../../../base/version';

export const levels = ['privileged', 'baseline', 'restricted'] as const;
export type Level = (typeof levels)[number];
export const modes = ['enforce', 'audit', 'warn'] as const;
export type Mode = (typeof modes)[number];

/** A level in the version it had in Kubernetes 1.`minor`; 'latest' follows the server. */
export interface LevelVersion {
  readonly level: Level;
  readonly minor: number | 'latest';
}
export type Policy = Readonly<Record<Mode, LevelVersion>>;

export const labelPrefix = 'pod-security.kubernetes.io/';
export const latestMinor = Number(versionInfo.minor);
export const privileged: LevelVersion = { level: 'privileged', minor: 'latest' };
export const privilegedPolicy: Policy = { enforce: privileged, audit: privileged, warn: privileged };

export const formatLevel = ({ level, minor }: LevelVersion): string =>
  `${level}:${minor === 'latest' ? minor : `v1.${minor}`}`;
export const isPrivileged = ({ level }: LevelVersion): boolean => level === 'privileged';
export const isFullyPrivileged = (policy: Policy): boolean => modes.every((mode) => isPrivileged(policy[mode]));
export const sameLevel = (a: LevelVersion, b: LevelVersion): boolean => a.level === b.level && a.minor === b.minor;
/** Above 0 when `a` is the stricter level. */
export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b);

export const parseLevel = (text: string): Level | undefined => levels.find((level) => level === text);
export const wrongLevel = `must be one of ${levels.join(', ')}`;

export function parseVersion(text: string): number | 'latest' | undefined {
  if (text === 'latest') return 'latest';
  const minor = /^v1\.(0|[1-9]\d{0,8})$/.exec(text)?.[1];
  return minor === undefined ? undefined : Number(minor);
}
export const wrongVersion = 'must be "latest" or "v1.x"';

export interface NamespacePolicy {
  readonly policy: Policy;
  /** Errors in the labels. The policy applies in spite of them. */
  readonly causes: readonly FieldCause[];
}

type Labels = Readonly<Record<string, string>>;

/**
 * The policy that the labels of a namespace set. A wrong level counts as the strictest for enforce and as none for audit and
 * warn, a wrong version as the latest: so a typing mistake closes the namespace and does not open it.
 */
export function policyOf(labels: Labels | undefined, defaults: Policy): NamespacePolicy {
  const causes: FieldCause[] = [];
  const read = <V>(name: string, parse: (text: string) => V | undefined, wrong: string): V | undefined => {
    const text = labels?.[labelPrefix + name];
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === undefined) causes.push(invalid(`metadata.labels[${labelPrefix}${name}]`, text, wrong));
    return value;
  };
  const has = (name: string): boolean => labels?.[labelPrefix + name] !== undefined;
  const policy = { ...defaults };
  for (const mode of modes) {
    const level = read(mode, parseLevel, wrongLevel);
    const minor = read(`${mode}-version`, parseVersion, wrongVersion);
    policy[mode] = {
      level: has(mode) ? (level ?? (mode === 'enforce' ? 'restricted' : 'privileged')) : defaults[mode].level,
      minor: has(`${mode}-version`) ? (minor ?? 'latest') : defaults[mode].minor,
    };
  }
  // Enforce without a label for warn also warns at that level: a workload's template is never refused, so its author would see nothing.
  const { enforce, warn } = policy;
  const enforces = parseLevel(labels?.[`${labelPrefix}enforce`] ?? '') !== undefined;
  if (enforces && !has('warn') && compareLevels(enforce.level, warn.level) > 0) {
    policy.warn = { level: enforce.level, minor: has('warn-version') ? warn.minor : enforce.minor };
  }
  return { policy, causes };
}
