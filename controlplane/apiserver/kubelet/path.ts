// Builds paths of the kubelet's server from a user's input: no input may lead to another path. Pure.
import { BadRequest } from '../../base/errors';

/** `/exec/NAMESPACE/POD/CONTAINER`: each part stays one segment. */
export const kubeletPath = (action: string, ...parts: readonly string[]): string =>
  ['', action, ...parts.map(encodeURIComponent)].join('/');

/**
 * The path below nodes/NAME/proxy as sent to the kubelet: `.` and `..` are resolved here, and never above the root, so that
 * the kubelet gets the path that was authorized. @throws BadRequest
 */
export function cleanPath(raw: string): string {
  const clean: string[] = [];
  for (const segment of raw.split('/').map(decodeSegment)) {
    if (segment === '..') clean.pop();
    else if (segment !== '' && segment !== '.') clean.push(encodeURIComponent(segment));
  }
  const path = `/${clean.join('/')}`;
  return raw.endsWith('/') && path !== '/' ? `${path}/` : path;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new BadRequest(`invalid path segment ${JSON.stringify(segment)}`, { cause });
  }
}
