// States of the page itself: whether it is in view, the time.
import { useEffect, useState } from 'preact/hooks';

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
