// The kinds of the server: read at the start, and again when a definition of a kind comes, changes or goes.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type DiscoveryDocument, discoveryType, type Resource, resourcesOf } from '../../model/discovery';
import { follow } from '../../model/follow';
import type { Api } from '../api/requests';
import { SocketSender } from '../api/socket-sender';
import { usePageShown } from './page-state';

export interface KindsState {
  readonly resources: readonly Resource[] | undefined;
  readonly problem: unknown;
  readonly retry: () => void;
  /** Reads them once more, for an address with a kind that is not among them. Resolves when they are known. */
  readonly lookAgain: () => Promise<void>;
}

const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const listType = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** A definition changes several times until the server serves its kind. */
const settleMs = 1_000;

interface Event {
  readonly type: string;
  readonly object: { readonly metadata?: { readonly resourceVersion?: string } };
}

export function useKinds(api: Api): KindsState {
  const isShown = usePageShown();
  const sender = useMemo(() => new SocketSender(api.token), [api]);
  const [resources, setResources] = useState<readonly Resource[]>();
  const [problem, setProblem] = useState<unknown>();
  const last = useRef('');
  const read = async () => {
    const load = (path: string) => api.json<DiscoveryDocument>(path, { accept: discoveryType });
    const found = resourcesOf(await Promise.all([load('/api'), load('/apis')]));
    // The same kinds draw nothing.
    const text = JSON.stringify(found);
    if (text !== last.current) setResources(found);
    last.current = text;
  };
  /** What is known stays when it cannot be read again. */
  const lookAgain = () => read().catch(() => undefined);
  const retry = () => {
    setProblem(undefined);
    read().catch(setProblem);
  };
  useEffect(retry, [api]);
  useEffect(() => {
    if (!isShown) return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isFirst = true;
    const later = () => {
      clearTimeout(timer);
      timer = setTimeout(lookAgain, settleMs);
    };
    const options = {
      read: async (signal: AbortSignal) => {
        const { metadata } = await api.json<Event['object']>(definitionsPath, { accept: listType, signal });
        // What has changed while nothing was watched.
        if (!isFirst) later();
        isFirst = false;
        return metadata?.resourceVersion ?? '0';
      },
      watchPath: (resourceVersion: string) =>
        `${definitionsPath}?${new URLSearchParams({ watch: '1', allowWatchBookmarks: 'true', resourceVersion })}`,
      accept: 'application/json',
      onEvents: (events: readonly Event[]) => {
        if (events.some(({ type }) => type !== 'BOOKMARK')) later();
      },
      revisionOf: ({ object }: Event) => object.metadata?.resourceVersion,
      onState: () => undefined,
      alive: () => api.alive(),
    };
    // A user who may not read definitions sees new kinds after a reload.
    follow(sender, options, stop.signal).catch(() => undefined);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [api, sender, isShown]);
  return { resources, problem, retry, lookAgain };
}
