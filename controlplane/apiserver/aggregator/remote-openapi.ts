// The OpenAPI v3 documents of aggregated API servers: their entries in this server's list, and the documents themselves, read when a
// client asks for one.
import { describeError } from '../../base/errors';
import type { Reply } from '../request';
import { pathNotFound, StatusError } from '../status';
import { readAll, streamed } from './answers';
import { aggregatorUser } from './availability';
import { userHeaders } from './proxied-headers';
import type { Remote } from './remote';

const timeoutMs = 5_000;
const maxIndexBytes = 1024 * 1024;

/** The entry of a group version in the list /openapi/v3; undefined when the server has none. @throws Error */
export async function readEntry(remote: Remote, path: string): Promise<string | undefined> {
  const headers = { ...userHeaders(aggregatorUser), accept: 'application/json' };
  const request = { method: 'GET', path: '/openapi/v3', headers, signal: AbortSignal.timeout(timeoutMs) };
  const response = await remote.send(request);
  const body = await readAll(response, maxIndexBytes);
  if (response.statusCode !== 200) return undefined;
  const index = JSON.parse(body.toString()) as { paths?: Record<string, { serverRelativeURL?: unknown } | undefined> };
  const url = index.paths?.[path]?.serverRelativeURL;
  // Another path would lead clients to a document of this server.
  return typeof url === 'string' && url.startsWith(`/openapi/v3/${path}`) ? url : undefined;
}

/** The document of apis/GROUP/VERSION. @throws StatusError 404 when the server has none, 503 when it does not answer */
export async function readDocument(remote: Remote, path: string, search: string): Promise<Reply> {
  const headers = { ...userHeaders(aggregatorUser), accept: 'application/json' };
  const target = `/openapi/v3/${path}${search === '' ? '' : `?${search}`}`;
  const response = await remote.send({ method: 'GET', path: target, headers }).catch((cause: unknown) => {
    throw new StatusError(503, 'ServiceUnavailable', `error trying to reach service: ${describeError(cause)}`);
  });
  if (response.statusCode === 200) return streamed(response);
  response.resume();
  throw pathNotFound();
}
