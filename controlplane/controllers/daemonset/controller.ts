// Keeps one pod of a DaemonSet on every node that should have it.

import { type DaemonSet, daemonSets } from '../../api/daemon-set';
import { type Node, nodes } from '../../api/node';
import type { Pod } from '../../api/pod';
import { type Selector, selectorFromLabelSelector } from '../../api/selector';
import { objectKey } from '../../api/types';
import { Backoff } from '../../base/backoff';
import type { TrackedInformer } from '../../client/informer';
import type { Controller, Deps } from '../shared/deps';
import { controllerReference, metaOf } from '../shared/owner';
import { PodOwner } from '../shared/pod-owner';
import { RevisionHistory } from '../shared/revision-history';
import { daemonSetRevisions } from '../shared/revisions';
import { runWorkers } from '../shared/worker';
import { renderPod } from './daemon-pod';
import { planDaemonSet } from './plan';
import type { Step } from './types';

const workers = 2;
/** The wait between replacements of failed pods on one node, as upstream. */
const failedRetry = { initialMs: 1_000, maxMs: 15 * 60_000 };

export class DaemonSetController implements Controller {
  private readonly podOwner: PodOwner<DaemonSet>;
  private readonly nodes: TrackedInformer<Node>;
  private readonly history: RevisionHistory<DaemonSet>;
  private readonly failures = new Backoff<string>(failedRetry);
  /** uid of the set (the server's own text, without blanks) and node → when a failed pod may be replaced there, in ms since the epoch. */
  private readonly failedUntil = new Map<string, number>();

  constructor(private readonly deps: Deps) {
    this.podOwner = new PodOwner(deps, { kind: daemonSets, component: 'daemonset-controller' });
    this.nodes = deps.informers.of(nodes);
    this.history = new RevisionHistory(deps, {
      kind: daemonSets,
      template: ({ spec }) => spec?.template ?? {},
      selector: selectorOf,
      form: daemonSetRevisions,
      limit: ({ spec }) => spec?.revisionHistoryLimit ?? 10,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { workloads, pods, queue } = this.podOwner;
    const { revisions } = this.history;
    this.podOwner.follow();
    revisions.onChange(({ object }) => this.podOwner.enqueueOwner(object));
    this.nodes.onChange((change) => {
      if (change.type === 'updated' && !mattersForPlacement(change.previous, change.object)) return;
      for (const set of workloads.list()) queue.add(objectKey(set));
    });
    const informers = [workloads, pods, this.nodes, revisions];
    await Promise.all(informers.map((informer) => informer.synced(signal)));
    await runWorkers({ queue, workers, reconcile: (key) => this.reconcile(key, signal) }, signal);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<void> {
    const set = this.podOwner.workloads.get(key);
    if (!set) {
      this.podOwner.guard.forget(key);
      this.history.forget(key);
      return;
    }
    if (!this.podOwner.guard.isCurrent(key) || !this.history.isCurrent(key)) return;
    const selector = selectorOf(set);
    if (selector.length === 0) return;
    const owned = await this.podOwner.claim(key, set, selector, signal);
    if (owned === undefined) return;
    const hash = await this.history.apply(key, set, owned, signal);
    if (hash === undefined) return;
    const plan = planDaemonSet({ set, nodes: this.nodes.list(), pods: owned, hash, now: this.deps.clock.now() });
    if (plan.againInMs !== undefined) this.podOwner.queue.addAfter(key, plan.againInMs);
    await this.apply(key, set, hash, plan.steps, signal);
    if (plan.status) {
      await this.deps.client.update(daemonSets, { ...set, status: plan.status }, { subresource: 'status', signal });
    }
  }

  private async apply(
    key: string,
    set: DaemonSet,
    hash: string,
    steps: readonly Step[],
    signal: AbortSignal,
  ): Promise<void> {
    const deletions = steps.flatMap((step) => (step.action === 'delete' ? [this.delete(key, set, step, signal)] : []));
    const targets = steps.flatMap((step) => (step.action === 'create' ? [step.node] : []));
    const failed = (await Promise.allSettled(deletions)).find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    let next = 0;
    const render = () => renderPod(set, targets[next++]!, hash, controllerReference(daemonSets, set));
    const error = await this.podOwner.create(key, set, targets.length, render, signal);
    if (error !== undefined) throw error;
  }

  private async delete(
    key: string,
    set: DaemonSet,
    { pod, ended }: Extract<Step, { action: 'delete' }>,
    signal: AbortSignal,
  ): Promise<void> {
    if (ended === 'failed') {
      const wait = this.waitAfterFailure(set, pod);
      if (wait > 0) {
        this.podOwner.queue.addAfter(key, wait);
        return;
      }
    }
    if (ended) {
      const where = `${objectKey(pod)} on node ${pod.spec?.nodeName}`;
      if (ended === 'failed') {
        this.podOwner.events.record(
          set,
          'Warning',
          'FailedDaemonPod',
          `Found failed daemon pod ${where}, will try to kill it`,
        );
      } else {
        const message = `Found succeeded daemon pod ${where}, will try to delete it`;
        this.podOwner.events.record(set, 'Normal', 'SucceededDaemonPod', message);
      }
    }
    await this.podOwner.delete(key, set, pod, signal);
  }

  /** A node where the pod fails again and again gets new pods ever more slowly. Returns 0 when the pod may be deleted now. */
  private waitAfterFailure(set: DaemonSet, pod: Pod): number {
    const id = `${metaOf(set).uid} ${pod.spec?.nodeName ?? ''}`;
    const now = this.deps.clock.now();
    const until = this.failedUntil.get(id) ?? 0;
    if (until > now) return until - now;
    // After a long time without a failure, the next failure counts as the first.
    if (now - until > 2 * failedRetry.maxMs) this.failures.forget(id);
    this.failedUntil.set(id, now + this.failures.next(id));
    return 0;
  }
}

const selectorOf = ({ spec }: DaemonSet): Selector => selectorFromLabelSelector(spec?.selector) ?? [];

function mattersForPlacement(before: Node, after: Node): boolean {
  const facts = ({ metadata, spec }: Node) => JSON.stringify([metadata?.labels, spec?.taints]);
  return facts(before) !== facts(after);
}
