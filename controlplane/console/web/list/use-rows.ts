// The rows of a list as a state of a view: read once, then kept up to date while the view is open and in view.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Resource } from '../../model/discovery';
import { type FollowState, follow } from '../../model/follow';
import { collectionPath, type ListRoute } from '../../model/routes';
import { Rows, revisionOf, type Table, type TableEvent, tableType } from '../../model/rows';
import { useConsole } from '../app/context';
import { usePageShown } from '../app/page-state';

export interface RowsState {
  readonly rows: Rows;
  /** Grows with each change of the rows. */
  readonly version: number;
  readonly isLoaded: boolean;
  readonly state: FollowState | 'paused';
  readonly error: unknown;
  readonly retry: () => void;
}

/** Changes of this time are drawn together: a rollout of a thousand pods would draw a thousand times. */
const drawMs = 100;

export function useRows({ namespace, labelSelector, resource: ref }: ListRoute, { verbs }: Resource): RowsState {
  const { api } = useConsole();
  const isShown = usePageShown();
  const rows = useMemo(() => new Rows(), []);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [version, setVersion] = useState(0);
  const [isLoaded, setLoaded] = useState(false);
  const [state, setState] = useState<FollowState>('live');
  const [error, setError] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    if (!isShown) return undefined;
    const stop = new AbortController();
    const selection: Readonly<Record<string, string>> = labelSelector === '' ? {} : { labelSelector };
    const path = collectionPath(ref, namespace);
    const query = (more: Readonly<Record<string, string>>) =>
      `${path}?${new URLSearchParams({ ...selection, ...more })}`;
    const read = async (signal: AbortSignal) => {
      const table = await api.json<Table>(query({}), { accept: tableType, signal });
      rows.replace(table);
      setVersion((before) => before + 1);
      setLoaded(true);
      setError(undefined);
      return verbs.includes('watch') ? (table.metadata?.resourceVersion ?? '0') : undefined;
    };
    const onEvents = (events: readonly TableEvent[]) => {
      const hasChanged = events.filter((event) => rows.apply(event)).length > 0;
      if (!hasChanged || timer.current !== undefined) return;
      timer.current = setTimeout(() => {
        timer.current = undefined;
        setVersion((before) => before + 1);
      }, drawMs);
    };
    const watchPath = (resourceVersion: string) => query({ watch: '1', allowWatchBookmarks: 'true', resourceVersion });
    const options = {
      read,
      watchPath,
      accept: tableType,
      onEvents,
      revisionOf,
      onState: setState,
      alive: () => api.alive(),
    };
    follow(api, options, stop.signal).catch(setError);
    return () => {
      stop.abort();
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [api, isShown, attempt]);

  const retry = () => {
    setError(undefined);
    setState('live');
    setAttempt(attempt + 1);
  };
  return { rows, version, isLoaded, state: isShown ? state : 'paused', error, retry };
}
