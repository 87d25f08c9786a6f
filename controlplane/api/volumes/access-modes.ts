// The access modes of volumes and claims, and their short forms.
import type { FieldCause } from '../../base/errors';
import { forbidden, notSupported } from '../validation/causes';

const oncePod = 'ReadWriteOncePod';
/** In the order in which `kubectl get` shows them. */
const shortForms: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  [oncePod]: 'RWOP',
};
const supported = Object.keys(shortForms).sort();

/** `RWO,RWX`: each mode once. */
export const shortModes = (modes: readonly string[] = []): string =>
  Object.keys(shortForms)
    .filter((mode) => modes.includes(mode))
    .map((mode) => shortForms[mode])
    .join(',');

/** `field` is the path of the list: messages name no item, as upstream. */
export function validateAccessModes(modes: readonly string[], field: string): FieldCause[] {
  const causes = modes.filter((mode) => !supported.includes(mode)).map((mode) => notSupported(field, mode, supported));
  const others = modes.some((mode) => mode !== oncePod && supported.includes(mode));
  if (modes.includes(oncePod) && others)
    causes.push(forbidden(field, 'may not use ReadWriteOncePod with other access modes'));
  return causes;
}
