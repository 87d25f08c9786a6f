// The moments of the topology: one for each answer of the nodes and each change of the objects, kept for some minutes.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { structureOf } from '../../model/topology/boxes';
import { directoryOf } from '../../model/topology/directory';
import type { FrameInput } from '../../model/topology/frame';
import { podRatesOf } from '../../model/topology/pod-rates';
import { refusedOf, withoutInnocents } from '../../model/topology/refused';
import { requestLinks } from '../../model/topology/requests';
import { type Moment, withMoment } from '../../model/topology/timeline';
import { stopsOf, trafficLinks } from '../../model/topology/traffic';
import { type ObjectsState, useObjects } from './use-objects';
import { type TrafficState, useTraffic } from './use-traffic';

export interface MomentsState {
  readonly moments: readonly Moment[];
  /** The newest state, which may be newer than the last moment. */
  readonly now: FrameInput;
  readonly objects: ObjectsState;
  readonly traffic: TrafficState;
}

export function useMoments(namespace: string): MomentsState {
  const objects = useObjects(namespace);
  const traffic = useTraffic();
  const [moments, setMoments] = useState<readonly Moment[]>([]);
  const structure = useMemo(() => structureOf(objects.objects), [objects.objects]);
  const directory = useMemo(
    () => directoryOf(objects.objects, structure.boxes, objects.isPartial),
    [structure, objects.isPartial],
  );
  const now = useMemo((): FrameInput => {
    const { atMs, readings, remarks } = traffic;
    const refused = refusedOf(readings, directory);
    const stops = withoutInnocents(stopsOf(readings, directory), refused);
    const links = trafficLinks(readings, directory);
    const requests = requestLinks(readings, directory);
    return { atMs, structure, traffic: links, requests, stops, refused, podRates: podRatesOf(readings), remarks };
  }, [traffic, structure, directory]);
  const latest = useRef(now);
  latest.current = now;
  // A moment has the objects as they are when the nodes answer.
  useEffect(() => {
    if (traffic.atMs > 0) setMoments((before) => withMoment(before, latest.current));
  }, [traffic]);
  return { moments, now, objects, traffic };
}
