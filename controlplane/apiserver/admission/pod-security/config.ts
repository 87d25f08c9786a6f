// The server's options for Pod Security: the policy of namespaces without labels, and the exemptions.
import { BadRequest } from '../../../base/errors';
import {
  type LevelVersion,
  type Mode,
  modes,
  type Policy,
  parseLevel,
  parseVersion,
  privilegedPolicy,
  wrongLevel,
  wrongVersion,
} from './policy';

export interface Exemptions {
  readonly namespaces: ReadonlySet<string>;
  readonly usernames: ReadonlySet<string>;
  readonly runtimeClasses: ReadonlySet<string>;
}
export interface PodSecurityConfig {
  readonly defaults: Policy;
  readonly exemptions: Exemptions;
}

const splitList = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** `MODE=LEVEL[:VERSION]`, comma-joined; modes that are not named are privileged. @throws BadRequest */
export function parseDefaults(text: string): Policy {
  const policy: Record<Mode, LevelVersion> = { ...privilegedPolicy };
  for (const part of splitList(text)) {
    const [name = '', value = ''] = part.split('=', 2);
    const mode = modes.find((one) => one === name);
    if (mode === undefined) throw new BadRequest(`${part}: the mode must be one of ${modes.join(', ')}`);
    const [levelText = '', versionText = 'latest'] = value.split(':', 2);
    const level = parseLevel(levelText);
    if (level === undefined) throw new BadRequest(`${part}: the level ${wrongLevel}`);
    const minor = parseVersion(versionText);
    if (minor === undefined) throw new BadRequest(`${part}: the version ${wrongVersion}`);
    policy[mode] = { level, minor };
  }
  return policy;
}

/** `namespace=NAME`, `username=NAME` or `runtimeclass=NAME`, comma-joined. @throws BadRequest */
export function parseExemptions(text: string): Exemptions {
  const sets = { namespace: new Set<string>(), username: new Set<string>(), runtimeclass: new Set<string>() };
  for (const part of splitList(text)) {
    const equals = part.indexOf('=');
    const set = new Map<string, Set<string>>(Object.entries(sets)).get(part.slice(0, Math.max(equals, 0)));
    const name = part.slice(equals + 1);
    if (!set || name === '') {
      throw new BadRequest(`${part}: expected namespace=NAME, username=NAME or runtimeclass=NAME`);
    }
    set.add(name);
  }
  return { namespaces: sets.namespace, usernames: sets.username, runtimeClasses: sets.runtimeclass };
}

/** The default of the option: kube-system is never restricted. Other namespaces are restricted only by their labels or by `defaults`. */
export const defaultExemptions = 'namespace=kube-system';
export const defaultPodSecurity: PodSecurityConfig = {
  defaults: privilegedPolicy,
  exemptions: parseExemptions(defaultExemptions),
};
