// Field rules of the annotations that have a meaning in pods.
import type { FieldCause } from '../../base/errors';
import type { ObjectMeta } from '../types';
import { forbidden, invalid } from '../validation/causes';
import type { PodSpec } from './types';
import { localPath } from './validate-path';
import { placedContainers } from './visit';

type Annotations = Readonly<Record<string, string>>;

const mirror = 'kubernetes.io/config.mirror';
const deletionCost = 'controller.kubernetes.io/pod-deletion-cost';
const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod';
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/';
/** Followed by the name of a container; from releases before 1.30. */
export const appArmorAnnotation = 'container.apparmor.security.beta.kubernetes.io/';

/** `field` is the path of the annotations. */
export function validatePodAnnotations(annotations: Annotations = {}, spec: PodSpec, field: string): FieldCause[] {
  const causes: FieldCause[] = [];
  for (const [key, value] of Object.entries(annotations)) {
    const at = `${field}[${key}]`;
    if (key === mirror && !spec.nodeName) {
      causes.push(invalid(at, value, 'must set spec.nodeName if mirror pod annotation is set'));
    }
    if (key === deletionCost && !isInt32(value)) causes.push(invalid(at, value, 'must be a 32bit integer'));
    if (key === podSeccomp || key.startsWith(containerSeccomp)) {
      causes.push(...validateSeccompName(value, `${field}.${key}`));
    }
    if (key.startsWith(appArmorAnnotation)) causes.push(...validateAppArmorName(key, value, spec, at));
  }
  return causes;
}

/** In Go's form of a number: no leading zero and no plus sign. */
function isInt32(text: string): boolean {
  if (!/^(0|-?[1-9]\d{0,9})$/.test(text)) return false;
  return Number(text) >= -(2 ** 31) && Number(text) < 2 ** 31;
}

function validateSeccompName(value: string, field: string): FieldCause[] {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(value)) return [];
  if (value.startsWith('localhost/')) return localPath(value.slice('localhost/'.length), field);
  return [invalid(field, value, 'must be a valid seccomp profile')];
}

function validateAppArmorName(key: string, value: string, spec: PodSpec, field: string): FieldCause[] {
  const name = key.slice(appArmorAnnotation.length);
  const known = placedContainers(spec, '').some(({ container }) => container.name === name);
  return [
    ...(known ? [] : [invalid(field, name, 'container not found')]),
    ...(/^($|runtime\/default$|unconfined$|localhost\/)/.test(value)
      ? []
      : [invalid(field, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`)]),
  ];
}

/** A profile in both the field and the old annotation must be the same. `field` is the path of the spec. */
export function matchSeccompAnnotations(metadata: ObjectMeta | undefined, spec: PodSpec, field: string): FieldCause[] {
  const annotations = metadata?.annotations ?? {};
  const owners = [
    { owner: spec, key: podSeccomp, at: field },
    ...placedContainers(spec, field).map(({ container, field: at }) => ({
      owner: container,
      key: containerSeccomp + (container.name ?? ''),
      at,
    })),
  ];
  return owners.flatMap(({ owner, key, at }) => {
    const profile = owner.securityContext?.seccompProfile;
    const value = annotations[key];
    if (!profile || value === undefined) return [];
    const path = `${at}.securityContext.seccompProfile`;
    const matches: Readonly<Record<string, boolean>> = {
      Unconfined: value === 'unconfined',
      RuntimeDefault: value === 'runtime/default' || value === 'docker/default',
      Localhost: value.startsWith('localhost/'),
    };
    if (matches[profile.type] === false) {
      return [forbidden(`${path}.type`, 'seccomp type in annotation and field must match')];
    }
    if (profile.type === 'Localhost' && value !== `localhost/${profile.localhostProfile}`) {
      return [forbidden(`${path}.localhostProfile`, 'seccomp profile in annotation and field must match')];
    }
    return [];
  });
}

type AppArmorProfile = NonNullable<NonNullable<PodSpec['securityContext']>['appArmorProfile']>;

/** Undefined for a value that no field can have. */
export function profileOfAnnotation(value: string): AppArmorProfile | undefined {
  if (value === 'unconfined') return { type: 'Unconfined' };
  if (value === 'runtime/default') return { type: 'RuntimeDefault' };
  const localhostProfile = value.startsWith('localhost/') ? value.slice('localhost/'.length) : '';
  const isUsable = localhostProfile !== '' && localhostProfile.trim() === localhostProfile;
  return isUsable ? { type: 'Localhost', localhostProfile } : undefined;
}

/** A profile in both the field and the old annotation must be the same. `field` is the path of the spec. */
export function matchAppArmorAnnotations(metadata: ObjectMeta | undefined, spec: PodSpec, field: string): FieldCause[] {
  const annotations = metadata?.annotations ?? {};
  if (spec.os?.name === 'windows') return [];
  return placedContainers(spec, field).flatMap(({ container, field: at }) => {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    const value = annotations[appArmorAnnotation + (container.name ?? '')];
    if (!profile || value === undefined) return [];
    const path = `${at}.securityContext.appArmorProfile`;
    const expected = { Unconfined: 'unconfined', RuntimeDefault: 'runtime/default', Localhost: 'localhost/' }[
      profile.type
    ];
    if (expected === undefined) return [];
    const isType = profile.type === 'Localhost' ? value.startsWith(expected) : value === expected;
    if (!isType) return [forbidden(`${path}.type`, 'apparmor type in annotation and field must match')];
    if (profile.type !== 'Localhost' || value === `${expected}${profile.localhostProfile}`) return [];
    return [forbidden(`${path}.localhostProfile`, 'apparmor profile in annotation and field must match')];
  });
}

/** The annotation of mirror pods cannot be added or removed later, nor can profiles of containers. */
export function validateAnnotationUpdate(now: Annotations = {}, before: Annotations = {}): FieldCause[] {
  const field = 'metadata.annotations';
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) => {
    if (now[key] === before[key]) return [];
    const what =
      key === mirror ? 'mirror pod annotation' : key.startsWith(appArmorAnnotation) ? 'AppArmor annotations' : '';
    if (what === '') return [];
    const verb = before[key] === undefined ? 'add' : 'remove or update';
    return [forbidden(`${field}[${key}]`, `may not ${verb} ${what}`)];
  });
}
