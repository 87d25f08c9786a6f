// One object as a state of a view: read once, then followed by a watch of its name.
import { useEffect, useState } from 'preact/hooks';
import { isStatus } from '../../model/api-error';
import { type FollowState, follow } from '../../model/follow';
import type { KubeObject } from '../../model/objects';
import { collectionPath, type ObjectRoute, objectPath } from '../../model/routes';
import { useConsole } from '../app/context';
import { usePageShown } from '../app/page-state';

export interface ObjectState {
  readonly object: KubeObject | undefined;
  readonly isGone: boolean;
  readonly error: unknown;
  readonly state: FollowState;
  readonly retry: () => void;
}

interface ObjectEvent {
  readonly type: string;
  readonly object: KubeObject;
}

/**
 * A watch without a revision begins with the object as it is. The object's own revision is that of its last change, which for a quiet object
 * is older than what the server remembers.
 */
const fromNow = '';

export function useObject({ resource, namespace, name }: ObjectRoute, canWatch: boolean): ObjectState {
  const { api } = useConsole();
  const isShown = usePageShown();
  const [object, setObject] = useState<KubeObject>();
  const [isGone, setGone] = useState(false);
  const [error, setError] = useState<unknown>();
  const [state, setState] = useState<FollowState>('live');
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (!isShown) return undefined;
    const stop = new AbortController();
    let wasThere = false;
    const show = (found: KubeObject) => {
      wasThere = true;
      setObject(found);
      setGone(false);
    };
    const read = async (signal: AbortSignal) => {
      const found = await api.json<KubeObject>(objectPath(resource, namespace, name), { signal });
      show(found);
      return canWatch ? fromNow : undefined;
    };
    const watchPath = (resourceVersion: string) => {
      const query = {
        watch: '1',
        allowWatchBookmarks: 'true',
        fieldSelector: `metadata.name=${name}`,
        ...(resourceVersion === fromNow ? {} : { resourceVersion }),
      };
      return `${collectionPath(resource, namespace)}?${new URLSearchParams(query)}`;
    };
    const onEvents = (events: readonly ObjectEvent[]) => {
      for (const event of events) {
        if (event.type === 'DELETED') setGone(true);
        else if (event.type !== 'BOOKMARK') show(event.object);
      }
    };
    const revisionOf = (event: ObjectEvent) => event.object.metadata?.resourceVersion;
    const options = {
      read,
      watchPath,
      accept: 'application/json',
      onEvents,
      revisionOf,
      onState: setState,
      alive: () => api.alive(),
    };
    follow(api, options, stop.signal).catch((err: unknown) => {
      if (wasThere && isStatus(err, 404)) setGone(true);
      else setError(err);
    });
    return () => stop.abort();
  }, [api, isShown, attempt]);
  const retry = () => {
    setError(undefined);
    setState('live');
    setAttempt(attempt + 1);
  };
  return { object, isGone, error, state, retry };
}
