// A digest of what cannot change in a running container.
import { createHash } from 'node:crypto';
import type { Container } from './container';

/** Of the mutable fields of a pod only the image asks for a restart; the name ties the digest to its container. */
export function specHash(container: Container): string {
  return createHash('sha256')
    .update(`${container.name}\0${container.image ?? ''}`)
    .digest('hex')
    .slice(0, 16);
}
