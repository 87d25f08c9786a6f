// The binding of a pod to its node, after the decision: what plug-ins write before, and who binds.
import { describeError } from '../base/errors';
import type { Logger } from '../base/logger';
import { type BinderDeps, bind, nominate, recordBinding } from './binder';
import type { HttpExtender } from './extenders/extender';
import type { SchedulerPlugin } from './plugins/plugin';
import type { PodInfo } from './pod-info';

export interface BindingsDeps {
  readonly binder: BinderDeps;
  readonly log: Logger;
  readonly extenders: readonly HttpExtender[];
  /** The plug-ins that decide about the pod. */
  readonly pluginsOf: (pod: PodInfo) => readonly SchedulerPlugin[];
}

export class Bindings {
  /** By the uid of a pod whose binding waits, e.g. for its volumes: how to end that. */
  private readonly waiting = new Map<string, AbortController>();

  constructor(private readonly deps: BindingsDeps) {}

  /** Ends the wait of a pod that is deleted. */
  end(uid: string, why: Error): void {
    this.waiting.get(uid)?.abort(why);
  }

  /** The first extender that binds and is interested in the pod does so in place of the scheduler. */
  async bind(pod: PodInfo, node: string, signal: AbortSignal): Promise<void> {
    for (const extender of this.deps.extenders) {
      if (!extender.binds || !extender.isInterested(pod)) continue;
      try {
        await extender.bind(pod, node, signal);
        return recordBinding(this.deps.binder, pod, node);
      } catch (error) {
        if (!extender.ignorable || signal.aborted) throw error;
        this.deps.log.warn('an extender that may be ignored did not bind', { extender: extender.name, error });
      }
    }
    await running('Bind', 'DefaultBinder', () => bind(this.deps.binder, pod, node, signal));
  }

  /** Lets the plug-ins write what must exist before the binding. Ends when the pod is deleted. */
  async preBind(pod: PodInfo, node: string, signal: AbortSignal): Promise<void> {
    const plugins = this.deps.pluginsOf(pod).filter((plugin) => plugin.preBind && plugin.needsPreBind?.(pod) !== false);
    if (plugins.length === 0) return;
    const deleted = new AbortController();
    this.waiting.set(pod.uid, deleted);
    const end = AbortSignal.any([signal, deleted.signal]);
    try {
      for (const plugin of plugins) {
        await running('PreBind', plugin.name, () => plugin.preBind!(pod, node, end));
      }
    } finally {
      this.waiting.delete(pod.uid);
    }
  }

  /** Until the pod is bound, its status shows the node for which its volumes are made. A failure stops nothing. */
  async showNode(pod: PodInfo, node: string, signal: AbortSignal): Promise<void> {
    if (pod.pod.status?.nominatedNodeName === node) return;
    try {
      await nominate(this.deps.binder, pod.pod, node, signal);
    } catch (error) {
      if (!signal.aborted) this.deps.log.warn('the status of a pod does not show its node', { pod: pod.key, error });
    }
  }
}

/** Says in upstream's words which plug-in failed. */
export class RunError extends Error {}

async function running(point: 'PreBind' | 'Bind', plugin: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new RunError(`running ${point} plugin "${plugin}": ${describeError(cause)}`, { cause });
  }
}
