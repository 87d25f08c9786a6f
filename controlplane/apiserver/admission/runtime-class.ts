// RuntimeClass: a pod gets the overhead, the node selector and the tolerations of its class. Only a class decides about overhead.
import { type Pod, type RuntimeClass, runtimeClasses } from '../../api/index';
import type { Toleration } from '../../api/pods/placement';
import type { PodSpec } from '../../api/pods/types';
import { compareQuantities, parseQuantity } from '../../api/quantity';
import type { Cache } from '../cache/cache';
import { type OpenRule, refusal, type Write, type WriteRule } from '../write/rule';
import { createsPod } from './pod-creation';

export const runtimeClass: OpenRule = ({ cache }) => new RuntimeClassRule(cache);

const otherOverhead = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
const ownOverhead = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead';

class RuntimeClassRule implements WriteRule {
  readonly name = 'RuntimeClass';
  readonly concerns = createsPod;

  constructor(private readonly cache: Cache) {}

  /** @throws Forbidden when there is no such class, or the pod contradicts it */
  mutate(write: Write): void {
    const { spec } = write.object as Pod;
    const found = this.classOf(write, spec);
    if (!spec || !found) return;
    setOverhead(write, spec, found);
    setScheduling(write, spec, found);
  }

  /** Webhooks may have changed the pod since `mutate`. */
  validate(write: Write): void {
    const { spec } = write.object as Pod;
    const defined = this.classOf(write, spec)?.overhead;
    if (defined && !sameAmounts(defined.podFixed, spec?.overhead)) throw refusal(write, otherOverhead);
    if (!defined && spec?.overhead) throw refusal(write, ownOverhead);
  }

  private classOf(write: Write, spec: PodSpec | undefined): RuntimeClass | undefined {
    const name = spec?.runtimeClassName;
    if (!name) return undefined;
    const found = this.cache.kind(runtimeClasses).get(name)?.object;
    if (!found) throw refusal(write, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
    return found;
  }
}

function setOverhead(write: Write, spec: PodSpec, { overhead }: RuntimeClass): void {
  if (!overhead) return;
  const { podFixed } = overhead;
  if (spec.overhead && !sameAmounts(podFixed, spec.overhead)) throw refusal(write, otherOverhead);
  if (podFixed) spec.overhead = { ...podFixed };
}

function setScheduling(write: Write, spec: PodSpec, { scheduling }: RuntimeClass): void {
  if (!scheduling) return;
  for (const [key, value] of Object.entries(scheduling.nodeSelector ?? {})) {
    const asked = spec.nodeSelector?.[key];
    if (asked === undefined || asked === value) continue;
    const [inClass, inPod] = ['runtimeClass.scheduling.nodeSelector', 'pod.spec.nodeSelector'];
    throw refusal(write, `conflict: ${inClass}[${key}] = ${value}; ${inPod}[${key}] = ${asked}`);
  }
  if (scheduling.nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...scheduling.nodeSelector };
  const tolerations = mergeTolerations(spec.tolerations ?? [], scheduling.tolerations ?? []);
  if (tolerations.length > 0) spec.tolerations = [...tolerations];
}

type Amounts = Readonly<Record<string, string>>;

/** 1Gi and 1024Mi are the same amount. */
function sameAmounts(a: Amounts = {}, b: Amounts = {}): boolean {
  const names = Object.keys(a);
  const same = (name: string) =>
    Object.hasOwn(b, name) && compareQuantities(parseQuantity(a[name]!), parseQuantity(b[name]!)) === 0;
  return names.length === Object.keys(b).length && names.every(same);
}

/** Both lists, without what another toleration includes. Of equal ones the first stays. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): readonly Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  all.forEach((one, i) => {
    const later = all.slice(i + 1).filter((other) => !isSame(other, one));
    if (![...merged, ...later].some((other) => includes(other, one))) merged.push(one);
  });
  return merged;
}

/** As in Go, where an absent text is an empty one. */
const isSame = (a: Toleration, b: Toleration): boolean => textOf(a) === textOf(b);
const textOf = ({ key = '', operator = '', value = '', effect = '', tolerationSeconds }: Toleration): string =>
  JSON.stringify([key, operator, value, effect, tolerationSeconds]);

/** True when `wide` tolerates all that `narrow` does. An operator that upstream does not compare (Gt, Lt) includes nothing. */
function includes(wide: Toleration, narrow: Toleration): boolean {
  if (isSame(wide, narrow)) return true;
  const { key = '', operator = 'Equal', value = '', effect = '', tolerationSeconds } = wide;
  if (key !== (narrow.key ?? '') && !(key === '' && operator === 'Exists')) return false;
  if (effect !== '' && effect !== narrow.effect) return false;
  if (effect === 'NoExecute' && tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > tolerationSeconds) return false;
  }
  if (operator === 'Exists') return true;
  // As upstream: `narrow` must name the operator Equal, although a toleration without an operator means the same.
  return operator === 'Equal' && narrow.operator === 'Equal' && value === (narrow.value ?? '');
}
