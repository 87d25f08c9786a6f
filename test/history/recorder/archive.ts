// Watches that together see every event of a resource, from the beginning to the end of a history.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Revision, reached } from '../model/history';
import type { Connection } from './connection';
import type { Recorder } from './recorder';

export interface ArchiveOptions {
  readonly client: number;
  readonly scope: string;
  readonly start: Revision;
  readonly recorder: Recorder;
  readonly connections: readonly Connection[];
  /** Rejects the wait for the end when it takes too long. */
  readonly signal: AbortSignal;
}
const restMs = 50;

/**
 * Resumes from the last revision until it has passed the one that `end` gives. After a compaction it goes on from a new list: then the
 * history has a hole. @throws the reason of the signal
 */
export async function archive(options: ArchiveOptions, end: Promise<Revision>): Promise<void> {
  const { client, scope, start, recorder, connections, signal } = options;
  let last = start;
  let target = Number.POSITIVE_INFINITY;
  void end.then(
    (revision) => {
      target = revision;
    },
    () => {},
  );
  for (let turn = -client; last < target; turn++) {
    signal.throwIfAborted();
    const server = turn % connections.length;
    const asker = { client, server, connection: connections[server]! };
    // Short, since a watch that ends sends a bookmark of the newest revision.
    const watch = await recorder.watch(
      asker,
      { scope, from: last, timeoutSeconds: target < Number.POSITIVE_INFINITY ? 1 : 5 },
      signal,
    );
    last = reached(watch);
    if (watch.status === 410) {
      const { pages } = await recorder.list(asker, { scope, match: 'newest' });
      last = pages[0]?.revision ?? last;
    }
    if (watch.outcome !== 'done') await sleep(restMs);
  }
}
