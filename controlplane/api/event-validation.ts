// The rules for Events, which both groups share. The core group checks an Event with an eventTime more strictly than one without;
// events.k8s.io has further rules for both writes. Field paths are those of the core form, as upstream reports them.
import { isDeepStrictEqual } from 'node:util';
import type { FieldCause } from '../base/errors';
import type { Event } from './event';
import { immutable, invalid, invalidEach, required } from './validation/causes';
import { qualifiedName } from './validation/names';

/** Limits of an Event with an eventTime, in bytes. */
const maxWordBytes = 128;
const maxMessageBytes = 1024;

/**
 * The rules for every Event. One without eventTime comes from an old client and needs only a matching namespace. `reporter` is the field of
 * the reporting controller in the group of the request: the only one that upstream names in that group's words.
 */
export function validateEvent(event: Event, reporter: 'reportingComponent' | 'reportingController'): FieldCause[] {
  const namespace = event.metadata?.namespace ?? '';
  const about = event.involvedObject?.namespace ?? '';
  const mismatch = invalid('involvedObject.namespace', about, 'does not match event.namespace');
  if (!event.eventTime) return about === namespace || (about === '' && namespace === 'default') ? [] : [mismatch];
  const isForCluster = namespace === 'default' || namespace === 'kube-system';
  const { reportingComponent = '' } = event;
  return [
    ...(about === '' && !isForCluster ? [mismatch] : []),
    ...(reportingComponent === '' ? [required(reporter)] : []),
    ...invalidEach(reporter, reportingComponent, qualifiedName(reportingComponent)),
    ...requiredWord('reportingInstance', event.reportingInstance),
    ...requiredWord('action', event.action),
    ...requiredWord('reason', event.reason),
    ...atMost('message', event.message, maxMessageBytes),
  ];
}

const requiredWord = (field: string, value = ''): FieldCause[] =>
  value === '' ? [required(field)] : atMost(field, value, maxWordBytes);

/** Upstream does not repeat the value in these messages. */
const atMost = (field: string, value: string | undefined, bytes: number): FieldCause[] =>
  Buffer.byteLength(value ?? '') > bytes ? [invalid(field, '', `can have at most ${bytes} characters`)] : [];

/** What events.k8s.io checks in addition for a new Event: it has no field that only the core group fills. */
export function validateNewEvent(event: Event): FieldCause[] {
  const { type = '', firstTimestamp, lastTimestamp, count, source } = event;
  const unset = (field: string, isSet: boolean): FieldCause[] =>
    isSet ? [invalid(field, '', 'needs to be unset')] : [];
  return [
    ...validateSeries(event),
    ...(event.eventTime ? [] : [required('eventTime')]),
    ...(type === 'Normal' || type === 'Warning' ? [] : [invalid('type', '', `has invalid value: ${type}`)]),
    ...unset('firstTimestamp', Boolean(firstTimestamp)),
    ...unset('lastTimestamp', Boolean(lastTimestamp)),
    ...unset('count', Boolean(count)),
    ...unset('source', Boolean(source?.component || source?.host)),
  ];
}

/** An update through events.k8s.io changes the series and metadata only. */
export function validateChangedEvent(event: Event, old: Event): FieldCause[] {
  return [
    ...(isSame(event.series, old.series) ? [] : validateSeries(event)),
    ...fixedFields.flatMap(([field, read]) =>
      isSame(read(event), read(old)) ? [] : [invalid(field, read(event) ?? null, immutable)],
    ),
  ];
}

const fixedFields: readonly (readonly [string, (event: Event) => unknown])[] = [
  ['involvedObject', ({ involvedObject }) => involvedObject ?? {}],
  ['reason', ({ reason }) => reason ?? ''],
  ['message', ({ message }) => message ?? ''],
  ['source', ({ source }) => source ?? {}],
  ['firstTimestamp', ({ firstTimestamp }) => firstTimestamp],
  ['lastTimestamp', ({ lastTimestamp }) => lastTimestamp],
  ['count', ({ count }) => count ?? 0],
  ['type', ({ type }) => type ?? ''],
  ['eventTime', ({ eventTime }) => eventTime],
  ['action', ({ action }) => action ?? ''],
  ['related', ({ related }) => related],
  ['reportingController', ({ reportingComponent }) => reportingComponent ?? ''],
  ['reportingInstance', ({ reportingInstance }) => reportingInstance ?? ''],
];

/** An absent value and null are the same value. */
const isSame = (a: unknown, b: unknown): boolean => isDeepStrictEqual(a ?? null, b ?? null);

function validateSeries({ series }: Event): FieldCause[] {
  if (!series) return [];
  return [
    ...((series.count ?? 0) < 2 ? [invalid('series.count', '', 'should be at least 2')] : []),
    ...(series.lastObservedTime ? [] : [required('series.lastObservedTime')]),
  ];
}
