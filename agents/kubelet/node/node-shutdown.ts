// Graceful node shutdown: the kubelet fails its pods in the order of their priority while the machine waits.
//
// 1. From the start on the node is not ready and accepts no pod.
// 2. A group of pods begins when the pods before it have ended and their volumes are unmounted, or its time is over: a driver of volumes
//    among the critical pods still runs then.
// 3. When it began and ended is kept in a file: the metrics show it after the next boot.
import { join } from 'node:path';
import type { Pod } from '../../../controlplane/api';
import { type Clock, formatTime } from '../../../controlplane/base/clock';
import type { Logger } from '../../../controlplane/base/logger';
import { writePrivate } from '../../../controlplane/pki/files';
import type { Eviction } from '../eviction/evictor';
import type { NodeEvent } from '../part';
import { readState } from '../state-file';
import {
  type ShutdownGroup,
  type ShutdownPeriod,
  shutdownGroups,
  shutdownMessage,
  shutdownReason,
} from './shutdown-plan';

/** Upstream's name of the file. */
const stateFile = 'graceful_node_shutdown_state';
/** Go's zero time: the shutdown has not ended. */
const notYet = '0001-01-01T00:00:00Z';

export interface NodeShutdownDeps {
  /** Empty: pods are not failed, and nothing of this happens. */
  readonly periods: readonly ShutdownPeriod[];
  readonly rootDir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Reports an Event of the node. */
  readonly report: NodeEvent;
  /** Called when notReady() gives another answer. */
  readonly changed: () => void;
}

export interface NodePods {
  /** The pods that have not ended. */
  readonly holding: () => readonly Pod[];
  /** Resolves when the pod's containers have ended, the API knows it, and its volumes are unmounted. */
  readonly endForGood: (podUid: string, end: Eviction) => Promise<void>;
}

const shutdownEnd = { reason: shutdownReason, message: shutdownMessage, disrupted: true };

export class NodeShutdown {
  private isUnderWay = false;
  private times = { startMs: 0, endMs: 0 };

  constructor(private readonly deps: NodeShutdownDeps) {}

  get isConfigured(): boolean {
    return this.deps.periods.length > 0;
  }

  get underWay(): boolean {
    return this.isUnderWay;
  }

  /** Of the last shutdown, in ms since the epoch; 0 without one, and while it has not ended. */
  get lastTimes(): { readonly startMs: number; readonly endMs: number } {
    return this.times;
  }

  /** Reads what the last shutdown left. */
  async open(): Promise<void> {
    const { log } = this.deps;
    const found = await readState(
      { path: this.path, log, effect: 'the times of the last shutdown are not known' },
      (text) => {
        const { startTime, endTime } = JSON.parse(text) as { startTime?: string; endTime?: string };
        return { startMs: timeMs(startTime), endMs: timeMs(endTime) };
      },
    );
    if (found) this.times = found;
  }

  /** For the Ready condition. */
  notReady(): string | undefined {
    return this.isUnderWay ? 'node is shutting down' : undefined;
  }

  /** Why the node accepts no new pod. */
  refusal() {
    return this.isUnderWay
      ? { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' }
      : undefined;
  }

  /** Ends the node's pods. Never fails: the machine goes down in any case. */
  async run(pods: NodePods): Promise<void> {
    const { periods, clock, log, report, changed } = this.deps;
    this.isUnderWay = true;
    report('Normal', 'NodeShutdown', 'Shutdown manager detected shutdown event');
    changed();
    await this.remember({ startMs: clock.now(), endMs: 0 });
    for (const group of shutdownGroups(periods, pods.holding())) {
      const { priority, seconds } = group;
      log.info('the machine goes down; pods end', { priority, seconds, pods: group.pods.length });
      await this.end(group, pods);
    }
    await this.remember({ ...this.times, endMs: clock.now() });
  }

  private async end({ seconds, pods, priority }: ShutdownGroup, { endForGood }: NodePods): Promise<void> {
    const { clock, log } = this.deps;
    const ends = Promise.allSettled(
      pods.map(({ metadata, spec }) => {
        const graceSeconds = Math.min(seconds, spec?.terminationGracePeriodSeconds ?? seconds);
        return endForGood(metadata?.uid ?? '', { ...shutdownEnd, graceSeconds });
      }),
    );
    const over = new AbortController();
    const inTime = await Promise.race([
      ends.then(() => true),
      clock.sleep(seconds * 1000, over.signal).then(
        () => false,
        () => false,
      ),
    ]);
    over.abort(new Error('the pods have ended'));
    if (!inTime) log.warn('the time of pods is over before all of them have ended', { priority, seconds });
  }

  private async remember(times: { readonly startMs: number; readonly endMs: number }): Promise<void> {
    this.times = times;
    const { startMs, endMs } = times;
    const text = JSON.stringify({ startTime: formatTime(startMs), endTime: endMs === 0 ? notYet : formatTime(endMs) });
    try {
      await writePrivate(this.path, text);
    } catch (error) {
      this.deps.log.warn('the times of the shutdown are not kept', { error });
    }
  }

  private get path(): string {
    return join(this.deps.rootDir, stateFile);
  }
}

function timeMs(text: string | undefined): number {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? 0 : Math.max(0, ms);
}
