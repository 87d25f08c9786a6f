// States of the page itself: its address, whether it is in view, the time.
import { useEffect, useState } from 'preact/hooks';
import { hashOf, home, parseHash, type Route } from '../../model/routes';

/** The view that the address names; the home view for an address that names none. */
export function useRoute(): readonly [Route, (route: Route) => void] {
  const [route, setRoute] = useState<Route>(() => parseHash(location.hash) ?? home);
  useEffect(() => {
    const read = () => setRoute(parseHash(location.hash) ?? home);
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
  return [route, go];
}

const go = (route: Route): void => {
  location.hash = hashOf(route);
};

/** Without an entry in the browser's history: for steps that a reader would not want to go back one by one. */
export const replaceRoute = (route: Route): void => location.replace(hashOf(route));

/** A page that is hidden for longer than this watches nothing: it costs the server nothing until it is in view again. */
const hiddenMs = 60_000;

export function usePageShown(): boolean {
  const [isShown, setShown] = useState(true);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const update = () => {
      clearTimeout(timer);
      if (document.visibilityState === 'hidden') timer = setTimeout(() => setShown(false), hiddenMs);
      else setShown(true);
    };
    update();
    document.addEventListener('visibilitychange', update);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', update);
    };
  }, []);
  return isShown;
}

/** The time, renewed often enough for ages in seconds and minutes. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
