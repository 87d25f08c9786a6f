// Bootstrap tokens: Secrets in kube-system that let a machine in for long enough to get an identity of its own. Format and
// rules: "Authenticating with Bootstrap Tokens" in the reference.
import { timingSafeEqual } from 'node:crypto';
import { readBootstrapToken, tokenSecretKey } from '../../api/bootstrap-token';
import { secrets } from '../../api/index';
import type { Clock } from '../../base/clock';
import { AppError } from '../../base/errors';
import type { Cache } from '../cache/cache';
import type { UserInfo } from '../request';

const form = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const group = 'system:bootstrappers';

/** By its form alone. */
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
    // Compared even where there is none, so that the time taken tells no one which ids exist.
    const same = timingSafeEqual(Buffer.from(secret), Buffer.from(held?.secret ?? nobody));
    if (!held || !same) throw refused(`there is no bootstrap token ${id}, or its secret is another`);
    if (held.problem) throw refused(held.problem);
    if (held.expiresAtMs !== undefined && held.expiresAtMs <= this.clock.now()) throw refused('the token has expired');
    if (!held.usages.includes('authentication')) throw refused('the token is not for authentication');
    return { name: `system:bootstrap:${id}`, groups: [group, ...held.groups, 'system:authenticated'] };
  }
}

/** No secret: upper case is not in the alphabet of tokens. */
const nobody = 'NOBODYNOBODYNOBO';

/** The wire says only "Unauthorized"; the reason stays in the chain of causes. */
const refused = (reason: string) => new AppError('Unauthorized', 'Unauthorized', { cause: new Error(reason) });
