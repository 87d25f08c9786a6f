// What is said of the traffic of a link: always with units, and never a zero for what is not counted.
import type { Box } from '../../model/topology/boxes';
import type { Link } from '../../model/topology/frame';
import type { LinkSums } from '../../model/topology/link-sums';
import { bytesRate, bytesSum, short } from '../../model/topology/numbers';
import type { RequestRates } from '../../model/topology/requests';
import type { Translate } from '../app/context';
import { boxTitle } from './box-shape';

type Counted = Pick<NonNullable<Link['traffic']>, 'bytesPerSecond' | 'uncounted'>;

/** `9.6 kB/s`; of connections that the kernel does not count, that it is not known. */
export function bytesWords(t: Translate, { bytesPerSecond, uncounted }: Counted): string {
  if (uncounted === 0) return bytesRate(bytesPerSecond);
  if (bytesPerSecond === 0) return t('notCounted');
  return `${bytesRate(bytesPerSecond)} + ${t('flowUncounted', { count: uncounted })}`;
}

/** `4 requests/s, 1 failed` */
export function requestWords(t: Translate, { requestsPerSecond, failedPerSecond }: RequestRates): string {
  const all = t('requestRate', { rate: short(requestsPerSecond) });
  return failedPerSecond > 0 ? `${all}, ${t('failedRate', { rate: short(failedPerSecond) })}` : all;
}

/** `9.5 new/s · 9.6 kB/s · 0 open`, without those that have no answer yet; for a link without traffic, how many endpoints are ready. */
export function linkWords(t: Translate, { traffic, declared, requests }: Link): string {
  const parts = [];
  if (requests) parts.push(requestWords(t, requests));
  if (traffic) {
    parts.push(t('newRate', { rate: short(traffic.openedPerSecond) }), bytesWords(t, traffic));
    parts.push(t('openCount', { count: traffic.open - traffic.unanswered }));
  } else if (declared?.all !== undefined) {
    parts.push(t('endpointsReady', { ready: declared.ready ?? 0, all: declared.all }));
  }
  return parts.join(' · ');
}

/** `In the last minute, about: 12 requests, 8 failed · 12 new connections · 484 B` */
export function sumWords(t: Translate, { opened, bytes, requests, failed }: LinkSums): string {
  const parts = [
    ...(requests > 0 ? [t(failed > 0 ? 'sumFailed' : 'sumRequests', { count: requests, failed })] : []),
    ...(opened > 0 ? [t('sumOpened', { count: opened })] : []),
    bytesSum(bytes),
  ];
  return t('lastMinute', { parts: parts.join(' · ') });
}

/** In a rollout there are several boxes of one name: this says which, and how many of its pods are ready. */
export function boxWords(t: Translate, box: Box | undefined): string {
  const title = boxTitle(t, box);
  if (!box?.generation) return title;
  const ready = box.pods.filter(({ isReady }) => isReady).length;
  return `${title} (${generationWords(t, box.generation)}, ${t('podsReady', { ready, all: box.pods.length })})`;
}

/** `revision 3, new`; for a reader who may not see ReplicaSets, the hash of the pods. */
export function generationWords(t: Translate, { hash, revision, isNewest }: NonNullable<Box['generation']>): string {
  if (revision === undefined) return `${t(isNewest ? 'newPods' : 'oldPods')} ${hash}`;
  return t(isNewest ? 'revisionNew' : 'revisionOld', { revision });
}
