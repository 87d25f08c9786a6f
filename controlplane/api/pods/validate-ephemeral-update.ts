// Which ephemeral containers a pod may get after its creation: new ones. Those that it has can neither change nor be removed.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../../base/errors';
import type { ObjectMeta } from '../types';
import { forbidden } from '../validation/causes';
import { difference, plain } from '../validation/difference';
import type { PodSpec } from './types';

const mirror = 'kubernetes.io/config.mirror';
const field = 'spec.ephemeralContainers';

export function validateEphemeralUpdate(spec: PodSpec, old: PodSpec, metadata: ObjectMeta | undefined): FieldCause[] {
  if (metadata?.annotations?.[mirror] !== undefined) {
    return [forbidden('[]', 'static pods do not support ephemeral containers')];
  }
  const now = new Map((spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return (old.ephemeralContainers ?? []).flatMap((before) => {
    const container = now.get(before.name);
    const shown = `existing ephemeral containers ${JSON.stringify(before.name)}`;
    if (!container) return [forbidden(field, `${shown} may not be removed\n`)];
    if (isDeepStrictEqual(plain(container), plain(before))) return [];
    return [forbidden(field, `${shown} may not be changed\n${difference(before, container)}`)];
  });
}
