// Writes pod statuses to the API: at most one write per pod at a time, always the newest status, and the same status again only when
// another client has overwritten it.
import { type Pod, pods } from '../../../controlplane/api';
import { Backoff } from '../../../controlplane/base/backoff';
import type { Clock } from '../../../controlplane/base/clock';
import { hasCode, isConflict, isNotFound } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { Client } from '../../../controlplane/client/client';
import { allStatuses, type PodStatus } from './status-input';

export interface StatusSource {
  readonly pod: Pod;
  /** Called just before the write, so that the status contains all changes until then. */
  readonly status: (pod: Pod) => PodStatus;
}

/**
 * A status that says only that the pod is being created is written only after this time: most pods are Ready earlier, and
 * then one write is enough.
 */
const onItsWayMs = 400;

interface Entry {
  source: StatusSource;
  dirty: boolean;
  /** Until this time a status that says only that the pod is being created is not written. */
  patientUntilMs: number;
  cancelLook?: () => void;
  written: string;
  /** The pod as the last write returned it. */
  made?: Pod;
  writing: Promise<void> | undefined;
}

export interface StatusWriterDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** True while kube-proxies must know a pod's address before its first packet: one more write for each start. */
  readonly addressesMatter?: () => boolean;
}

export class StatusWriter {
  private readonly entries = new Map<string, Entry>();
  private readonly retries = new Backoff<string>({ initialMs: 200, maxMs: 10_000 });

  constructor(private readonly deps: StatusWriterDeps) {}

  /** Something of the pod's status may have changed. */
  mark(source: StatusSource): void {
    const uid = source.pod.metadata?.uid ?? '';
    const entry = this.entries.get(uid);
    if (!entry) {
      const patientUntilMs = this.deps.clock.now() + onItsWayMs;
      const fresh: Entry = { source, dirty: true, patientUntilMs, written: '', writing: undefined };
      this.entries.set(uid, fresh);
      this.begin(uid, fresh);
      return;
    }
    entry.source = source;
    entry.dirty = true;
    this.begin(uid, entry);
  }

  /** Resolves when the last marked status is written, or its write has failed for good. */
  async flushed(podUid: string): Promise<void> {
    for (let entry = this.entries.get(podUid); entry?.writing; entry = this.entries.get(podUid)) await entry.writing;
  }

  forget(podUid: string): void {
    const entry = this.entries.get(podUid);
    if (entry) entry.dirty = false;
    entry?.cancelLook?.();
    this.entries.delete(podUid);
    this.retries.forget(podUid);
  }

  private begin(uid: string, entry: Entry): void {
    entry.writing ??= this.write(uid, entry).finally(() => {
      entry.writing = undefined;
      // The pod may have been marked after the last check in write().
      if (entry.dirty && this.entries.get(uid) === entry) this.begin(uid, entry);
    });
  }

  private async write(uid: string, entry: Entry): Promise<void> {
    // One turn later, so that changes of one batch cause one write.
    await Promise.resolve();
    while (entry.dirty && this.entries.get(uid) === entry) {
      entry.dirty = false;
      const pod = newest(entry);
      const status = entry.source.status(pod);
      const text = JSON.stringify(status);
      if (text === entry.written && !isOverwritten(pod, status, entry.made)) continue;
      const { clock } = this.deps;
      entry.cancelLook?.();
      if (entry.patientUntilMs > clock.now() && isOnItsWay(pod, status) && !this.bringsAddress(pod, status)) {
        entry.cancelLook = clock.after(entry.patientUntilMs - clock.now(), () => this.mark(entry.source));
        continue;
      }
      try {
        entry.made = await this.send(pod, status);
        entry.written = text;
        this.retries.forget(uid);
      } catch (err) {
        // Do not retry, unless the pod was marked again meanwhile.
        if (isNotFound(err) || isConflict(err)) continue;
        this.deps.log.warn('pod status write failed', {
          pod: `${pod.metadata?.namespace}/${pod.metadata?.name}`,
          error: err,
        });
        if (hasCode(err, 'Invalid')) continue;
        entry.dirty = true;
        await this.deps.clock.sleep(this.retries.next(uid));
      }
    }
  }

  private bringsAddress({ spec, status: known }: Pod, { podIP }: PodStatus): boolean {
    if (podIP === undefined || spec?.hostNetwork || known?.podIP === podIP) return false;
    return this.deps.addressesMatter?.() ?? false;
  }

  private async send(pod: Pod, status: PodStatus): Promise<Pod> {
    const { namespace, name, uid } = pod.metadata ?? {};
    const before = pod.status ?? {};
    // A patch must name each field that it removes. Lists of addresses are merged by address.
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
    // Other writers own conditions too, so only those of a resize that is over are removed.
    const over = (before.conditions ?? [])
      .filter(({ type }) => resizeTypes.has(type) && !status.conditions?.some((each) => each.type === type))
      .map(({ type }) => ({ type, $patch: 'delete' }));
    const lists = { conditions: conditions && [...conditions, ...over], ...(podIPs.length > 0 ? { podIPs } : {}) };
    const patch = { metadata: { uid }, status: { ...status, ...removed, ...lists } };
    return this.deps.client.patch(pods, `${namespace}/${name}`, 'strategic', patch, { subresource: 'status' });
  }
}

const resizeTypes: ReadonlySet<string> = new Set(['PodResizePending', 'PodResizeInProgress']);

const versionOf = (pod: Pod | undefined): bigint => BigInt(pod?.metadata?.resourceVersion ?? 0);

/** The answer of our last write is often newer than the watch. Without it the times of conditions would start again. */
function newest({ source: { pod }, made }: Entry): Pod {
  return made && versionOf(made) > versionOf(pod) ? { ...pod, status: made.status } : pod;
}

/**
 * True when the API holds other conditions or another phase than we wrote, as after the node controller set Ready to
 * False while this node had no connection. An object older than our own write says nothing.
 */
function isOverwritten(pod: Pod, status: PodStatus, made: Pod | undefined): boolean {
  if (versionOf(pod) <= versionOf(made)) return false;
  const found = new Map(pod.status?.conditions?.map((condition) => [condition.type, condition.status]));
  return (
    pod.status?.phase !== status.phase ||
    (status.conditions ?? []).some((condition) => found.get(condition.type) !== condition.status)
  );
}

/** Nothing has run, nothing has failed, and the API does not say otherwise. */
function isOnItsWay(pod: Pod, status: PodStatus): boolean {
  if (status.phase !== 'Pending' || (pod.status?.phase ?? 'Pending') !== 'Pending') return false;
  return [...allStatuses(pod.status), ...allStatuses(status)].every(({ state }) =>
    quiet.has(state?.waiting?.reason ?? ''),
  );
}

const quiet = new Set(['ContainerCreating', 'PodInitializing']);

/** Conditions are merged by type, field by field: the patch must name the fields that the new one lacks. */
function without(old: object | undefined, condition: object): Record<string, null> {
  const gone = Object.keys(old ?? {}).filter((name) => !(name in condition));
  return Object.fromEntries(gone.map((name) => [name, null]));
}
