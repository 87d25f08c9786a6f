// Turns one report into a new Event, a higher count on an earlier Event, or nothing. Pure except for its own state: time is
// an argument. The rules and limits are those of client-go's event correlator.
import type { Event } from '../api/event';
import type { KubeObject } from '../api/types';
import { formatTime } from '../base/clock';

export interface Report {
  readonly object: KubeObject;
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, short, stable: FailedScheduling. */
  readonly reason: string;
  readonly message: string;
  /** Of a new Event. A repeated Event keeps those of the first report, as in client-go. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The part of the object that the report is about: `spec.containers{app}`. Reports about different parts are different Events. */
  readonly fieldPath?: string | undefined;
}

export type ReportDetails = Pick<Report, 'annotations' | 'fieldPath'>;

export type Correlated =
  | { readonly action: 'create'; readonly event: Event; readonly id: string }
  | {
      readonly action: 'update';
      readonly key: string;
      readonly event: Event;
      readonly count: number;
      readonly id: string;
    }
  | { readonly action: 'drop' };

/** More different messages than this for the same reason within aggregateMs become one combined Event. */
const maxSimilar = 10;
const aggregateMs = 10 * 60_000;
/** Per source and object: a burst of 25, then one in five minutes. */
const burst = 25;
const refillMs = 5 * 60_000;
/** Entries remembered before the oldest are forgotten, as in client-go. */
const remembered = 4096;

/** Keys are JSON: names and messages hold what users write, so no separator is safe. */
export class EventCorrelator {
  private readonly seen = new Map<string, Event>();
  private readonly similar = new Map<string, { messages: Set<string>; lastMs: number }>();
  private readonly tokens = new Map<string, { left: number; atMs: number }>();

  constructor(private readonly source: { readonly component: string; readonly host?: string }) {}

  correlate(report: Report, nowMs: number): Correlated {
    const about = subject(report.object);
    if (!this.takeToken(about, nowMs)) return { action: 'drop' };
    const group = JSON.stringify([about, report.type, report.reason]);
    const combined = this.isOneOfMany(group, report.message, nowMs);
    const message = combined ? `(combined from similar events): ${report.message}` : report.message;
    const id = combined ? group : JSON.stringify([group, report.fieldPath, report.message]);
    const before = this.seen.get(id);
    if (!before) {
      const event = this.render({ ...report, message }, nowMs);
      remember(this.seen, id, event);
      return { action: 'create', event, id };
    }
    const count = (before.count ?? 1) + 1;
    const event = { ...before, count, message, lastTimestamp: formatTime(nowMs) };
    remember(this.seen, id, event);
    return { action: 'update', key: `${event.metadata.namespace}/${event.metadata.name}`, event, count, id };
  }

  /** The server no longer has the Event of `id`: its next report creates a new Event. */
  forget(id: string): void {
    this.seen.delete(id);
  }

  private takeToken(about: string, nowMs: number): boolean {
    const bucket = this.tokens.get(about) ?? { left: burst, atMs: nowMs };
    const left = Math.min(burst, bucket.left + (nowMs - bucket.atMs) / refillMs);
    remember(this.tokens, about, { left: left >= 1 ? left - 1 : left, atMs: nowMs });
    return left >= 1;
  }

  private isOneOfMany(group: string, message: string, nowMs: number): boolean {
    const before = this.similar.get(group);
    const messages = before && nowMs - before.lastMs <= aggregateMs ? before.messages : new Set<string>();
    messages.add(message);
    remember(this.similar, group, { messages, lastMs: nowMs });
    return messages.size >= maxSimilar;
  }

  private render({ object, type, reason, message, annotations = {}, fieldPath }: Report, nowMs: number): Event {
    const { namespace, name = '', uid, resourceVersion } = object.metadata ?? {};
    const time = formatTime(nowMs);
    // client-go's naming: unique enough by time, and kubectl sorts nothing by it.
    const suffix = (BigInt(Math.floor(nowMs)) * 1_000_000n + BigInt(this.nextSequence())).toString(16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        namespace: namespace ?? 'default',
        name: `${name}.${suffix}`,
        ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      },
      involvedObject: {
        ...{ apiVersion: object.apiVersion, kind: object.kind, namespace, name, uid, resourceVersion },
        ...(fieldPath === undefined ? {} : { fieldPath }),
      },
      type,
      reason,
      message,
      source: this.source,
      reportingComponent: this.source.component,
      reportingInstance: this.source.host ?? '',
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    } as Event;
  }

  private sequence = 0;
  private nextSequence(): number {
    this.sequence = (this.sequence + 1) % 1_000_000;
    return this.sequence;
  }
}

const subject = ({ apiVersion, kind, metadata }: KubeObject): string =>
  JSON.stringify([apiVersion, kind, metadata?.namespace, metadata?.name, metadata?.uid]);

/** Puts the entry at the end and drops the oldest beyond the limit. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > remembered) map.delete(map.keys().next().value!);
}
