import t from 'tap';
import type { Event } from '../../api/event';
import { eventTtlMs, lastSeen, planExcess, remainingMs } from './plan';

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00Z`;
const event = (name: string, times: object): Event => ({ metadata: { name, namespace: 'a' }, ...times }) as Event;

t.test('when an Event last happened', async (t) => {
  const cases: { name: string; times: object; expected: string | undefined }[] = [
    { name: 'its last time', times: { lastTimestamp: at(5), firstTimestamp: at(1) }, expected: at(5) },
    { name: 'events.k8s.io: its time', times: { eventTime: at(3) }, expected: at(3) },
    { name: 'its series', times: { eventTime: at(3), series: { lastObservedTime: at(9) } }, expected: at(9) },
    { name: 'its creation', times: { metadata: { creationTimestamp: at(2) } }, expected: at(2) },
    {
      name: 'written just now by a sender whose clock is old',
      times: { eventTime: at(3), metadata: { creationTimestamp: at(50) } },
      expected: at(50),
    },
    { name: 'never', times: {}, expected: undefined },
  ];
  for (const { name, times, expected } of cases) {
    t.equal(lastSeen(event('e', times)), expected === undefined ? 0 : Date.parse(expected), name);
  }
  t.equal(remainingMs(event('e', { lastTimestamp: at(10) }), Date.parse(at(40))), eventTtlMs - 30 * 60_000);
});

t.test('above the limit the oldest Events are deleted', async (t) => {
  const all = [
    event('new', { lastTimestamp: at(9) }),
    event('old', { lastTimestamp: at(1) }),
    event('mid', { eventTime: at(5) }),
  ];
  const names = (limit: number) => planExcess(all, limit).map(({ metadata }) => metadata.name);
  t.same(names(3), []);
  t.same(names(1), ['old', 'mid']);
});
