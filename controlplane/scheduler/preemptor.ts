// Preemption by one scheduler: gathers its input from the state, and evicts the victims.
import type { PodDisruptionBudget } from '../api/pod-disruption-budget';
import type { Steps } from '../base/steps';
import { type BinderDeps, evict, nominate } from './binder';
import { isPreempted, toBudget } from './changes';
import type { Choice, ChooseInput } from './choose';
import { nothingGathered } from './message';
import type { PodInfo } from './pod-info';
import { type Preemption, type PreemptionInput, planPreemption } from './preemption';
import type { Profile } from './profile';
import type { ClusterState } from './state';

/** A decision that found no node. */
export type NoNode = Choice & { readonly node: undefined };
export type NoPreemption = Preemption & { readonly node: undefined };

export interface PreemptorDeps {
  readonly state: ClusterState;
  readonly binder: BinderDeps;
  readonly budgets: () => readonly PodDisruptionBudget[];
  /** Called for each pod for which preemption is tried. */
  readonly onTry: () => void;
}

const notTried: NoPreemption = { node: undefined, gaveUp: true, message: '' };

export class Preemptor {
  /** uids of pods that are being evicted while the informer's copy does not show it yet. */
  private readonly victims = new Set<string>();

  constructor(private readonly deps: PreemptorDeps) {}

  /** The pod has ended or does not exist any more. */
  forget(uid: string): void {
    this.victims.delete(uid);
  }

  /** Which pods to evict for a pod that no node takes. `input` is that of the decision. */
  *plan(input: ChooseInput, choice: NoNode, profile: Profile): Steps<Preemption> {
    const preemption = this.inputFor(input, choice, profile);
    if (!preemption) return notTried;
    this.deps.onTry();
    const { podRefusal } = choice;
    if (podRefusal && !podRefusal.resolvable) return { node: undefined, gaveUp: false, message: nothingGathered };
    return yield* planPreemption(preemption);
  }

  /** Undefined when the profile has no preemption. */
  inputFor(input: ChooseInput, { refusals }: NoNode, profile: Profile): PreemptionInput | undefined {
    const { plugins, preemption: minCandidates } = profile;
    if (!minCandidates) return undefined;
    const { state, binder, budgets } = this.deps;
    return {
      plugins,
      pod: input.pod,
      nodes: state.nodes(),
      namespaceLabels: input.namespaceLabels,
      refusals,
      nominated: (node) => state.nominated(node),
      isVictim: (other) => this.victims.has(other.uid) || isPreempted(other.pod),
      budgets: budgets().map(toBudget),
      minCandidates,
      offset: input.offset,
      now: binder.now(),
    };
  }

  /**
   * Evicts the victims for the pod that takes their node, and takes the node from less important pods that wait for it.
   * @throws the first error of an eviction or a write, after all have ended
   */
  async evict(pod: PodInfo, node: string, victims: readonly PodInfo[], signal: AbortSignal): Promise<void> {
    const { state, binder } = this.deps;
    for (const { uid } of victims) this.victims.add(uid);
    const by = { preemptor: pod, node };
    const evictions = victims.map(async (victim) => {
      try {
        await evict(binder, victim.pod, by, signal);
      } catch (err) {
        this.victims.delete(victim.uid);
        throw err;
      }
    });
    const overtaken = state.nominated(node).filter(({ priority }) => priority < pod.priority);
    for (const other of overtaken) state.nominate(other, undefined);
    const clearings = overtaken.map((other) => nominate(binder, other.pod, undefined, signal));
    const results = await Promise.allSettled([...evictions, ...clearings]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
