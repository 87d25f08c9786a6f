// The bootstrap tokens among the Secrets of the cluster.
import { type BootstrapToken, readBootstrapToken, tokenNamespace } from '../../api/bootstrap-token';
import type { Secret } from '../../api/index';
import type { Lister } from '../../client/informer';
import { byNamespace } from './informers';

/** A timer runs for at most 24 days, and a token may be valid for years. So each token is checked at least this often. */
export const maxDelayMs = 3_600_000;

export const tokensOf = (secrets: Lister<Secret>): readonly BootstrapToken[] =>
  secrets.by(byNamespace, tokenNamespace).flatMap((secret) => readBootstrapToken(secret) ?? []);
