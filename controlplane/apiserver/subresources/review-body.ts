// The bodies of reviews: kinds that are answered and never stored.
import type { KubeObject } from '../../api/types';
import { BadRequest } from '../../base/errors';
import { jsonReply, type Reply } from '../request';
import { type RestRequest, readObject } from '../rest/context';
import { type OwnerDeps, trackOwners } from '../rest/field-manager';

export type Fields = Record<string, unknown>;

export interface Review {
  readonly metadata: Fields;
  readonly spec: Fields;
}

/** In the namespace of the path and with its writer as owner, as every new object. @throws BadRequest, Invalid */
export async function readReview(deps: OwnerDeps, rest: RestRequest): Promise<Review> {
  const { kind, namespace } = rest.route;
  const review: KubeObject & { readonly spec?: Fields } = await readObject(rest, kind);
  setNamespace(review, kind.namespaced ? namespace : '');
  await trackOwners(deps, rest, kind, review, undefined);
  return { metadata: { ...review.metadata }, spec: review.spec ?? {} };
}

/** The review as it was sent, with its status. */
export function reviewReply({ route }: RestRequest, { metadata, spec }: Review, status: Fields): Reply {
  const { kind, apiVersion } = route.kind;
  return jsonReply({ kind, apiVersion, metadata, spec, status }, 201);
}

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function setNamespace(review: KubeObject, namespace: string): void {
  const { namespace: sent = namespace, ...metadata } = review.metadata ?? {};
  if (namespace !== '' && sent !== namespace) {
    throw new BadRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  review.metadata = namespace === '' ? metadata : { ...metadata, namespace };
}
