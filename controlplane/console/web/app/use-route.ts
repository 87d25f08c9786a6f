// The view that the address names. A change of the address that would lose something is undone first, until the reader says what to do.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { hashOf, type Route, routeOf } from '../../model/routes';
import type { TextKey } from '../../texts/texts';
import { lossesBy } from './leaving';

/** A question to the reader. */
export interface Leaving {
  readonly losses: readonly TextKey[];
  readonly stay: () => void;
  readonly leave: () => void;
}

export interface RouteState {
  readonly route: Route;
  readonly leaving: Leaving | undefined;
  /** Does it at once, or after the reader has agreed to lose something. */
  readonly askBefore: (work: () => void) => void;
}

export const go = (route: Route): void => {
  location.hash = hashOf(route);
};

/** Without an entry in the browser's history: for steps that a reader would not want to go back one by one. */
export function replaceRoute(route: Route): void {
  history.replaceState(history.state, '', hashOf(route));
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

/** Entries of the history are numbered, so that it is known how far a change of the address has gone. A new one has no number yet. */
const entryNumber = (): number | undefined => entryState().entry;
const setEntryNumber = (entry: number): void => keepInEntry({ entry });

/** What views keep in this entry of the history. A later view of the same entry may find what another has kept: `list` belongs to lists. */
interface EntryState {
  readonly entry?: number;
  readonly list?: unknown;
}
export const entryState = (): EntryState => (history.state as EntryState | null) ?? {};
export const keepInEntry = (part: EntryState): void => history.replaceState({ ...entryState(), ...part }, '');

export function useRoute(): RouteState {
  const [route, setRoute] = useState<Route>(() => routeOf(location.hash));
  const [leaving, setLeaving] = useState<Leaving>();
  useEffect(() => {
    let current = entryNumber() ?? 0;
    let isAgreed = false;
    let isUndone = false;
    setEntryNumber(current);
    const changed = () => {
      const next = routeOf(location.hash);
      const entry = entryNumber() ?? current + 1;
      setEntryNumber(entry);
      const losses = isAgreed || isUndone ? [] : lossesBy(next);
      isAgreed = false;
      isUndone = false;
      const by = entry - current;
      if (losses.length === 0 || by === 0) {
        current = entry;
        setRoute(next);
        return;
      }
      isUndone = true;
      history.go(-by);
      current = entry;
      const leave = () => {
        setLeaving(undefined);
        isAgreed = true;
        history.go(by);
      };
      setLeaving({ losses, stay: () => setLeaving(undefined), leave });
    };
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  const askBefore = useMemo(
    () => (work: () => void) => {
      const losses = lossesBy(undefined);
      if (losses.length === 0) return work();
      const leave = () => {
        setLeaving(undefined);
        work();
      };
      setLeaving({ losses, stay: () => setLeaving(undefined), leave });
    },
    [],
  );
  return { route, leaving, askBefore };
}
