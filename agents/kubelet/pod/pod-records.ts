// The runtime's containers, per pod: kept current by the event stream, corrected by listings.

import { isNotFound } from '../../../controlplane/base/errors';
import { labels, type PodIdentity, podOf } from '../runtime/labels';
import type { ContainerRecord, ContainerRuntime, RuntimeEvent } from '../runtime/runtime';

type ContainerEvent = Extract<RuntimeEvent, { id: string }>;

/** Shells and upstream use this exit code for a command that could not be executed. */
const startFailedCode = 128;

export class PodRecords {
  private readonly records = new Map<string, ContainerRecord>();
  private readonly byPod = new Map<string, Set<string>>();
  private readonly handlers: Array<(podUid: string) => void> = [];

  constructor(private readonly runtime: ContainerRuntime) {}

  /** Called after a change of any container of the pod with this uid. */
  onChange(handler: (podUid: string) => void): void {
    this.handlers.push(handler);
  }

  /** Newest first. */
  ofPod(podUid: string): readonly ContainerRecord[] {
    const ids = this.byPod.get(podUid) ?? [];
    // Reversed first: of two containers created in one millisecond the map holds the newer one later.
    const newestFirst = [...ids].reverse().map((id) => this.records.get(id)!);
    return newestFirst.sort((a, b) => b.createdAtMs - a.createdAtMs);
  }

  get(id: string): ContainerRecord | undefined {
    return this.records.get(id);
  }

  pods(): readonly PodIdentity[] {
    return [...this.byPod.values()].map((ids) => podOf(this.records.get([...ids][0]!)!));
  }

  all(): readonly ContainerRecord[] {
    return [...this.records.values()];
  }

  put(record: ContainerRecord): void {
    const uid = record.labels[labels.podUid] ?? '';
    this.records.set(record.id, record);
    const ids = this.byPod.get(uid);
    if (ids) ids.add(record.id);
    else this.byPod.set(uid, new Set([record.id]));
    this.notify(uid);
  }

  remove(id: string): void {
    const record = this.records.get(id);
    if (!record) return;
    const uid = record.labels[labels.podUid] ?? '';
    const ids = this.byPod.get(uid);
    this.records.delete(id);
    ids?.delete(id);
    if (ids?.size === 0) this.byPod.delete(uid);
    this.notify(uid);
  }

  /** A start call has succeeded. If the end was reported already, the record stays ended. */
  markStarted(id: string, timeMs: number, pid?: number): void {
    const record = this.records.get(id);
    if (!record) return;
    if (record.state === 'created') this.put({ ...record, state: 'running', startedAtMs: timeMs, pid });
    else if (record.state === 'running' && pid !== undefined && record.pid !== pid) this.put({ ...record, pid });
  }

  /** A start call was refused. For restart rules and status the container counts as run and failed. */
  markStartFailed(id: string, timeMs: number, startError: string): void {
    const record = this.records.get(id);
    if (record?.state !== 'created') return;
    this.put({
      ...record,
      state: 'exited',
      startedAtMs: timeMs,
      finishedAtMs: timeMs,
      exitCode: startFailedCode,
      startError,
    });
  }

  apply(event: ContainerEvent): void {
    const record = this.records.get(event.id);
    switch (event.type) {
      case 'created':
        // A container that the kubelet created is known already. The next listing finds one that another program created.
        return;
      case 'started':
        this.markStarted(event.id, event.timeMs);
        return;
      case 'oom':
        if (record) this.records.set(event.id, { ...record, oomKilled: true });
        return;
      case 'died':
        if (record && record.state !== 'exited') {
          const startedAtMs = record.startedAtMs ?? event.timeMs;
          const { exitCode = 0, timeMs: finishedAtMs } = event;
          this.put({ ...record, state: 'exited', startedAtMs, finishedAtMs, exitCode, pid: undefined });
        }
        return;
      case 'removed':
        this.remove(event.id);
    }
  }

  /** Compares with a listing, and inspects only containers that are new or in another state. */
  async relist(): Promise<void> {
    // Taken before the call: a container created after it is not in the answer, and must not count as removed.
    const known = [...this.records.keys()];
    const found = await this.runtime.list();
    const ids = new Set(found.map(({ id }) => id));
    for (const id of known) if (!ids.has(id)) this.remove(id);
    await Promise.all(
      found.map(async ({ id, state }) => {
        const record = this.records.get(id);
        if (record?.state === state || record?.startError) return;
        try {
          this.put(await this.runtime.inspect(id));
        } catch (err) {
          if (!isNotFound(err)) throw err;
          this.remove(id);
        }
      }),
    );
  }

  private notify(podUid: string): void {
    for (const handler of this.handlers) handler(podUid);
  }
}
