// How pods of one spec.schedulerName are scheduled.
import type { EventRecorder } from '../client/event-recorder';
import type { ProfilePlan } from './config/profiles';

export interface Profile extends ProfilePlan {
  /** Shows the schedulerName as the source. */
  readonly events: EventRecorder;
}
