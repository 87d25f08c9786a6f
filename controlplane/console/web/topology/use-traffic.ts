// The traffic that nodes report, read every two seconds while the view is open and in view. Nothing is collected while no page reads.
import { useEffect, useState } from 'preact/hooks';
import type { NodeTrafficStatus } from '../../../base/traffic';
import { isAbort, isStatus, messageOf } from '../../model/api-error';
import { type Remark, remarksOf } from '../../model/topology/remarks';
import { type NodeReading, nextReading } from '../../model/topology/traffic';
import { useConsole } from '../app/context';
import { usePageShown } from '../app/page-state';

const path = '/apis/path.k8ts.io/v1alpha1/nodetraffics';
const everyMs = 2_000;
/** A server that answers later than this is not known to be there. */
const deadlineMs = 6_000;

interface NodeTraffic {
  readonly metadata: { readonly name: string };
  readonly status?: NodeTrafficStatus;
  /** Why the node has not answered. */
  readonly error?: string;
}

export interface TrafficState {
  readonly atMs: number;
  readonly readings: readonly NodeReading[];
  readonly remarks: readonly Remark[];
  /** Present: since when no answer has come. */
  readonly silentSinceMs?: number;
}

const nothing: TrafficState = { atMs: 0, readings: [], remarks: [] };

export function useTraffic(): TrafficState {
  const { api } = useConsole();
  const isShown = usePageShown();
  const [state, setState] = useState<TrafficState>(nothing);
  useEffect(() => {
    if (!isShown) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const last = new Map<string, NodeReading>();
    let answeredMs = Date.now();
    const read = async () => {
      const startedAt = performance.now();
      try {
        const { items } = await api.json<{ readonly items: readonly NodeTraffic[] }>(path, {
          signal: stop.signal,
          deadlineMs,
        });
        answeredMs = Date.now();
        const readings = readingsOf(items, last);
        setState({ atMs: Date.now(), readings, remarks: [...silentIn(items), ...remarksOf(readings)] });
      } catch (err) {
        if (isAbort(err)) return;
        const isRefused = isStatus(err, 403);
        const since = new Date(answeredMs).toLocaleTimeString();
        const remark: Remark = isRefused
          ? { key: 'trafficRefused' }
          : { key: 'trafficFailed', values: { since, problem: messageOf(err) } };
        const silent = isRefused ? {} : { silentSinceMs: answeredMs };
        setState({ atMs: Date.now(), readings: [], remarks: [remark], ...silent });
        // Another try has the same answer.
        if (isRefused) return;
      }
      if (!stop.signal.aborted) timer = setTimeout(read, Math.max(500, everyMs - (performance.now() - startedAt)));
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [api, isShown]);
  return state;
}

/** Nodes that have answered; `last` then holds their readings. */
function readingsOf(items: readonly NodeTraffic[], last: Map<string, NodeReading>): readonly NodeReading[] {
  return items.flatMap(({ metadata: { name }, status }) => {
    if (!status) return [];
    const reading = nextReading(last.get(name), name, status);
    last.set(name, reading);
    return [reading];
  });
}

const silentIn = (items: readonly NodeTraffic[]): readonly Remark[] =>
  items.flatMap(({ metadata: { name }, error }) =>
    error === undefined ? [] : [{ key: 'nodeSilent', values: { node: name, problem: error } } as const],
  );
