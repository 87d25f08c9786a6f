// Tokens of Secrets of type kubernetes.io/service-account-token: accepted while Secret and ServiceAccount exist and the Secret has this
// token. The day of the last use becomes a label of the Secret.
import { timingSafeEqual } from 'node:crypto';
import { type Secret, secrets, serviceAccounts } from '../../api/index';
import { invalidSinceLabel, lastUsedLabel, legacyIssuer, readLegacyClaims } from '../../api/service-account-token';
import { objectKey } from '../../api/types';
import type { Clock } from '../../base/clock';
import { AppError } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Client } from '../../client/client';
import { WorkQueue } from '../../client/work-queue';
import type { Claims } from '../../pki/jwt';
import type { Cache } from '../cache/cache';
import type { UserInfo } from '../request';

/** Bound tokens may have the same issuer, by option. */
export const isLegacy = (claims: Claims): boolean =>
  claims.iss === legacyIssuer && claims['kubernetes.io'] === undefined;

const dayMs = 24 * 3_600_000;

export class LegacyTokens {
  private readonly used: WorkQueue;

  constructor(
    private readonly cache: Cache,
    private readonly clock: Clock,
  ) {
    this.used = new WorkQueue({ name: 'legacy_token_tracking_controller', clock });
  }

  /** `claims`: of this token, whose signature is good. @throws Unauthorized with the reason in its chain of causes */
  userOf(token: string, claims: Claims): UserInfo {
    const legacy = readLegacyClaims(claims);
    if (!legacy) throw refused('the claims of the token are incomplete');
    const { namespace, account: name, uid } = legacy;
    const secret = this.cache.kind(secrets).get(`${namespace}/${legacy.secret}`)?.object;
    if (!secret || secret.metadata?.deletionTimestamp) throw refused('the Secret of the token does not exist');
    if (!isSame(secret.data?.['token'], token)) throw refused('the Secret has another token');
    const account = this.cache.kind(serviceAccounts).get(`${namespace}/${name}`)?.object.metadata;
    if (!account || account.deletionTimestamp) throw refused(`serviceaccount ${namespace}/${name} does not exist`);
    if (account.uid !== uid) throw refused('the token was issued for an earlier account of this name');
    if (this.lacksDay(secret)) this.used.add(objectKey(secret));
    if (secret.metadata?.labels?.[invalidSinceLabel]) throw refused('the token has been marked invalid');
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
    return { name: `system:serviceaccount:${namespace}:${name}`, uid, groups };
  }

  /** Writes the labels, at most one for a Secret and a day. Runs until the signal is aborted; no request waits for it. */
  async recordUses({ client, log }: { client: Client; log: Logger }, signal: AbortSignal): Promise<void> {
    for await (const key of this.used.keys(signal)) {
      await this.recordUse(client, key, signal).catch((error: unknown) => {
        // The next use of the token tries again.
        log.debug('the last use of a token was not recorded', { key, error });
      });
      this.used.done(key);
    }
  }

  private async recordUse(client: Client, key: string, signal: AbortSignal): Promise<void> {
    const secret = this.cache.kind(secrets).get(key)?.object;
    if (!secret || !this.lacksDay(secret)) return;
    const labels = { [lastUsedLabel]: this.day(0) };
    await client.patch(secrets, key, 'merge', { metadata: { uid: secret.metadata?.uid, labels } }, { signal });
  }

  /** Tomorrow counts too: clocks of servers differ. */
  private lacksDay({ metadata }: Secret): boolean {
    const day = metadata?.labels?.[lastUsedLabel];
    return day !== this.day(0) && day !== this.day(dayMs);
  }

  private day(laterMs: number): string {
    return new Date(this.clock.now() + laterMs).toISOString().slice(0, 10);
  }
}

function isSame(data: string | undefined, token: string): boolean {
  const held = Buffer.from(data ?? '', 'base64');
  const given = Buffer.from(token);
  return held.length === given.length && timingSafeEqual(held, given);
}

/** The client reads only "Unauthorized"; the reason stays in the chain of causes. */
const refused = (reason: string) => new AppError('Unauthorized', 'Unauthorized', { cause: new Error(reason) });
