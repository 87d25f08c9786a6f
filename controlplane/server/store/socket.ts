// The socket by which `k8ts store` reaches a running server: that server alone can open its store.
//
// It is a file in the folder of the store, for its owner only: who can connect can read the store's file as well. So it needs no
// users and no permissions, adds nothing to the API, and no network reaches it.
//
//   POST /copy {"path"}   fills the empty file at this absolute path with a copy of the store
//   POST /compact         drops the history and gives the freed space back
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import { isAbsolute, join } from 'node:path';
import {
  AppError,
  BadRequest,
  Conflict,
  describeError,
  type ErrorCode,
  NotFound,
  Unavailable,
} from '../../base/errors';
import type { Logger } from '../../base/logger';
import { shortSocketPath } from '../../base/socket-path';
import type { Store, StoreFiles } from '../../store/store';

export const socketOf = (dataDir: string): string => join(dataDir, 'store.sock');

const maxBodyBytes = 1 << 16;

export interface Copied {
  /** Everything up to this revision is in the copy, perhaps more. */
  readonly revision: number;
}
export interface Compacted {
  /** The file, or the member of etcd. */
  readonly what: string;
  readonly revision: number;
  readonly before: number;
  readonly after: number;
}

export interface ServedStore {
  readonly dataDir: string;
  readonly store: Store;
  readonly files: StoreFiles;
  readonly log: Logger;
}

type Work = (body: Readonly<Record<string, unknown>>) => Promise<object>;

/** Listens until the signal is aborted. One request at a time. @throws Unavailable */
export async function serveStore({ dataDir, store, files, log }: ServedStore, signal: AbortSignal): Promise<void> {
  const works: Readonly<Record<string, Work>> = {
    '/copy': async ({ path }): Promise<Copied> => {
      if (typeof path !== 'string' || !isAbsolute(path)) throw new BadRequest('path must be an absolute path');
      const revision = await store.revision();
      await files.copyTo(path);
      log.info('the store was copied', { path, revision });
      return { revision };
    },
    '/compact': async (): Promise<Omit<Compacted, 'what'>> => {
      const before = files.size();
      const revision = await store.revision();
      await store.compact(revision);
      await files.giveBack();
      const sizes = { before, after: files.size() };
      log.info('the history of the store was compacted', { revision, ...sizes });
      return { revision, ...sizes };
    },
  };
  let busy = false;
  const answer = async (request: IncomingMessage): Promise<object> => {
    const work = request.method === 'POST' ? works[request.url ?? ''] : undefined;
    if (!work) throw new NotFound(`there is no ${request.method} ${request.url}`);
    const body = await readBody(request);
    if (busy) throw new Conflict('another command works on the store; try again after it');
    busy = true;
    try {
      return await work(body);
    } finally {
      busy = false;
    }
  };
  const server = createServer((request, response) => {
    answer(request).then(
      (result) => response.end(JSON.stringify(result)),
      (error: unknown) => {
        response.statusCode = 500;
        const code: ErrorCode = error instanceof AppError ? error.code : 'Internal';
        response.end(JSON.stringify({ code, message: describeError(error) }));
      },
    );
  });
  const path = socketOf(dataDir);
  const short = await shortSocketPath(path);
  // The store's lock is held: the socket is one of a server that has ended.
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new Unavailable(`cannot listen on ${path}`, { cause })));
    // The socket is made in this call, so it never has more permissions.
    const before = process.umask(0o177);
    server.listen(short.path, () => resolve());
    process.umask(before);
  }).finally(() => short.close());
  signal.addEventListener('abort', () => {
    server.close();
    server.closeAllConnections();
  });
}

async function readBody(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBodyBytes) throw new BadRequest('the body is too long');
    parts.push(part);
  }
  if (size === 0) return {};
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString());
    if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  } catch {
    // The same as JSON that is no object.
  }
  throw new BadRequest('the body is not a JSON object');
}

/** The server's answer; undefined when none runs with this folder. @throws the server's error, Unavailable */
export async function askServer<T>(
  dataDir: string,
  what: string,
  body: object,
  signal: AbortSignal,
): Promise<T | undefined> {
  const path = socketOf(dataDir);
  const short = await shortSocketPath(path);
  try {
    return await new Promise<T | undefined>((resolve, reject) => {
      const failed = (cause: NodeJS.ErrnoException) => {
        // ECONNREFUSED: the socket of a server that has ended.
        if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') resolve(undefined);
        else reject(new Unavailable(`cannot ask the server at ${path}`, { cause }));
      };
      const sent = request({ socketPath: short.path, method: 'POST', path: what, signal }, (response) => {
        readBody(response).then((answer) => {
          if (response.statusCode === 200) return resolve(answer as T);
          const { code, message } = answer as { readonly code: ErrorCode; readonly message: string };
          reject(new AppError(code, `the server at ${path}: ${message}`));
        }, failed);
      });
      sent.on('error', failed);
      sent.end(JSON.stringify(body));
    });
  } finally {
    await short.close();
  }
}
