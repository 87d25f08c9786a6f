// What every controller needs.
import type { Clock } from '../../base/clock';
import type { Logger } from '../../base/logger';
import type { Client } from '../../client/client';
import type { EventRecorder } from '../../client/event-recorder';
import type { InformerSet } from './informers';

export interface Deps {
  /** Of the controller's work queue in /metrics. */
  readonly queueName?: string;
  readonly client: Client;
  readonly informers: InformerSet;
  readonly clock: Clock;
  readonly log: Logger;
  /** A recorder whose Events show this component as their source. */
  readonly recorder: (component: string) => EventRecorder;
  /** Called with each key that a worker starts. */
  readonly onReconcile?: (key: string) => void;
}

/** A loop that works until the signal is aborted. */
export interface Controller {
  run(signal: AbortSignal): Promise<void>;
}
