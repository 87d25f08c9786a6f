// Writes core/v1 Events about objects, in order and in the background: reporting never delays or fails the reporter.
import { type Event, events } from '../api/event';
import type { KubeObject } from '../api/types';
import { type Clock, systemClock } from '../base/clock';
import { hasCode, isNotFound, isUnavailable } from '../base/errors';
import type { Logger } from '../base/logger';
import type { Client } from './client';
import { EventCorrelator, type Report, type ReportDetails } from './event-correlator';

export interface EventRecorder {
  /** Returns at once. `object` needs apiVersion, kind and metadata with name and uid. */
  record(object: KubeObject, type: Report['type'], reason: string, message: string, details?: ReportDetails): void;
  /** Resolves when every report so far is written or dropped. */
  flushed(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: Client;
  /** Shown by `kubectl describe` in the From column: kubelet, default-scheduler, replicaset-controller. */
  readonly component: string;
  readonly host?: string;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** Reports that wait while the API is unreachable; beyond this limit the newest are dropped, as Events are best effort. */
const maxWaiting = 1000;
const maxTries = 3;
const retryMs = 1000;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new BackgroundRecorder(options);
}

class BackgroundRecorder implements EventRecorder {
  private readonly correlator: EventCorrelator;
  private readonly clock: Clock;
  private readonly waiting: Report[] = [];
  private working: Promise<void> | undefined;

  constructor(private readonly options: EventRecorderOptions) {
    const { component, host } = options;
    this.correlator = new EventCorrelator(host === undefined ? { component } : { component, host });
    this.clock = options.clock ?? systemClock;
  }

  record(object: KubeObject, type: Report['type'], reason: string, message: string, details?: ReportDetails): void {
    if (this.waiting.length >= maxWaiting) return;
    this.waiting.push({ object, type, reason, message, ...details });
    this.working ??= this.drain();
  }

  async flushed(): Promise<void> {
    await this.working;
  }

  private async drain(): Promise<void> {
    for (let report = this.waiting.shift(); report; report = this.waiting.shift()) await this.write(report);
    this.working = undefined;
  }

  private async write(report: Report): Promise<void> {
    const correlated = this.correlator.correlate(report, this.clock.now());
    if (correlated.action === 'drop') return;
    for (let tries = 1; ; tries++) {
      try {
        await this.send(correlated);
        return;
      } catch (err) {
        if (isUnavailable(err) && tries < maxTries) {
          await this.clock.sleep(retryMs);
          continue;
        }
        this.correlator.forget(correlated.id);
        // A namespace that is being deleted accepts no new Events: drop the report without a log line.
        if (!hasCode(err, 'Forbidden') && !isNotFound(err)) {
          this.options.log.warn('event not written; it is dropped', {
            reason: report.reason,
            message: report.message,
            error: err,
          });
        }
        return;
      }
    }
  }

  private async send(correlated: Exclude<ReturnType<EventCorrelator['correlate']>, { action: 'drop' }>): Promise<void> {
    const { client } = this.options;
    if (correlated.action === 'create') {
      await client.create(events, correlated.event);
      return;
    }
    const { count, message, lastTimestamp } = correlated.event;
    try {
      await client.patch(events, correlated.key, 'merge', { count, message, lastTimestamp });
    } catch (err) {
      if (!isNotFound(err)) throw err;
      // The Event has expired on the server: create the same Event again, with the count it had reached.
      const { metadata, ...rest } = correlated.event;
      const { namespace, name, annotations } = metadata;
      const again: Event = { ...rest, metadata: { namespace, name, ...(annotations ? { annotations } : {}) } };
      await client.create(events, again);
    }
  }
}
