// The bodies of reviews: kinds that are answered and never stored.
import type { KubeObject } from '../../api/types';
import { jsonReply, type Reply } from '../request';
import { type RestRequest, readObject } from '../rest/context';

export type Fields = Record<string, unknown>;

export interface Review {
  readonly metadata: Fields;
  readonly spec: Fields;
}

export async function readReview(rest: RestRequest): Promise<Review> {
  const { metadata, spec = {} } = (await readObject(rest, rest.route.kind)) as KubeObject & { readonly spec?: Fields };
  return { metadata: { ...metadata }, spec };
}

/** The review as it was sent, with its status. */
export function reviewReply({ route }: RestRequest, { metadata, spec }: Review, status: Fields): Reply {
  const { kind, apiVersion } = route.kind;
  return jsonReply({ kind, apiVersion, metadata, spec, status }, 201);
}

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
