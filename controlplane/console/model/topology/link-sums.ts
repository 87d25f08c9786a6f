// What a link has carried in the last minute: its rates alone forget in two seconds what a reader has just done. Pure.
import type { FrameInput } from './frame';

export interface LinkSums {
  /** Connections that have begun. */
  readonly opened: number;
  readonly bytes: number;
  /** Through an Ingress. */
  readonly requests: number;
  readonly failed: number;
}

const lastMs = 60_000;
/** Nothing was measured between moments that are further apart. */
const gapMs = 10_000;

/** Rates times durations, of the moments up to the shown one; undefined: nothing was seen. */
export function sumsOf(
  moments: readonly Pick<FrameInput, 'atMs' | 'traffic' | 'requests'>[],
  shownMs: number,
  link: { readonly from: string; readonly to: string },
): LinkSums | undefined {
  const isIt = ({ from, to }: { readonly from: string; readonly to: string }) => from === link.from && to === link.to;
  const sums = { opened: 0, bytes: 0, requests: 0, failed: 0 };
  for (const [i, { atMs, traffic, requests }] of moments.entries()) {
    const before = moments[i - 1];
    if (before === undefined || atMs > shownMs || shownMs - atMs >= lastMs) continue;
    const seconds = (atMs - before.atMs) / 1000;
    if (seconds * 1000 > gapMs) continue;
    for (const one of traffic.filter(isIt)) {
      sums.opened += one.openedPerSecond * seconds;
      sums.bytes += one.bytesPerSecond * seconds;
    }
    for (const one of requests.filter(isIt)) {
      sums.requests += one.requestsPerSecond * seconds;
      sums.failed += one.failedPerSecond * seconds;
    }
  }
  const { opened, bytes, requests, failed } = sums;
  if (opened + bytes + requests === 0) return undefined;
  return { opened: Math.round(opened), bytes, requests: Math.round(requests), failed: Math.round(failed) };
}
