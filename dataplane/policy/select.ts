// Which pods a selector selects. Pods with equal labels in one namespace, such as the pods of one ReplicaSet, are checked once.
import type { Labels, NamespaceRecord, PodPeer, PodRecord, Requirement, Selector } from './input';

export const selects = (selector: Selector, labels: Labels): boolean =>
  selector.every((requirement) => holds(requirement, labels));

function holds({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** Equal for selectors with the same requirements in another order. */
export const canonical = (selector: Selector): string =>
  JSON.stringify(
    selector.map(({ key, operator, values }) => JSON.stringify([key, operator, ...[...values].sort()])).sort(),
  );

export type Selectable = Pick<PodRecord, 'namespace' | 'labels'>;

/** Pods by namespace and labels. */
export class PodIndex<P extends Selectable> {
  /** Namespace → labels as text → pods. */
  private readonly classes = new Map<string, Map<string, P[]>>();

  constructor(
    pods: Iterable<P>,
    private readonly namespaces: readonly NamespaceRecord[] = [],
  ) {
    for (const pod of pods) {
      const inNamespace = this.classes.get(pod.namespace) ?? new Map<string, P[]>();
      this.classes.set(pod.namespace, inNamespace);
      const text = labelText(pod.labels);
      const same = inNamespace.get(text);
      if (same) same.push(pod);
      else inNamespace.set(text, [pod]);
    }
  }

  inNamespace(namespace: string, selector: Selector): P[] {
    const found: P[] = [];
    for (const pods of this.classes.get(namespace)?.values() ?? []) {
      if (selects(selector, pods[0]!.labels)) for (const pod of pods) found.push(pod);
    }
    return found;
  }

  /** The pods that a peer of a policy in `namespace` selects. */
  ofPeer(namespace: string, { namespaces, pods = [] }: PodPeer): P[] {
    if (!namespaces) return this.inNamespace(namespace, pods);
    return this.namespaces
      .filter(({ name, labels }) => this.classes.has(name) && selects(namespaces, labels))
      .flatMap(({ name }) => this.inNamespace(name, pods));
  }
}

/** Cached by record: the labels of a record never change, and each compilation gets the same records again. */
const texts = new WeakMap<Labels, string>();
function labelText(labels: Labels): string {
  let text = texts.get(labels);
  if (text === undefined) {
    text = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    texts.set(labels, text);
  }
  return text;
}
