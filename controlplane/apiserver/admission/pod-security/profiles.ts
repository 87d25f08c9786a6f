// The controls of AppArmor and seccomp profiles, which a pod sets for all its containers or each container for itself.
import type { Container } from '../../../api/pods/types';
import { type Check, type JudgedPod, named, namesOf, plural, quoted, setters, unique } from './control';

type Key = 'appArmorProfile' | 'seccompProfile';

const confined = new Set(['RuntimeDefault', 'Localhost']);
/** The type of the profile; undefined when none is set. */
const typeOf = (
  owner: { readonly securityContext?: Pick<NonNullable<Container['securityContext']>, Key> },
  key: Key,
) => {
  const profile = owner.securityContext?.[key];
  return profile && (profile.type ?? '');
};
const isLoose = (type: string | undefined): type is string => type !== undefined && !confined.has(type);

/** The pod or containers with a profile that confines nothing, and these profiles. */
function looseProfiles({ spec, containers }: JudgedPod, key: Key) {
  const found = containers.filter((container) => isLoose(typeOf(container, key)));
  const own = typeOf(spec, key);
  const types = [own, ...found.map((container) => typeOf(container, key))].filter(isLoose);
  return { who: setters(isLoose(own), found), types: unique(types) };
}

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/';

export const appArmorProfile: Check = (pod) => {
  const { who, types } = looseProfiles(pod, 'appArmorProfile');
  const annotations = Object.entries(pod.annotations)
    .filter(([key, value]) => key.startsWith(appArmorPrefix) && !/^($|runtime\/default$|localhost\/)/.test(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const setters = [who, ...(annotations.length > 0 ? [plural(annotations.length, 'annotation')] : [])];
  const values = [...types, ...annotations];
  if (values.length === 0) return undefined;
  return {
    reason: plural(values.length, 'forbidden AppArmor profile'),
    detail: `${setters.filter((part) => part !== '').join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  };
};

const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod';
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/';

/** Before 1.19 profiles were annotations. */
export const seccompAnnotations: Check = ({ annotations, containers }) => {
  const keys = [podSeccomp, ...namesOf(containers).map((name) => containerSeccomp + name)];
  const found = keys
    .filter((key) => annotations[key] !== undefined)
    .filter((key) => !/^((runtime|docker)\/default$|localhost\/)/.test(annotations[key]!))
    .map((key) => `${key}=${JSON.stringify(annotations[key])}`);
  if (found.length === 0) return undefined;
  const list = unique(found);
  return { reason: 'seccompProfile', detail: `forbidden ${plural(list.length, 'annotation')} ${list.join(', ')}` };
};

export const seccompBaseline: Check = (pod) => {
  const { who, types } = looseProfiles(pod, 'seccompProfile');
  if (who === '') return undefined;
  return {
    reason: 'seccompProfile',
    detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(types)}`,
  };
};

/** As baseline; also, every container must have a profile, its own or the pod's. */
export const seccompRestricted: Check = (pod) => {
  const loose = seccompBaseline(pod);
  if (loose || typeOf(pod.spec, 'seccompProfile') !== undefined) return loose;
  const without = pod.containers.filter((container) => typeOf(container, 'seccompProfile') === undefined);
  if (without.length === 0) return undefined;
  const who = named('container', namesOf(without));
  return {
    reason: 'seccompProfile',
    detail: `pod or ${who} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  };
};
