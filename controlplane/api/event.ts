// v1 Event.
import type { CoreV1Event } from '@kubernetes/client-node';
import { defineKind } from './kind';
import type { Wire } from './types';

export type Event = Wire<CoreV1Event>;

export const events = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  model: 'CoreV1Event',
});
