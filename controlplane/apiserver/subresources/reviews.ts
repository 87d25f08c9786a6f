// The handlers of all reviews, by the resource that is requested.
import type { Authenticator } from '../authn/authenticator';
import type { SubresourceHandler } from '../servers/kind-server';
import { type AccessDeps, accessReviews } from './access-review';
import { identityReviews } from './token-review';

export interface ReviewDeps extends AccessDeps {
  readonly authenticator: Authenticator;
}

/** By plural.group, for KindServer's virtual kinds. */
export const reviewHandlers = (deps: ReviewDeps): ReadonlyMap<string, SubresourceHandler> =>
  new Map([...identityReviews(deps.authenticator), ...accessReviews(deps)]);
