// The rules for Events: what each group accepts for a new Event, and what an update may change.
import t from 'tap';
import { type Event, events } from './event';
import { type EventV1, eventsV1 } from './event-v1';
import { fromStored, toStored } from './storage';
import type { KubeObject } from './types';

const metadata = { name: 'a', namespace: 'n' };
const time = '2026-01-01T00:00:00.000000Z';
const pod = { kind: 'Pod', name: 'p', namespace: 'n' };
const old: Event = { metadata, involvedObject: pod, reason: 'Pulled', message: 'done', type: 'Normal' };
const reported: EventV1 = {
  metadata,
  regarding: pod,
  reason: 'Pulled',
  note: 'done',
  type: 'Normal',
  eventTime: time,
  reportingController: 'example.com/c',
  reportingInstance: 'c-1',
  action: 'Pulling',
};

interface Case<T> {
  readonly name: string;
  readonly change: Partial<Record<keyof T, unknown>>;
  readonly causes: readonly string[];
}
const texts = (causes: readonly { field: string; message: string }[] | undefined): string[] =>
  (causes ?? []).map(({ field, message }) => `${field}: ${message}`);
const long = 'x'.repeat(129);
const mismatch = (namespace: string) =>
  `involvedObject.namespace: Invalid value: "${namespace}": does not match event.namespace`;

const coreCases: readonly Case<Event>[] = [
  { name: 'as an old client writes it', change: {}, causes: [] },
  { name: 'about another namespace', change: { involvedObject: { namespace: 'm' } }, causes: [mismatch('m')] },
  { name: 'about the cluster, in n', change: { involvedObject: {} }, causes: [mismatch('')] },
  {
    name: 'about the cluster, in kube-system, without eventTime',
    change: { involvedObject: {}, metadata: { name: 'a', namespace: 'kube-system' } },
    causes: [mismatch('')],
  },
  {
    name: 'about the cluster, in default',
    change: { involvedObject: {}, metadata: { name: 'a', namespace: 'default' } },
    causes: [],
  },
  { name: 'a long message without eventTime', change: { message: 'x'.repeat(2000) }, causes: [] },
  {
    name: 'with eventTime',
    change: { eventTime: time, reason: '' },
    causes: [
      'reportingComponent: Required value',
      'reportingComponent: Invalid value: "": name part must be non-empty',
      `reportingComponent: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      'reportingInstance: Required value',
      'action: Required value',
      'reason: Required value',
    ],
  },
];
t.test('a new Event of the core group', async (t) => {
  for (const { name, change, causes } of coreCases) {
    t.same(texts(events.options.validate?.({ ...old, ...change } as Event, { subresource: '' })), causes, name);
  }
});

const newCases: readonly Case<EventV1>[] = [
  { name: 'complete', change: {}, causes: [] },
  { name: 'about another namespace', change: { regarding: { namespace: 'm' } }, causes: [] },
  { name: 'about the cluster, in n', change: { regarding: {} }, causes: [mismatch('')] },
  { name: 'without eventTime', change: { eventTime: undefined }, causes: ['eventTime: Required value'] },
  {
    name: 'too long',
    change: { reportingInstance: long, action: long, reason: long, note: 'x'.repeat(1025) },
    causes: [
      'reportingInstance: Invalid value: "": can have at most 128 characters',
      'action: Invalid value: "": can have at most 128 characters',
      'reason: Invalid value: "": can have at most 128 characters',
      'message: Invalid value: "": can have at most 1024 characters',
    ],
  },
  { name: 'another type', change: { type: 'Odd' }, causes: ['type: Invalid value: "": has invalid value: Odd'] },
  {
    name: 'fields of the core group',
    change: {
      deprecatedFirstTimestamp: time,
      deprecatedLastTimestamp: time,
      deprecatedCount: 1,
      deprecatedSource: { host: 'h' },
    },
    causes: ['firstTimestamp', 'lastTimestamp', 'count', 'source'].map(
      (field) => `${field}: Invalid value: "": needs to be unset`,
    ),
  },
  {
    name: 'a series of one',
    change: { series: { count: 1 } },
    causes: ['series.count: Invalid value: "": should be at least 2', 'series.lastObservedTime: Required value'],
  },
];
t.test('a new Event of events.k8s.io', async (t) => {
  for (const { name, change, causes } of newCases) {
    const event = { ...reported, ...change } as EventV1;
    t.same(texts(eventsV1.options.validate?.(event, { subresource: '' })), causes, name);
  }
});

const fixed = (field: string, value: unknown) =>
  `${field}: Invalid value: ${JSON.stringify(value)}: field is immutable`;
const updates: readonly Case<EventV1>[] = [
  { name: 'nothing', change: {}, causes: [] },
  { name: 'the series', change: { series: { count: 2, lastObservedTime: time } }, causes: [] },
  {
    name: 'to a wrong series',
    change: { series: { count: 0, lastObservedTime: time } },
    causes: ['series.count: Invalid value: "": should be at least 2'],
  },
  {
    name: 'all other fields',
    change: {
      regarding: { ...pod, name: 'q' },
      reason: 'R',
      note: 'N',
      deprecatedSource: { component: 'c' },
      deprecatedCount: 2,
      type: 'Warning',
      action: 'A',
      related: pod,
      reportingController: 'd',
      reportingInstance: 'd-1',
    },
    causes: [
      fixed('involvedObject', { ...pod, name: 'q' }),
      fixed('reason', 'R'),
      fixed('message', 'N'),
      fixed('source', { component: 'c' }),
      fixed('count', 2),
      fixed('type', 'Warning'),
      fixed('action', 'A'),
      fixed('related', pod),
      fixed('reportingController', 'd'),
      fixed('reportingInstance', 'd-1'),
    ],
  },
];
t.test('an update through events.k8s.io', async (t) => {
  for (const { name, change, causes } of updates) {
    const event = { ...reported, ...change } as EventV1;
    t.same(texts(eventsV1.options.validate?.(event, { subresource: '', old: reported })), causes, name);
  }
  t.same(
    texts(events.options.validate?.({ ...old, message: 'other' } as Event, { subresource: '', old })),
    [],
    'the core group allows any change',
  );
});

t.test('an Event has the same fields in both groups, under their names', async (t) => {
  const full = { ...reported, deprecatedSource: { host: 'h' }, deprecatedCount: 3, deprecatedFirstTimestamp: time };
  const stored = toStored(eventsV1, full as KubeObject as EventV1);
  t.match(stored, { apiVersion: 'v1', kind: 'Event', reportingComponent: 'example.com/c', involvedObject: pod });
  t.match(stored, { message: 'done', source: { host: 'h' }, count: 3, firstTimestamp: time, action: 'Pulling' });
  t.same(fromStored(eventsV1, stored), { ...full, apiVersion: 'events.k8s.io/v1', kind: 'Event' });
  const cells = (eventsV1.options.columns ?? []).map(({ cell }) => cell(full as EventV1, Date.parse(time) + 60_000));
  t.same(cells.slice(0, 6), ['60s (x3 over 60s)', 'Normal', 'Pulled', 'pod/p', '', 'example.com/c, h']);
});
