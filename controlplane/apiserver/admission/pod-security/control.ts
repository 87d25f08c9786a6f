// The type of a control of the Pod Security Standards, and the texts of its messages.
import { allContainers } from '../../../api/pods/facts';
import type { Container, PodSpec } from '../../../api/pods/types';

/** A pod or a pod template, in the form the controls read. */
export interface JudgedPod {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  /** All containers: init, app and ephemeral ones. */
  readonly containers: readonly Container[];
}

export interface Violation {
  /** Two or three words, shown when many pods of a namespace are listed. */
  readonly reason: string;
  /** Which fields of this pod violate the control. */
  readonly detail: string;
}
export type Check = (pod: JudgedPod) => Violation | undefined;

export interface Control {
  /** Messages list violations in the order of these names. */
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** The check in force from Kubernetes 1.`since` on, in ascending order. */
  readonly versions: readonly { readonly since: number; readonly check: Check }[];
  /** The baseline control of which this restricted control is the stricter form. */
  readonly replaces?: string;
}

export function judgedPod(
  metadata: { readonly annotations?: Readonly<Record<string, string>> } | undefined,
  spec: PodSpec,
): JudgedPod {
  return {
    annotations: metadata?.annotations ?? {},
    spec,
    containers: allContainers(spec),
  };
}

export const quoted = (items: readonly string[]): string => items.map((item) => `"${item}"`).join(', ');
export const plural = (count: number, one: string, many = `${one}s`): string => (count === 1 ? one : many);
export const unique = (items: readonly string[]): string[] => [...new Set(items)].sort();
/** `container "a"`, `containers "a", "b"` */
export const named = (noun: string, names: readonly string[]): string =>
  `${plural(names.length, noun)} ${quoted(names)}`;

export const namesOf = (containers: readonly Container[]): string[] => containers.map(({ name }) => name ?? '');

/** Names the pod (when its own fields violate) and the violating containers: `pod and container "a"`; '' for neither. */
export function setters(pod: boolean, containers: readonly Container[]): string {
  const parts = pod ? ['pod'] : [];
  if (containers.length > 0) parts.push(named('container', namesOf(containers)));
  return parts.join(' and ');
}

/** Skips pods for Windows: field validation refuses Linux-only fields there. */
export const exceptWindows =
  (check: Check): Check =>
  (pod) =>
    pod.spec.os?.name === 'windows' ? undefined : check(pod);

/** Skips pods in their own user namespace: root there is not root on the host. */
export const exceptUserNamespace =
  (check: Check): Check =>
  (pod) =>
    pod.spec.hostUsers === false ? undefined : check(pod);
