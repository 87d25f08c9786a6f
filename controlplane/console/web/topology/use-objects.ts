// The objects of the topology, followed while the view is open and in view.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { isStatus } from '../../model/api-error';
import { type FollowState, follow } from '../../model/follow';
import type { KubeObject } from '../../model/objects';
import { collectionPath } from '../../model/routes';
import { type ClusterObjects, keyOf, noObjects, refs } from '../../model/topology/objects';
import type { Api } from '../api/requests';
import { SocketSender } from '../api/socket-sender';
import { useConsole } from '../app/context';
import { usePageShown } from '../app/page-state';

type KindName = keyof ClusterObjects;
const kindNames = Object.keys(refs) as readonly KindName[];

export interface ObjectsState {
  readonly objects: ClusterObjects;
  readonly isLoaded: boolean;
  /** Kinds that the user may not list, as the API names them. */
  readonly refused: readonly string[];
  /** True: the user may not list all of them, or only in one namespace. */
  readonly isPartial: boolean;
  readonly error: unknown;
  /** `reconnecting`: what is shown may be old. */
  readonly state: FollowState;
  readonly retry: () => void;
}

interface List {
  readonly metadata?: { readonly resourceVersion?: string };
  readonly items: readonly KubeObject[];
}
interface Event {
  readonly type: string;
  readonly object: KubeObject;
}

/** Changes of this time are drawn together. */
const drawMs = 250;

export function useObjects(namespace: string): ObjectsState {
  const { api } = useConsole();
  const isShown = usePageShown();
  const sender = useMemo(() => new SocketSender(api.token), [api]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [objects, setObjects] = useState<ClusterObjects>(noObjects);
  const [loaded, setLoaded] = useState<ReadonlySet<KindName>>(new Set());
  const [refused, setRefused] = useState<readonly string[]>([]);
  const [isPartial, setPartial] = useState(false);
  const [error, setError] = useState<unknown>();
  const [lost, setLost] = useState<ReadonlySet<KindName>>(new Set());
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    if (!isShown) return undefined;
    const stop = new AbortController();
    const changed = new Map<KindName, ReadonlyMap<string, KubeObject>>();
    const draw = () => {
      timer.current = undefined;
      const lists = [...changed].map(([kind, found]) => [kind, [...found.values()]] as const);
      changed.clear();
      setObjects((before) => ({ ...before, ...Object.fromEntries(lists) }));
    };
    setRefused([]);
    setPartial(false);
    setLoaded(new Set());
    setLost(new Set());
    for (const kind of kindNames) {
      const show = (found: ReadonlyMap<string, KubeObject>) => {
        changed.set(kind, found);
        timer.current ??= setTimeout(draw, drawMs);
        setLoaded((before) => (before.has(kind) ? before : new Set([...before, kind])));
      };
      // ReplicaSets have no addresses: without them only the numbers of revisions are missing.
      const part = () => kind !== 'replicaSets' && setPartial(true);
      const onState = (state: FollowState) =>
        setLost((before) => {
          if (before.has(kind) === (state === 'reconnecting')) return before;
          const others = [...before].filter((one) => one !== kind);
          return new Set(state === 'live' ? others : [...others, kind]);
        });
      followKind(api, sender, { kind, namespace, show, part, onState }, stop.signal).catch((err: unknown) => {
        // Nothing of another namespace may stay.
        setObjects((before) => ({ ...before, [kind]: [] }));
        if (!isStatus(err, 403)) setError(err);
        else setRefused((before) => [...before, refs[kind].plural].sort());
        part();
        setLoaded((before) => new Set([...before, kind]));
      });
    }
    return () => {
      stop.abort();
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [api, sender, isShown, namespace, attempt]);

  const state = lost.size > 0 ? 'reconnecting' : 'live';
  const retry = () => {
    setError(undefined);
    setAttempt(attempt + 1);
  };
  return { objects, isLoaded: loaded.size === kindNames.length, refused, isPartial, error, state, retry };
}

interface Wanted {
  readonly kind: KindName;
  readonly namespace: string;
  readonly show: (found: ReadonlyMap<string, KubeObject>) => void;
  /** Only this namespace can be followed. */
  readonly part: () => void;
  readonly onState: (state: FollowState) => void;
}

/** In all namespaces; for a user who may not, in this one. @throws ApiError */
async function followKind(
  api: Api,
  sender: SocketSender,
  { kind, namespace, show, part, onState }: Wanted,
  signal: AbortSignal,
): Promise<void> {
  try {
    await followPath(api, sender, collectionPath(refs[kind], ''), { show, onState }, signal);
  } catch (err) {
    if (!isStatus(err, 403) || namespace === '' || kind === 'nodes') throw err;
    part();
    await followPath(api, sender, collectionPath(refs[kind], namespace), { show, onState }, signal);
  }
}

function followPath(
  api: Api,
  sender: SocketSender,
  path: string,
  { show, onState }: Pick<Wanted, 'show' | 'onState'>,
  signal: AbortSignal,
): Promise<void> {
  const found = new Map<string, KubeObject>();
  const read = async (reading: AbortSignal) => {
    const { metadata, items } = await api.json<List>(path, { signal: reading });
    found.clear();
    for (const object of items) found.set(keyOf(object), object);
    show(found);
    return metadata?.resourceVersion ?? '0';
  };
  const onEvents = (events: readonly Event[]) => {
    for (const { type, object } of events) {
      if (type === 'DELETED') found.delete(keyOf(object));
      else if (type !== 'BOOKMARK') found.set(keyOf(object), object);
    }
    if (events.some(({ type }) => type !== 'BOOKMARK')) show(found);
  };
  const watchPath = (resourceVersion: string) =>
    `${path}?${new URLSearchParams({ watch: '1', allowWatchBookmarks: 'true', resourceVersion })}`;
  const revisionOf = ({ object }: Event) => object.metadata?.resourceVersion;
  return follow(
    sender,
    { read, watchPath, accept: 'application/json', onEvents, revisionOf, onState, alive: () => api.alive() },
    signal,
  );
}
