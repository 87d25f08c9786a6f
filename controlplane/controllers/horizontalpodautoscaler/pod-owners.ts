// Which autoscalers select the same pods: two of them would scale against each other. The selectors are those of the targets' last scales.
import type { Pod } from '../../api/pod';
import { matchesSelector, type Selector } from '../../api/selector';
import { eventLoop } from '../../base/event-loop';

/** Selectors between two pauses for other work. */
const batch = 100;

export class PodOwners {
  /** By namespace, then by the key of the autoscaler. */
  private readonly selectors = new Map<string, Map<string, Selector>>();

  set(namespace: string, key: string, selector: Selector): void {
    const inNamespace = this.selectors.get(namespace) ?? new Map<string, Selector>();
    this.selectors.set(namespace, inNamespace.set(key, selector));
  }

  delete(namespace: string, key: string): void {
    const inNamespace = this.selectors.get(namespace);
    inNamespace?.delete(key);
    if (inNamespace?.size === 0) this.selectors.delete(namespace);
  }

  /** The keys of the autoscalers that select any of these pods, in their order. */
  async of(namespace: string, pods: readonly Pod[]): Promise<readonly string[]> {
    const labelSets = distinctLabels(pods);
    const found: string[] = [];
    let looked = 0;
    for (const [key, selector] of this.selectors.get(namespace) ?? []) {
      if (++looked % batch === 0) await eventLoop.pause();
      if (labelSets.some((labels) => matchesSelector(selector, labels))) found.push(key);
    }
    return found.sort();
  }
}

type Labels = NonNullable<NonNullable<Pod['metadata']>['labels']>;

/** Pods of one template have the same labels. */
function distinctLabels(pods: readonly Pod[]): readonly Labels[] {
  const found = new Map<string, Labels>();
  for (const { metadata } of pods) {
    const labels = metadata?.labels ?? {};
    found.set(JSON.stringify(labels), labels);
  }
  return [...found.values()];
}
