// Logs failed requests, with a limited number of lines a second, because clients decide how many requests fail.
import type { Logger } from '../../controlplane/base/logger';
import type { Failure } from '../../dataplane/ingress/failure';

const linesPerSecond = 10;

export function failureLog(log: Pick<Logger, 'warn'>, now: () => number = Date.now) {
  let second = 0;
  let lines = 0;
  let silent = 0;
  return ({ status, detail, requestId }: Failure & { readonly requestId: string }): void => {
    const current = Math.floor(now() / 1_000);
    if (current !== second) {
      if (silent > 0) log.warn('more requests failed', { count: silent });
      second = current;
      lines = 0;
      silent = 0;
    }
    if (++lines > linesPerSecond) silent++;
    else log.warn('request failed', { status, detail, requestId });
  };
}
