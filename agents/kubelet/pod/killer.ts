// Ends containers: preStop hook, stop signal, and after the rest of the grace period the kill. A second request with less
// grace shortens the first.
import type { Pod } from '../../../controlplane/api';
import { describeError } from '../../../controlplane/base/errors';
import { labels } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import { findContainer } from '../spec/container';
import { aboutContainer } from './container-event';
import type { PodDeps } from './deps';
import { runHook } from './hooks';

export interface KillRequest {
  /** Undefined when only the containers of the pod still exist. */
  readonly pod: Pod | undefined;
  readonly record: ContainerRecord;
  readonly graceSeconds: number;
  /** Text of the Killing Event; default: that the container is stopped. */
  readonly message?: string;
  readonly podIp: string | undefined;
}

interface Kill {
  readonly done: Promise<void>;
  readonly hook: AbortController;
  deadlineMs: number;
}

/** Grace of the process after a hook has used up the grace period. */
const minGraceSeconds = 2;

export class Killer {
  private readonly kills = new Map<string, Kill>();

  constructor(private readonly deps: PodDeps) {}

  /** Resolves when the container has ended. Repeatable. */
  kill(request: KillRequest): Promise<void> {
    const { clock, runtime } = this.deps;
    const { id } = request.record;
    const deadlineMs = clock.now() + request.graceSeconds * 1000;
    const running = this.kills.get(id);
    if (!running) {
      const hook = new AbortController();
      const done = this.run(request, hook.signal).finally(() => this.kills.delete(id));
      this.kills.set(id, { done, hook, deadlineMs });
      return done;
    }
    if (deadlineMs >= running.deadlineMs) return running.done;
    running.deadlineMs = deadlineMs;
    running.hook.abort(new Error('the grace period was shortened'));
    return runtime.stop(id, request.graceSeconds).then(() => running.done);
  }

  isKilling(id: string): boolean {
    return this.kills.has(id);
  }

  private async run(request: KillRequest, signal: AbortSignal): Promise<void> {
    const { deps } = this;
    const { pod, record } = request;
    const began = deps.clock.now();
    const name = record.labels[labels.containerName] ?? '';
    const about = aboutContainer(pod ?? {}, name);
    if (pod) deps.events.record(pod, 'Normal', 'Killing', request.message ?? `Stopping container ${name}`, about);
    const container = pod && findContainer(pod, name);
    const preStop = container?.lifecycle?.preStop;
    if (pod && preStop && request.graceSeconds > 0) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(request.graceSeconds * 1000)]);
      const target = { pod, container, containerId: record.id, podIp: request.podIp };
      await runHook(deps, preStop, target, limit).catch((err: unknown) => {
        deps.log.debug('preStop hook failed', { container: name, error: describeError(err) });
        deps.events.record(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', about);
      });
    }
    if (signal.aborted) return deps.runtime.stop(record.id, 0);
    const usedSeconds = (deps.clock.now() - began) / 1000;
    const left =
      request.graceSeconds === 0 ? 0 : Math.max(minGraceSeconds, Math.round(request.graceSeconds - usedSeconds));
    await deps.runtime.stop(record.id, left);
  }
}
