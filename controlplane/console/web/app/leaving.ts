// Views that would lose something when they are left: the page asks before it shows another view, and the browser before it leaves the page.
import { useEffect, useRef } from 'preact/hooks';
import type { Route } from '../../model/routes';
import type { TextKey } from '../../texts/texts';

interface Keeper {
  /** Views in which nothing is lost: other tabs of the same object. */
  readonly stays: (next: Route) => boolean;
  /** What would be lost now; empty: nothing. */
  readonly losses: readonly TextKey[];
}

const keepers = new Set<{ current: Keeper }>();

/** What is lost by showing this view; undefined: by leaving the page or logging out. */
export const lossesBy = (next: Route | undefined): readonly TextKey[] =>
  [...keepers].flatMap(({ current: { stays, losses } }) => (next && stays(next) ? [] : losses));

/** For as long as the view is shown. */
export function useKeeper(losses: readonly TextKey[], stays: Keeper['stays']): void {
  const keeper = useRef<Keeper>({ losses, stays });
  keeper.current = { losses, stays };
  useEffect(() => {
    keepers.add(keeper);
    return () => {
      keepers.delete(keeper);
    };
  }, []);
  const loses = losses.length > 0;
  useEffect(() => {
    if (!loses) return undefined;
    const ask = (event: Event) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [loses]);
}
