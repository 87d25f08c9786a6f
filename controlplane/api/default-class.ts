// Which of several classes is the default one, for all rules that fill in a class.
import type { KubeObject } from './types';

/** Of several defaults the newest wins, then the smaller name. */
export function defaultClassOf<T extends KubeObject>(
  classes: readonly T[],
  isDefault: (one: T) => boolean,
): string | undefined {
  const created = (one: T) => one.metadata?.creationTimestamp ?? '';
  const name = (one: T) => one.metadata?.name ?? '';
  return classes
    .filter(isDefault)
    .sort((a, b) => (created(a) === created(b) ? (name(a) < name(b) ? -1 : 1) : created(a) < created(b) ? 1 : -1))
    .map(name)[0];
}
