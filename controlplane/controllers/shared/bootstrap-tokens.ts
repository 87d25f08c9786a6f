// The bootstrap tokens among the Secrets of the cluster.
import { type BootstrapToken, readBootstrapToken, tokenNamespace } from '../../api/bootstrap-token';
import type { Secret } from '../../api/index';
import type { Lister } from '../../client/informer';
import { byNamespace } from './informers';

/** A timer counts to 24 days at most; a token may live for years. So it is looked at again at least this often. */
export const maxDelayMs = 3_600_000;

export const tokensOf = (secrets: Lister<Secret>): readonly BootstrapToken[] =>
  secrets.by(byNamespace, tokenNamespace).flatMap((secret) => readBootstrapToken(secret) ?? []);
