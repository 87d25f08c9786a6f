// The events about one object, the newest first.
import { useEffect, useState } from 'preact/hooks';
import { formatAge } from '../../model/ages';
import { messageOf } from '../../model/api-error';
import { type KubeObject, textAt } from '../../model/objects';
import { collectionPath, podsRef } from '../../model/routes';
import { useConsole, useTexts } from '../app/context';
import { useNow } from '../app/page-state';
import { Toned } from '../parts/controls';
import { Loading, Notice } from '../parts/notice';

interface EventList {
  readonly items: readonly KubeObject[];
}

/** Events come seldom, so they are read again instead of watched. */
const everyMs = 5_000;

export function Events({ object }: { readonly object: KubeObject }) {
  const t = useTexts();
  const { api } = useConsole();
  const now = useNow(everyMs);
  const [events, setEvents] = useState<readonly KubeObject[]>();
  const [error, setError] = useState<unknown>();
  const { uid = '', name = '', namespace } = object.metadata ?? {};
  // A kubelet writes the name of its node in place of the uid; events without a namespace are in this one.
  const about = namespace
    ? `involvedObject.uid=${uid}`
    : `involvedObject.name=${name},involvedObject.kind=${object.kind}`;
  useEffect(() => {
    if (document.visibilityState === 'hidden' && events) return undefined;
    const stop = new AbortController();
    const path = collectionPath({ ...podsRef, plural: 'events' }, namespace ?? 'default');
    const query = new URLSearchParams({ fieldSelector: about });
    api.json<EventList>(`${path}?${query}`, { signal: stop.signal }).then(
      ({ items }) => {
        setEvents([...items].sort((a, b) => lastMs(b) - lastMs(a)));
        setError(undefined);
      },
      (err: unknown) => !stop.signal.aborted && setError(err),
    );
    return () => stop.abort();
  }, [api, about, now]);
  if (error !== undefined && !events) return <Notice title={t('failedTitle')} text={messageOf(error)} />;
  if (!events) return <Loading />;
  if (events.length === 0) return <p class="empty">{t('noEvents')}</p>;
  return (
    <div class="table-frame" tabIndex={0} role="group" aria-label={t('tabEvents')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('eventAge')}</th>
            <th scope="col">{t('eventType')}</th>
            <th scope="col">{t('reason')}</th>
            <th scope="col">{t('eventCount')}</th>
            <th scope="col">{t('message')}</th>
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.metadata?.uid}>
              <td>{formatAge(now - lastMs(event))}</td>
              <td>
                <Toned tone={textAt(event, 'type') === 'Warning' ? 'wait' : 'none'} text={textAt(event, 'type')} />
              </td>
              <td>{textAt(event, 'reason')}</td>
              <td>{textAt(event, 'series', 'count') || textAt(event, 'count') || '1'}</td>
              <td class="long">{textAt(event, 'message')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** When it was last seen; each client fills other fields. */
function lastMs(event: KubeObject): number {
  const time =
    textAt(event, 'series', 'lastObservedTime') ||
    textAt(event, 'lastTimestamp') ||
    textAt(event, 'eventTime') ||
    (event.metadata?.creationTimestamp ?? '');
  return Date.parse(time);
}
