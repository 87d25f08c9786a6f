// The path and the query of a request to the kubelet. Pure.
import { BadRequest } from '../../../controlplane/base/errors';

export interface RequestPath {
  readonly pathname: string;
  /** The parts between slashes, decoded. An encoded slash stays inside its segment. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** Does not use URL, which would parse `//a/b` as a host. @throws BadRequest for an invalid encoding */
export function parseRequestPath(url: string): RequestPath {
  const mark = url.indexOf('?');
  const pathname = mark < 0 ? url : url.slice(0, mark);
  const segments = pathname.split('/').slice(1).map(decodeSegment);
  return { pathname, segments, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new BadRequest(`invalid path segment ${JSON.stringify(segment)}`, { cause });
  }
}
