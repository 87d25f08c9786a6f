// Events about faults of Ingresses. Every node finds the same troubles; the first Ready node writes the Events. The name of an
// Event follows from its text, so another node, or the same node after a restart, does not write it twice.
import { createHash } from 'node:crypto';
import { type Event, events, type Ingress } from '../../controlplane/api';
import { objectKey } from '../../controlplane/api/types';
import { formatTime } from '../../controlplane/base/clock';
import { hasCode, isAlreadyExists, isNotFound } from '../../controlplane/base/errors';
import type { Client } from '../../controlplane/client/client';
import type { Trouble } from './translate';

/** A trouble must last this long: objects that belong together are created one after the other. */
export const settleMs = 2_000;
/** Events of one Ingress at most: each of its rules may be wrong in a different way. */
const maxPerIngress = 20;
/** How many past troubles of one Ingress are remembered for their count. */
const maxRemembered = 100;

interface Known {
  /** The time at which it was found; undefined while the trouble does not exist. */
  sinceMs: number | undefined;
  /** Whether an Event has been written since `sinceMs`. */
  isWritten: boolean;
  /** How many times an Event was written. */
  count: number;
}

export class TroubleReporter {
  /** By uid of the Ingress, then by reason and message. */
  private readonly known = new Map<string, Map<string, Known>>();

  constructor(private readonly client: Pick<Client, 'create' | 'patch'>) {}

  /**
   * Writes the troubles that are new and have lasted. Returns after how many milliseconds there is more to write, or undefined.
   * Repeatable: the next call writes the Events that a failed call did not write.
   */
  async report(
    troubles: readonly Trouble[],
    ingresses: readonly Ingress[],
    nowMs: number,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const byKey = new Map(ingresses.map((ingress) => [objectKey(ingress), ingress]));
    const present = new Map<string, { ingress: Ingress; found: Map<string, Trouble> }>();
    for (const trouble of troubles) {
      const ingress = byKey.get(trouble.ingress);
      const uid = ingress?.metadata?.uid;
      if (!ingress || !uid) continue;
      const entry = present.get(uid) ?? { ingress, found: new Map<string, Trouble>() };
      if (entry.found.size < maxPerIngress) entry.found.set(JSON.stringify([trouble.reason, trouble.message]), trouble);
      present.set(uid, entry);
    }
    const living = new Set(ingresses.flatMap(({ metadata }) => metadata?.uid ?? []));
    for (const [uid, known] of this.known) {
      if (!living.has(uid)) this.known.delete(uid);
      for (const [id, one] of known) {
        if (present.get(uid)?.found.has(id)) continue;
        one.sinceMs = undefined;
        if (known.size > maxRemembered) known.delete(id);
      }
    }
    let next: number | undefined;
    for (const [uid, { ingress, found }] of present) {
      const known = this.known.get(uid) ?? new Map<string, Known>();
      this.known.set(uid, known);
      for (const [id, trouble] of found) {
        const one = known.get(id) ?? { sinceMs: undefined, isWritten: false, count: 0 };
        known.set(id, one);
        if (one.sinceMs === undefined) Object.assign(one, { sinceMs: nowMs, isWritten: false });
        if (one.isWritten) continue;
        const leftMs = one.sinceMs! + settleMs - nowMs;
        if (leftMs > 0) next = Math.min(next ?? leftMs, leftMs);
        else {
          await this.write(ingress, trouble, one.count + 1, nowMs, signal);
          one.isWritten = true;
          one.count++;
        }
      }
    }
    return next;
  }

  private async write(ingress: Ingress, trouble: Trouble, count: number, nowMs: number, signal: AbortSignal) {
    const event = renderEvent(ingress, trouble, nowMs);
    try {
      await this.client.create(events, event, { signal });
    } catch (err) {
      // A namespace that is being deleted takes no new Events.
      if (hasCode(err, 'Forbidden') || isNotFound(err)) return;
      if (!isAlreadyExists(err)) throw err;
      // Another node, or this node before a restart, has written it. If the trouble has returned, the count grows.
      if (count > 1) {
        const { lastTimestamp } = event;
        await this.client.patch(events, objectKey(event), 'merge', { count, lastTimestamp }, { signal });
      }
    }
  }
}

/** Equal troubles of one Ingress have one name. */
export function renderEvent(ingress: Ingress, { reason, message }: Trouble, nowMs: number): Event {
  const { namespace = 'default', name = '', uid, resourceVersion } = ingress.metadata ?? {};
  const id = createHash('sha256')
    .update(JSON.stringify([uid, reason, message]))
    .digest('hex')
    .slice(0, 16);
  const time = formatTime(nowMs);
  return {
    metadata: { namespace, name: `${name.slice(0, 230)}.${id}` },
    involvedObject: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace, name, uid, resourceVersion },
    type: 'Warning',
    reason,
    message: message.slice(0, 1_024),
    source: { component: 'ingress-controller' },
    reportingComponent: 'k8ts.dev/ingress',
    reportingInstance: '',
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
}
