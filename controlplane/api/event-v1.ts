// events.k8s.io/v1 Event: the objects of the core group's Events, with the names of their fields in this group and stricter rules.
import type { EventsV1Event } from '@kubernetes/client-node';
import type { FieldCause } from '../base/errors';
import { type Event, events } from './event';
import { validateChangedEvent, validateEvent, validateNewEvent } from './event-validation';
import { defineKind } from './kind';
import type { KubeObject, Wire } from './types';

export type EventV1 = Wire<EventsV1Event>;

/** The fields with another name in the core group: [here, there]. */
const renamed: readonly (readonly [keyof EventV1, keyof Event])[] = [
  ['reportingController', 'reportingComponent'],
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];
const coreNames: ReadonlyMap<string, string> = new Map(renamed);
const ownNames: ReadonlyMap<string, string> = new Map(renamed.map(([here, there]) => [there, here]));

/** A shallow copy with other names; absent fields stay absent. */
function rename<T extends KubeObject>(object: KubeObject, names: ReadonlyMap<string, string>): T {
  const entries = Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]);
  return Object.fromEntries(entries) as T;
}

const toCore = (event: EventV1): Event => rename<Event>(event, coreNames);

function validate(event: EventV1, old: EventV1 | undefined): FieldCause[] {
  const core = toCore(event);
  return [
    ...validateEvent(core, 'reportingController'),
    ...(old ? validateChangedEvent(core, toCore(old)) : validateNewEvent(core)),
  ];
}

const { columns = [] } = events.options;

export const eventsV1 = defineKind<EventV1>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  schema: { model: 'EventsV1Event' },
  createOnUpdate: true,
  storage: { kind: events, toStored: toCore, fromStored: (object) => rename<EventV1>(object, ownNames) },
  validate: (event, { old }) => validate(event, old),
  columns: columns.map((column) => ({ ...column, cell: (event, now) => column.cell(toCore(event), now) })),
  fields: {
    'regarding.kind': ({ regarding }) => regarding?.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding?.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding?.name ?? '',
    'regarding.uid': ({ regarding }) => regarding?.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding?.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding?.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController }) => reportingController ?? '',
    type: ({ type }) => type ?? '',
  },
});
