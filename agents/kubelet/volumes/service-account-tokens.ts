// Tokens for projected volumes by TokenRequest, bound to the pod, renewed at 80 % of their life.
import type { Pod } from '../../../controlplane/api';
import { serviceAccounts } from '../../../controlplane/api';
import type { Clock } from '../../../controlplane/base/clock';
import type { Client } from '../../../controlplane/client/client';
import type { DesiredToken } from './payload';

const renewAt = 0.8;
const dayMs = 86_400_000;

interface Held {
  readonly token: string;
  readonly expirationTimestamp: string;
  readonly renewAtMs: number;
}
interface TokenAnswer {
  readonly status?: { readonly token?: string; readonly expirationTimestamp?: string };
}

export class ServiceAccountTokens {
  private readonly held = new Map<string, Held>();

  constructor(private readonly deps: { readonly client: Client; readonly clock: Clock }) {}

  /** A token that is still valid for a while; undefined before fetch() has one. */
  peek(pod: Pod, desired: DesiredToken): string | undefined {
    return this.held.get(keyOf(pod, desired))?.token;
  }

  /** The same, as a TokenRequest's status. */
  peekStatus(pod: Pod, desired: DesiredToken): Pick<Held, 'token' | 'expirationTimestamp'> | undefined {
    const held = this.held.get(keyOf(pod, desired));
    return held && { token: held.token, expirationTimestamp: held.expirationTimestamp };
  }

  /** Requests a token that is missing or due for renewal; resolves to the time of the next renewal. @throws what the API answers */
  async fetch(pod: Pod, desired: DesiredToken, signal: AbortSignal): Promise<number> {
    const key = keyOf(pod, desired);
    const now = this.deps.clock.now();
    const known = this.held.get(key);
    if (known && known.renewAtMs > now) return known.renewAtMs;
    const { namespace, name, uid } = pod.metadata ?? {};
    const account = pod.spec?.serviceAccountName || 'default';
    const answer = await this.deps.client.post<TokenAnswer>(
      serviceAccounts,
      `${namespace}/${account}`,
      'token',
      {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {
          ...(desired.audience ? { audiences: [desired.audience] } : {}),
          expirationSeconds: desired.expirationSeconds,
          boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
        },
      },
      signal,
    );
    const expires = Date.parse(answer.status?.expirationTimestamp ?? '') || now + desired.expirationSeconds * 1000;
    const renewAtMs = Math.min(now + (expires - now) * renewAt, now + dayMs);
    const { token = '', expirationTimestamp = '' } = answer.status ?? {};
    this.held.set(key, { token, expirationTimestamp, renewAtMs });
    return renewAtMs;
  }

  forgetPod(podUid: string): void {
    for (const key of this.held.keys()) if (key.startsWith(`${podUid}\0`)) this.held.delete(key);
  }
}

const keyOf = (pod: Pod, { audience = '', expirationSeconds }: DesiredToken): string =>
  `${pod.metadata?.uid}\0${audience}\0${expirationSeconds}`;
