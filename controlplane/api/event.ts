// v1 Event.
import type { CoreV1Event } from '@kubernetes/client-node';
import { validateEvent } from './event-validation';
import { defineKind } from './kind';
import { ageOf, nameColumn } from './table';
import type { Wire } from './types';
import { pathSegment } from './validation/names';

export type Event = Wire<CoreV1Event>;

const firstSeen = ({ firstTimestamp, eventTime }: Event): string | undefined => firstTimestamp ?? eventTime;
const lastSeen = (event: Event): string | undefined =>
  event.series?.lastObservedTime ?? event.lastTimestamp ?? firstSeen(event);

/** In the form of `kubectl get events`: 5m (x3 over 2h). */
function lastSeenCell(event: Event, now: number): string {
  const count = event.series?.count ?? event.count ?? 1;
  const last = ageOf(lastSeen(event), now);
  return count > 1 ? `${last} (x${count} over ${ageOf(firstSeen(event), now)})` : last;
}

function sourceCell({ source, reportingComponent }: Event): string {
  const component = source?.component || reportingComponent || '';
  return source?.host ? `${component}, ${source.host}` : component;
}

function objectCell({ involvedObject }: Event): string {
  const kind = (involvedObject?.kind ?? '').toLowerCase();
  return involvedObject?.name ? `${kind}/${involvedObject.name}` : kind;
}

export const events = defineKind<Event>({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  schema: { model: 'CoreV1Event' },
  createOnUpdate: true,
  nameCheck: pathSegment,
  validate: (event) => validateEvent(event, 'reportingComponent'),
  columns: [
    { name: 'Last Seen', type: 'string', description: 'When it was last observed.', cell: lastSeenCell },
    { name: 'Type', type: 'string', description: 'Normal or Warning.', cell: ({ type }) => type ?? '' },
    { name: 'Reason', type: 'string', description: 'Why, in one word.', cell: ({ reason }) => reason ?? '' },
    { name: 'Object', type: 'string', description: 'What the event is about.', cell: objectCell },
    { name: 'Subobject', type: 'string', priority: 1, cell: ({ involvedObject }) => involvedObject?.fieldPath ?? '' },
    { name: 'Source', type: 'string', priority: 1, cell: sourceCell },
    { name: 'Message', type: 'string', description: 'What happened.', cell: ({ message }) => (message ?? '').trim() },
    { name: 'First Seen', type: 'string', priority: 1, cell: (event, now) => ageOf(firstSeen(event), now) },
    { name: 'Count', type: 'string', priority: 1, cell: ({ series, count }) => series?.count ?? count ?? 1 },
    { ...nameColumn, priority: 1 },
  ],
  fields: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject?.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject?.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject?.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject?.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent }) => reportingComponent ?? '',
    source: ({ source, reportingComponent }) => source?.component || (reportingComponent ?? ''),
    type: ({ type }) => type ?? '',
  },
});
