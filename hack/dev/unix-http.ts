// JSON over HTTP on a unix socket: the supervisor's control socket and a node's Docker engine.
import { request } from 'node:http';
import { AppError, Unavailable } from '../../controlplane/base/errors';

export interface UnixRequest {
  readonly socketPath: string;
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

/** @throws as requestText */
export async function requestJson<T>(request: UnixRequest): Promise<T> {
  const text = await requestText(request);
  return (text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text) as T;
}

/** @throws Unavailable without an answer, AppError with the answer's text for a status of 400 or more */
export function requestText({
  socketPath,
  method = 'GET',
  path,
  body,
  timeoutMs = 60_000,
}: UnixRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error) => reject(new Unavailable(`no answer on ${socketPath}`, { cause }));
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = text === undefined ? {} : { 'content-type': 'application/json' };
    const call = request({ socketPath, method, path, headers, timeout: timeoutMs }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', onError);
      response.once('end', () => {
        const answer = Buffer.concat(chunks).toString('utf8').trim();
        const status = response.statusCode ?? 0;
        if (status >= 400) reject(new AppError('Internal', `${method} ${path}: ${status} ${answer}`));
        else resolve(answer);
      });
    });
    call.once('timeout', () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    call.once('error', onError);
    call.end(text);
  });
}
