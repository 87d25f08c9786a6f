// How pods of one spec.schedulerName are scheduled.
import type { EventRecorder } from '../client/event-recorder';
import type { SchedulerPlugin } from './plugins/plugin';

export interface Profile {
  readonly schedulerName: string;
  /** In the order in which they refuse. */
  readonly plugins: readonly SchedulerPlugin[];
  /** Shows the schedulerName as the source. */
  readonly events: EventRecorder;
}
