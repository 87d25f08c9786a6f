// All resizes of this node, from the change of a spec to the containers that have it.
//   1. A pod that is new here gets what its spec asks for. From then on its allocation changes only by a resize that fits.
//   2. A resize that does not fit waits (Deferred), or is refused (Infeasible), and the containers keep the allocation.
//   3. Waiting resizes are tried again, in order, after each change that may leave room.
//   4. Each step has one condition in the pod's status and one Event. A kubelet that starts again takes the conditions over.
import type { Pod } from '../../../controlplane/api';
import { Backoff } from '../../../controlplane/base/backoff';
import type { Clock } from '../../../controlplane/base/clock';
import type { PodAllocations } from './allocations';
import type { PodDeps } from './deps';
import {
  type Capacity,
  inOrder,
  type Refusal,
  refusalOf,
  requestedBy,
  resizeMessage,
  type Waiting,
} from './resize-plan';
import type { PodStatus } from './status-input';

export interface ResizeCondition {
  readonly type: 'PodResizePending' | 'PodResizeInProgress';
  readonly reason?: string;
  readonly message?: string;
  readonly observedGeneration: number;
}

interface Pending extends Refusal {
  readonly generation: number;
  readonly sinceMs: number;
}
interface Progress {
  readonly generation: number;
  /** Set after a failure. */
  readonly error?: string;
}
interface State {
  pod: Pod;
  pending?: Pending | undefined;
  progress?: Progress | undefined;
  /** After a failure: when the containers are tried again, in ms since the epoch. */
  retryAtMs?: number | undefined;
}

const retryDelay = { initialMs: 1_000, maxMs: 60_000 };

export interface ResizesDeps {
  readonly allocations: PodAllocations;
  readonly events: Pick<PodDeps['events'], 'record'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly capacity: Capacity;
  /** The pods of this node that have not ended. */
  readonly activePods: () => readonly Pod[];
}

export class Resizes {
  private readonly states = new Map<string, State>();
  private readonly retries = new Backoff<string>(retryDelay);
  private readonly handlers: ((uid: string) => void)[] = [];

  constructor(private readonly deps: ResizesDeps) {}

  /** Called when a pod gets more or less while another one was considered: its containers must follow. */
  onChange(handler: (uid: string) => void): void {
    this.handlers.push(handler);
  }

  /** Decides about the pod's present spec, and returns the pod with what it may have. */
  consider(pod: Pod): Pod {
    const { allocations } = this.deps;
    const uid = pod.metadata?.uid ?? '';
    const state = this.states.get(uid) ?? { pod, ...before(pod) };
    state.pod = pod;
    this.states.set(uid, state);
    if (!allocations.has(uid)) allocations.set(pod);
    if (allocations.allocated(pod) === pod) state.pending = undefined;
    else this.retry(uid);
    return allocations.allocated(pod);
  }

  /** Tries the resizes that wait, and that of `first` if it is given. */
  retry(first?: string): void {
    const { allocations } = this.deps;
    const waiting = [...this.states].flatMap(([uid, { pod, pending }]): Waiting[] => {
      const isWaiting = uid === first || pending?.reason === 'Deferred';
      const allocated = allocations.allocated(pod);
      if (!isWaiting || allocated === pod) return [];
      return [{ pod, allocated, sinceMs: pending?.sinceMs ?? this.deps.clock.now() }];
    });
    let roomLeft = false;
    for (const one of inOrder(waiting)) {
      const uid = one.pod.metadata?.uid ?? '';
      const moved = this.decide(uid, one);
      roomLeft ||= moved && leavesRoom(one);
      if (moved && uid !== first) for (const handler of this.handlers) handler(uid);
    }
    // Those before the smaller one in the order were refused too early.
    if (roomLeft) this.retry();
  }

  /** Called when the containers were compared with the allocation: `done` when all running ones have it. */
  observe(allocated: Pod, done: boolean): void {
    const state = this.states.get(allocated.metadata?.uid ?? '');
    if (!state) return;
    if (!done) {
      state.progress ??= { generation: allocated.metadata?.generation ?? 0 };
      return;
    }
    const { progress } = state;
    if (!progress) return;
    state.progress = undefined;
    state.retryAtMs = undefined;
    this.retries.forget(allocated.metadata?.uid ?? '');
    const message = resizeMessage('Pod resize completed', allocated, progress.generation);
    this.deps.events.record(allocated, 'Normal', 'ResizeCompleted', message);
  }

  /** The runtime or the kubelet refused the change of a container. */
  failed(allocated: Pod, error: string): void {
    const uid = allocated.metadata?.uid ?? '';
    const state = this.states.get(uid);
    if (!state) return;
    state.retryAtMs = this.deps.clock.now() + this.retries.next(uid);
    const generation = state.progress?.generation ?? allocated.metadata?.generation ?? 0;
    if (state.progress?.error === error) return;
    state.progress = { generation, error };
    const message = resizeMessage('Pod resize error', allocated, generation, error);
    this.deps.events.record(allocated, 'Warning', 'ResizeError', message);
  }

  /** Earliest time at which the containers of a pod may be resized again; 0 unless that has failed. */
  notBefore(uid: string): number {
    return this.states.get(uid)?.retryAtMs ?? 0;
  }

  /** The pod with what this node has promised to it. Decides nothing. */
  allocated(pod: Pod): Pod {
    return this.deps.allocations.allocated(pod);
  }

  /** Resolves when a restart of the kubelet would not forget what pods may use. */
  saved(): Promise<void> {
    return this.deps.allocations.saved();
  }

  conditions(uid: string): readonly ResizeCondition[] {
    const { pending, progress } = this.states.get(uid) ?? {};
    return [
      ...(pending
        ? [
            {
              type: 'PodResizePending' as const,
              reason: pending.reason,
              message: pending.message,
              observedGeneration: pending.generation,
            },
          ]
        : []),
      ...(progress
        ? [
            {
              type: 'PodResizeInProgress' as const,
              ...(progress.error ? { reason: 'Error', message: progress.error } : {}),
              observedGeneration: progress.generation,
            },
          ]
        : []),
    ];
  }

  /** Forgets pods that were removed while no kubelet ran. */
  retain(isKept: (uid: string) => boolean): void {
    this.deps.allocations.retain(isKept);
  }

  /** The pod has ended, so what it had is free for others. `gone`: it has no containers here any more. */
  released(uid: string, gone: boolean): void {
    this.states.delete(uid);
    this.retries.forget(uid);
    if (gone) this.deps.allocations.remove(uid);
    this.retry();
  }

  /** True when the pod now has what its spec asks for. */
  private decide(uid: string, { pod }: Waiting): boolean {
    const { allocations, events, clock } = this.deps;
    const state = this.states.get(uid)!;
    const others = this.deps
      .activePods()
      .filter(({ metadata }) => metadata?.uid !== uid)
      .map((other) => allocations.allocated(other));
    const refusal = refusalOf(pod, others, this.deps.capacity);
    const generation = pod.metadata?.generation ?? 0;
    if (!refusal) {
      allocations.set(pod);
      state.pending = undefined;
      state.progress = { generation };
      state.retryAtMs = undefined;
      events.record(pod, 'Normal', 'ResizeStarted', resizeMessage('Pod resize started', pod, generation));
      return true;
    }
    const known = state.pending;
    const sinceMs = known?.reason === refusal.reason ? known.sinceMs : clock.now();
    state.pending = { ...refusal, generation, sinceMs };
    if (known?.reason === refusal.reason && known.generation === generation) return false;
    const text = resizeMessage(`Pod resize ${refusal.reason}`, pod, generation, refusal.message);
    events.record(pod, 'Warning', `Resize${refusal.reason}`, text);
    return false;
  }
}

function leavesRoom({ pod, allocated }: Waiting): boolean {
  const [now, old] = [requestedBy(pod), requestedBy(allocated)];
  return now.cpu < old.cpu || now.memory < old.memory;
}

/** What an earlier kubelet reported, so that nothing is reported twice. */
function before({ status }: Pod): Pick<State, 'pending' | 'progress'> {
  const of = (type: string) => (status?.conditions ?? []).find((each) => each.type === type);
  const [pending, progress] = [of('PodResizePending'), of('PodResizeInProgress')];
  const generationOf = (condition: NonNullable<PodStatus['conditions']>[number]) => condition.observedGeneration ?? 0;
  return {
    ...(pending
      ? {
          pending: {
            reason: pending.reason === 'Infeasible' ? 'Infeasible' : 'Deferred',
            message: pending.message ?? '',
            generation: generationOf(pending),
            sinceMs: Date.parse(pending.lastTransitionTime ?? '') || 0,
          },
        }
      : {}),
    ...(progress
      ? {
          progress: {
            generation: generationOf(progress),
            ...(progress.reason === 'Error' ? { error: progress.message ?? '' } : {}),
          },
        }
      : {}),
  };
}
