// What both commands read: one JSON object with the name of the node and its pods.
import { json as readJson } from 'node:stream/consumers';
import { BadRequest, describeError } from '../../controlplane/base/errors';
import type { LocalPod } from '../../dataplane/hops/pod-view';

/** @throws BadRequest for text that is no JSON, or without these fields */
export async function readInput<
  T extends { readonly nodeName: string; readonly pods: readonly LocalPod[] },
>(): Promise<T> {
  let input: unknown;
  try {
    input = await readJson(process.stdin);
  } catch (cause) {
    throw new BadRequest(`standard input is no JSON: ${describeError(cause)}`, { cause });
  }
  const { nodeName, pods } = (input ?? {}) as Partial<T>;
  if (typeof nodeName !== 'string' || !Array.isArray(pods))
    throw new BadRequest('expected nodeName and pods; see --help');
  return input as T;
}
