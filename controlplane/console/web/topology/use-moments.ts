// The moments of the topology: one for each answer of the nodes and each change of the objects, kept for some minutes.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { structureOf } from '../../model/topology/boxes';
import { directoryOf } from '../../model/topology/directory';
import { FormerPods } from '../../model/topology/former-pods';
import type { FrameInput } from '../../model/topology/frame';
import { podRatesOf } from '../../model/topology/pod-rates';
import { refusedOf, withoutInnocents } from '../../model/topology/refused';
import { requestLinks } from '../../model/topology/requests';
import { silentOf } from '../../model/topology/silent';
import { type Moment, stillShown, withMoment } from '../../model/topology/timeline';
import { areStopsKnown, stopsOf, trafficLinks } from '../../model/topology/traffic';
import { useConsole } from '../app/context';
import { type ObjectsState, useObjects } from './use-objects';
import { type TrafficState, useTraffic } from './use-traffic';

export interface MomentsState {
  readonly moments: readonly Moment[];
  /** The newest state, which may be newer than the last moment. */
  readonly now: FrameInput;
  readonly objects: ObjectsState;
  readonly traffic: TrafficState;
}

/** By namespace, for as long as the page is loaded: a reader who looks at another view and comes back finds the last minutes again. */
const kept = new Map<string, readonly Moment[]>();
/** Each holds up to `maxMoments`; the namespaces that were shown longest ago go first. */
const maxNamespaces = 4;

function keep(part: string, moments: readonly Moment[]): void {
  kept.delete(part);
  kept.set(part, moments);
  for (const oldest of [...kept.keys()].slice(0, -maxNamespaces)) kept.delete(oldest);
}

/** Of another user: nothing of it may be shown. */
let keptFor: unknown;

export function useMoments(namespace: string): MomentsState {
  const objects = useObjects(namespace);
  const traffic = useTraffic();
  const { api } = useConsole();
  if (keptFor !== api.token) kept.clear();
  keptFor = api.token;
  // Of a user who may see all, a moment is the same for each namespace.
  const part = objects.isPartial ? namespace : '';
  const [moments, setMoments] = useState<readonly Moment[]>([]);
  useEffect(() => setMoments(stillShown(kept.get(part) ?? [], Date.now())), [part]);
  const former = useMemo(() => new FormerPods(), [part, api.token]);
  const structure = useMemo(() => former.with(structureOf(objects.objects), Date.now()), [former, objects.objects]);
  const directory = useMemo(
    () => directoryOf(objects.objects, structure.boxes, objects.isPartial, former.places(structure)),
    [structure, objects.isPartial],
  );
  const now = useMemo((): FrameInput => {
    const { atMs, readings, remarks } = traffic;
    const stopped = refusedOf(readings, directory);
    const refused = [...stopped, ...silentOf(readings, directory, stopped)];
    const stops = withoutInnocents(stopsOf(readings, directory), stopped);
    const links = trafficLinks(readings, directory);
    const requests = requestLinks(readings, directory);
    const known = areStopsKnown(readings);
    return {
      atMs,
      structure,
      traffic: links,
      requests,
      stops,
      areStopsKnown: known,
      refused,
      podRates: podRatesOf(readings),
      remarks,
    };
  }, [traffic, structure, directory]);
  const latest = useRef(now);
  latest.current = now;
  // A moment has the objects as they are when the nodes answer.
  useEffect(() => {
    if (traffic.atMs === 0 || !objects.isLoaded) return;
    setMoments((before) => {
      const after = withMoment(before, latest.current);
      keep(part, after);
      return after;
    });
  }, [traffic]);
  return { moments, now, objects, traffic };
}
