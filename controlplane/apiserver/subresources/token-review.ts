// TokenReview and SelfSubjectReview: who is the owner of a token, who am I.
import { formatTime } from '../../base/clock';
import { BadRequest, describeError, hasCode } from '../../base/errors';
import { isMalformed } from '../../pki/jwt';
import type { Authenticator } from '../authn/authenticator';
import { jsonReply, type Reply, type UserInfo } from '../request';
import type { RestRequest } from '../rest/context';
import type { OwnerDeps } from '../rest/field-manager';
import type { SubresourceHandler } from '../servers/kind-server';
import { type Fields, readReview, reviewReply, text, texts } from './review-body';

export interface IdentityDeps {
  readonly authenticator: Authenticator;
  readonly owners: OwnerDeps;
}

export function identityReviews(deps: IdentityDeps): readonly (readonly [string, SubresourceHandler])[] {
  return [
    ['tokenreviews.authentication.k8s.io', (rest) => reviewToken(deps, rest)],
    ['selfsubjectreviews.authentication.k8s.io', (rest) => reviewSelf(deps, rest)],
  ];
}

async function reviewToken({ authenticator, owners }: IdentityDeps, rest: RestRequest): Promise<Reply> {
  const review = await readReview(owners, rest);
  const token = text(review.spec['token']);
  if (token === '') throw new BadRequest('token is required for TokenReview in authentication');
  const asked = texts(review.spec['audiences']);
  return reviewReply(rest, review, await statusOf(authenticator, token, asked.length > 0 ? asked : undefined));
}

async function statusOf(authenticator: Authenticator, token: string, asked: readonly string[] | undefined) {
  try {
    const { user, audiences } = await authenticator.tokenUser(token, asked);
    return { authenticated: true, user: userFields(user), audiences };
  } catch (err) {
    if (!hasCode(err, 'Unauthorized')) throw err;
    return { user: {}, error: errorText(err) };
  }
}

/** As upstream: what is no token of any issuer has no reason. */
function errorText(err: unknown): string {
  return isMalformed(err) ? 'invalid bearer token' : `[invalid bearer token, ${reasonOf(err)}]`;
}

/** Without the word that hides the reason from clients. */
const reasonOf = (err: unknown): string => {
  const cause = err instanceof Error ? err.cause : undefined;
  return cause instanceof Error ? describeError(cause) : describeError(err);
};

async function reviewSelf({ owners }: IdentityDeps, rest: RestRequest): Promise<Reply> {
  await readReview(owners, rest);
  const { kind, apiVersion } = rest.route.kind;
  const metadata = { creationTimestamp: formatTime(Date.now()) };
  return jsonReply({ kind, apiVersion, metadata, status: { userInfo: userFields(rest.request.user) } }, 201);
}

function userFields({ name, uid, groups, extra }: UserInfo): Fields {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}
