// The handlers of all reviews, by the resource that is requested.
import type { SubresourceHandler } from '../servers/kind-server';
import { type AccessDeps, accessReviews } from './access-review';
import { type IdentityDeps, identityReviews } from './token-review';

export type ReviewDeps = AccessDeps & IdentityDeps;

/** By plural.group, for KindServer's virtual kinds. */
export const reviewHandlers = (deps: ReviewDeps): ReadonlyMap<string, SubresourceHandler> =>
  new Map([...identityReviews(deps), ...accessReviews(deps)]);
