// Writes pod statuses to the API: at most one write per pod under way, always the newest status, nothing twice unless somebody
// else has written over it.
import { type Pod, pods } from '../../../controlplane/api';
import { Backoff } from '../../../controlplane/base/backoff';
import type { Clock } from '../../../controlplane/base/clock';
import { hasCode, isConflict, isNotFound } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import type { PodStatus } from './status';

export interface StatusSource {
  readonly pod: Pod;
  /** Computed when it is about to be written, so that changes that came meanwhile are in it. */
  readonly status: () => PodStatus;
}

interface Entry {
  source: StatusSource;
  dirty: boolean;
  written: string;
  /** The resource version that the last write made. */
  version: string;
  writing: Promise<void> | undefined;
}

export class StatusWriter {
  private readonly entries = new Map<string, Entry>();
  private readonly retries = new Backoff<string>({ initialMs: 200, maxMs: 10_000 });

  constructor(private readonly deps: { readonly client: Client; readonly clock: Clock; readonly log: Logger }) {}

  /** Something of the pod's status may have changed. */
  mark(source: StatusSource): void {
    const uid = source.pod.metadata?.uid ?? '';
    const entry = this.entries.get(uid);
    if (!entry) {
      const fresh: Entry = { source, dirty: true, written: '', version: '', writing: undefined };
      this.entries.set(uid, fresh);
      this.begin(uid, fresh);
      return;
    }
    entry.source = source;
    entry.dirty = true;
    this.begin(uid, entry);
  }

  /** Resolves when the last marked status is written. */
  async flushed(podUid: string): Promise<void> {
    await this.entries.get(podUid)?.writing;
  }

  forget(podUid: string): void {
    const entry = this.entries.get(podUid);
    if (entry) entry.dirty = false;
    this.entries.delete(podUid);
    this.retries.forget(podUid);
  }

  private begin(uid: string, entry: Entry): void {
    entry.writing ??= this.write(uid, entry).finally(() => {
      entry.writing = undefined;
    });
  }

  private async write(uid: string, entry: Entry): Promise<void> {
    // One turn later: changes that come in one batch make one write.
    await Promise.resolve();
    while (entry.dirty && this.entries.get(uid) === entry) {
      entry.dirty = false;
      const { pod } = entry.source;
      const status = entry.source.status();
      const text = JSON.stringify(status);
      if (text === entry.written && !isOverwritten(pod, status, entry.version)) continue;
      try {
        entry.version = (await this.send(pod, status)).metadata?.resourceVersion ?? '';
        entry.written = text;
        this.retries.forget(uid);
      } catch (err) {
        if (isNotFound(err) || isConflict(err)) return;
        entry.dirty = true;
        this.deps.log.warn('pod status not written', {
          pod: `${pod.metadata?.namespace}/${pod.metadata?.name}`,
          error: err,
        });
        if (hasCode(err, 'Invalid')) return;
        await this.deps.clock.sleep(this.retries.next(uid));
      }
    }
  }

  private async send(pod: Pod, status: PodStatus): Promise<Pod> {
    const { namespace, name, uid } = pod.metadata ?? {};
    const before = pod.status ?? {};
    // Fields that are gone must be named to go; lists of addresses are merged by address.
    const removed: Record<string, unknown> = {};
    for (const field of ['reason', 'message', 'podIP'] as const) {
      if (before[field] !== undefined && status[field] === undefined) removed[field] = null;
    }
    const stale = (before.podIPs ?? []).filter(({ ip }) => !status.podIPs?.some((each) => each.ip === ip));
    const podIPs = [...(status.podIPs ?? []), ...stale.map(({ ip }) => ({ ip, $patch: 'delete' }))];
    const conditions = status.conditions?.map((condition) => {
      const old = before.conditions?.find(({ type }) => type === condition.type);
      return { ...without(old, condition), ...condition };
    });
    const lists = { conditions, ...(podIPs.length > 0 ? { podIPs } : {}) };
    const patch = { metadata: { uid }, status: { ...status, ...removed, ...lists } };
    return this.deps.client.patch(pods, `${namespace}/${name}`, 'strategic', patch, { subresource: 'status' });
  }
}

/**
 * True when the API holds other conditions or another phase than we wrote, as after the node controller called the pod not
 * ready while this node was cut off. An object older than our own write says nothing.
 */
function isOverwritten(pod: Pod, status: PodStatus, version: string): boolean {
  if (BigInt(pod.metadata?.resourceVersion ?? 0) <= BigInt(version)) return false;
  const found = new Map(pod.status?.conditions?.map((condition) => [condition.type, condition.status]));
  return (
    pod.status?.phase !== status.phase ||
    (status.conditions ?? []).some((condition) => found.get(condition.type) !== condition.status)
  );
}

/** Conditions are merged by type, field by field: what the new one lacks is named to go. */
function without(old: object | undefined, condition: object): Record<string, null> {
  const gone = Object.keys(old ?? {}).filter((name) => !(name in condition));
  return Object.fromEntries(gone.map((name) => [name, null]));
}
