// A digest of the fields that cannot change in a running container.
import { createHash } from 'node:crypto';
import type { Container } from './container';

/** The image is the only mutable field of a pod whose change needs a restart. The name binds the digest to its container. */
export function specHash(container: Container): string {
  return createHash('sha256')
    .update(`${container.name}\0${container.image ?? ''}`)
    .digest('hex')
    .slice(0, 16);
}
