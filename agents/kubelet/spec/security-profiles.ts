// Which security profiles a container runs under: its own settings win over those of its pod. Pure.
// Source: kubernetes.io "Seccomp and Kubernetes", "Restrict a Container's Access to Resources with AppArmor".
import { allContainers, type Pod } from '../../../controlplane/api';
import type { Container } from './container';

type Profile = NonNullable<NonNullable<Container['securityContext']>['seccompProfile']>;

/** Undefined for the default profile of Docker. A privileged container is confined by none. */
export function seccompOf({ spec }: Pod, { securityContext }: Container): Profile | undefined {
  if (securityContext?.privileged) return undefined;
  return securityContext?.seccompProfile ?? spec?.securityContext?.seccompProfile;
}

const annotationPrefix = 'container.apparmor.security.beta.kubernetes.io/';

/** Docker's name of the AppArmor profile; undefined for its default. A privileged container is confined by none. */
export function appArmorOf({ metadata, spec }: Pod, { name, securityContext }: Container): string | undefined {
  if (securityContext?.privileged) return undefined;
  const own = securityContext?.appArmorProfile;
  // The API server copies annotations to fields, but a static pod may have the annotation alone.
  const old = metadata?.annotations?.[`${annotationPrefix}${name}`];
  if (!own && old !== undefined) return old.startsWith('localhost/') ? old.slice('localhost/'.length) : unconfined(old);
  const profile = own ?? spec?.securityContext?.appArmorProfile;
  return profile?.type === 'Localhost' ? profile.localhostProfile : unconfined(profile?.type);
}

const unconfined = (type: string | undefined): string | undefined =>
  type?.toLowerCase() === 'unconfined' ? 'unconfined' : undefined;

/** Whether the pod may only run on a node that enforces AppArmor. */
export function needsAppArmor({ metadata, spec }: Pod): boolean {
  const profiles = [spec, ...allContainers(spec ?? {})].map((each) => each?.securityContext?.appArmorProfile);
  const annotations = Object.entries(metadata?.annotations ?? {});
  return (
    profiles.some((profile) => profile !== undefined && profile.type !== 'Unconfined') ||
    annotations.some(([key, value]) => key.startsWith(annotationPrefix) && value !== 'unconfined')
  );
}
