// An exec or attach session over either protocol: runs the handler, then sends the client the outcome.

import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { describeError } from '../../../controlplane/base/errors';
import type { Logger } from '../../../controlplane/base/logger';
import type { RemoteIo, StreamingHandlers } from './handlers';
import type { StreamingRequest } from './requests';
import { type Outcome, renderStatus } from './status';
import type { ResizeFeed } from './terminal-size';

/** Clients without a terminal send no size: the session waits no longer than this for one. */
export const firstSizeWaitMs = 100;

export interface RemoteSession {
  readonly io: RemoteIo;
  readonly protocolVersion: number;
  readonly sizes: ResizeFeed;
  /** The stream for the final status. */
  readonly error: Writable;
  /** Ends the connection after everything written before. */
  close(): void;
}

export type RemoteCommand = Exclude<StreamingRequest, { kind: 'portForward' }>;

/** Never throws: the client gets the handler's failure. */
export async function runSession(
  command: RemoteCommand,
  session: RemoteSession,
  handlers: StreamingHandlers,
  log: Logger,
): Promise<void> {
  const { io, error, protocolVersion } = session;
  // A program on a terminal asks for its size at once; clients send it right after they have opened their streams.
  if (command.request.tty) await session.sizes.first(firstSizeWaitMs);
  const outcome = await runHandler(command, io, handlers);
  if ('error' in outcome && !io.signal.aborted) {
    const { namespace, pod, container } = command.request;
    log.info('session failed', { kind: command.kind, pod: `${namespace}/${pod}`, container, error: outcome.error });
  }
  try {
    // All output before the status: clients stop reading when they have the status.
    await Promise.all([io.stdout, io.stderr].map((stream) => stream && finish(stream)));
    const status = renderStatus(outcome, protocolVersion);
    if (status !== '') error.write(status);
    await finish(error);
  } catch (err) {
    log.debug('client left before the end of its session', { error: describeError(err) });
  }
  session.close();
}

async function runHandler(command: RemoteCommand, io: RemoteIo, handlers: StreamingHandlers): Promise<Outcome> {
  try {
    if (command.kind === 'exec') return { exitCode: await handlers.exec(command.request, io) };
    await handlers.attach(command.request, io);
    return { exitCode: 0 };
  } catch (err) {
    return { error: describeError(err), doing: command.kind };
  }
}

async function finish(stream: Writable): Promise<void> {
  if (stream.writableFinished || stream.destroyed) return;
  const done = finished(stream, { readable: false });
  stream.end();
  await done;
}
