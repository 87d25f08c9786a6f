// The loop of every controller: take a key, reconcile it, report the result to the queue.
import type { BackoffOptions } from '../../base/backoff';
import { isConflict } from '../../base/errors';
import { WorkQueue } from '../../client/work-queue';
import type { Deps } from './deps';

/** As client-go's rate limiter: 5 ms, doubled with each failure of a key, up to 1000 s. */
const retry: BackoffOptions = { initialMs: 5, maxMs: 1_000_000 };

/** A queue that logs each failed try once; at debug for conflicts, which only mean "read again". */
export function controllerQueue({ log, clock, onReconcile, queueName }: Deps, backoff = retry): WorkQueue {
  return new WorkQueue({
    clock,
    ...(queueName === undefined ? {} : { name: queueName }),
    backoff,
    onTake: onReconcile,
    onRetry: (key, error, retryMs) =>
      log[isConflict(error) ? 'debug' : 'warn']('reconcile failed', { key, retryMs, error }),
  });
}

export interface WorkerOptions {
  readonly queue: WorkQueue;
  /** How many keys are reconciled at the same time; one key never twice at once. */
  readonly workers?: number;
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<void>;
}

/** Resolves when the signal is aborted and every started reconcile has ended. */
export async function runWorkers({ queue, workers = 1, reconcile }: WorkerOptions, signal: AbortSignal): Promise<void> {
  const work = async () => {
    for await (const key of queue.keys(signal)) {
      await reconcile(key, signal).then(
        () => queue.done(key),
        (err: unknown) => queue.done(key, err),
      );
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
}
