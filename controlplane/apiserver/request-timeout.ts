// The `timeout` in the query of a request. Only its form is checked: each part of an answer has a deadline of its own.
import { goDurationError } from '../base/duration';
import { BadRequest } from '../base/errors';
import { isLongRunning, requestInfo } from './audit/request-info';
import type { ApiRequest } from './request';

/** As upstream, streams have no timeout, and all other requests are refused before anything else is looked at. @throws BadRequest */
export function checkTimeout({ method, path, search }: Pick<ApiRequest, 'method' | 'path' | 'search'>): void {
  // Most requests have none, and need no parsing.
  if (!search.includes('timeout=')) return;
  const query = new URLSearchParams(search);
  const wrong = goDurationError(query.get('timeout') || '0');
  if (!wrong || isLongRunning(requestInfo(method, path, query))) return;
  throw new BadRequest(`invalid timeout specified in the request URL - ${wrong}`);
}
