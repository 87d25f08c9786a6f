// May two Services have one address? The idea and its conditions are those of MetalLB's "IP address sharing". Pure.
import { isDeepStrictEqual } from 'node:util';
import type { Service } from '../../api/service';

/** Services with the same value may share an address. */
export const sharingAnnotation = 'k8ts.io/allow-shared-ip';

export const sharingKey = ({ metadata }: Service): string => metadata?.annotations?.[sharingAnnotation] ?? '';

const portsOf = ({ spec }: Service): string[] =>
  (spec?.ports ?? []).map(({ protocol, port }) => `${port}/${protocol ?? 'TCP'}`);

/**
 * Undefined when they may; otherwise why not, a text that follows "in use by NAME: ". With policy Local the node that answers for the
 * address must have endpoints of both Services, which is certain only when both have the same pods.
 */
export function sharingProblem(a: Service, b: Service): string | undefined {
  const key = sharingKey(a);
  if (key === '' || sharingKey(b) === '') return `annotate both with the same ${sharingAnnotation} to share it`;
  if (key !== sharingKey(b)) return `its ${sharingAnnotation} is different`;
  const taken = new Set(portsOf(b));
  const both = portsOf(a).filter((port) => taken.has(port));
  if (both.length > 0) return `both use port ${both.join(', ')}`;
  const local = [a, b].some(({ spec }) => spec?.externalTrafficPolicy === 'Local');
  const samePods =
    a.metadata?.namespace === b.metadata?.namespace &&
    Object.keys(a.spec?.selector ?? {}).length > 0 &&
    isDeepStrictEqual(a.spec?.selector, b.spec?.selector);
  if (local && !samePods) return 'with externalTrafficPolicy Local both must have the same selector';
  return undefined;
}
