import t from 'tap';
import { sumsOf } from './link-sums';
import type { RequestLink } from './requests';
import type { TrafficLink } from './traffic';

const link = { from: 'a', to: 'b' };
const none = { isOwn: false, open: 0, unanswered: 0, uncounted: 0, packetsPerSecond: 0, flows: [] };
const moment = (seconds: number, openedPerSecond: number, failedPerSecond = 0) => ({
  atMs: seconds * 1000,
  traffic: [
    { ...link, ...none, openedPerSecond, bytesPerSecond: 100 * openedPerSecond },
    { from: 'x', to: 'b', ...none, openedPerSecond: 99, bytesPerSecond: 99 },
  ] as readonly TrafficLink[],
  requests: [{ ...link, requestsPerSecond: openedPerSecond, failedPerSecond }] as readonly RequestLink[],
});

t.test('rates times durations, of the last minute', async (t) => {
  const moments = [moment(0, 5), moment(2, 5, 1), moment(4, 0), moment(6, 0.5)];
  t.strictSame(sumsOf(moments, 6_000, link), { opened: 11, bytes: 1_100, requests: 11, failed: 2 });
  t.strictSame(sumsOf(moments, 4_000, link)?.opened, 10, 'the moment that is shown is the last one');
  t.strictSame(sumsOf(moments, 63_000, link)?.opened, 1, 'a minute later the first ones do not count');
});

t.test('nothing', async (t) => {
  t.equal(sumsOf([], 0, link), undefined);
  t.equal(sumsOf([moment(0, 5)], 0, link), undefined, 'one moment has no duration');
  t.equal(sumsOf([moment(0, 0), moment(2, 0)], 2_000, link), undefined);
  t.equal(sumsOf([moment(0, 5), moment(30, 5)], 30_000, link), undefined, 'what was not measured is not known');
});
