// Bootstrap tokens: Secrets in kube-system with which a new machine asks for an identity of its own. Format and rules:
// "Authenticating with Bootstrap Tokens" in the reference.
import { timingSafeEqual } from 'node:crypto';
import { readBootstrapToken, tokenSecretKey } from '../../api/bootstrap-token';
import { secrets } from '../../api/index';
import type { Clock } from '../../base/clock';
import { AppError } from '../../base/errors';
import type { Cache } from '../cache/cache';
import type { UserInfo } from '../request';

const form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const group = 'system:bootstrappers';

/** Checks only the form of the token. */
export const isBootstrapToken = (token: string): boolean => form.test(token);

export class BootstrapTokens {
  constructor(
    private readonly cache: Cache,
    private readonly clock: Pick<Clock, 'now'>,
  ) {}

  /** @throws Unauthorized with the reason in its chain of causes */
  authenticate(token: string): UserInfo {
    const [, id = '', secret = ''] = form.exec(token) ?? [];
    const found = this.cache.kind(secrets).get(tokenSecretKey(id))?.object;
    const held = found && readBootstrapToken(found);
    // Compare even when no such token exists: the time taken must not show which ids exist.
    const same = timingSafeEqual(Buffer.from(secret), Buffer.from(held?.secret ?? nobody));
    if (!held || !same) throw refused(`there is no bootstrap token ${id}, or its secret is another`);
    if (held.problem) throw refused(held.problem);
    if (held.expiresAtMs !== undefined && held.expiresAtMs <= this.clock.now()) throw refused('the token has expired');
    if (!held.usages.includes('authentication')) throw refused('the token is not for authentication');
    return { name: `system:bootstrap:${id}`, groups: [group, ...held.groups, 'system:authenticated'] };
  }
}

/** No token has this secret: tokens have no upper-case letters. */
const nobody = 'NOBODYNOBODYNOBO';

/** The client reads only "Unauthorized"; the reason stays in the chain of causes. */
const refused = (reason: string) => new AppError('Unauthorized', 'Unauthorized', { cause: new Error(reason) });
