// Objects that belong to the one that is shown, read again from time to time while the page is in view.
import { useEffect, useState } from 'preact/hooks';
import { isAbort } from '../../model/api-error';
import type { KubeObject } from '../../model/objects';
import { useConsole } from '../app/context';
import { usePageShown } from '../app/page-state';

const everyMs = 5_000;

/** undefined: not known, or the user may not list them. An empty path asks for nothing. */
export function useList<T extends KubeObject = KubeObject>(path: string): readonly T[] | undefined {
  const { api } = useConsole();
  const isShown = usePageShown();
  const [items, setItems] = useState<readonly T[]>();
  useEffect(() => {
    if (!isShown || path === '') return undefined;
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        setItems((await api.json<{ readonly items: readonly T[] }>(path, { signal: stop.signal })).items);
      } catch (err) {
        if (isAbort(err)) return;
        setItems(undefined);
      }
      if (!stop.signal.aborted) timer = setTimeout(read, everyMs);
    };
    void read();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [api, isShown, path]);
  return items;
}
