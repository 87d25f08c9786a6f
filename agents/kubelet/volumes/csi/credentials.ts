// Secrets and tokens that a driver gets with a call.
import { type CSIDriver, type Pod, secrets } from '../../../../controlplane/api';
import { AppError, describeError } from '../../../../controlplane/base/errors';
import type { Client } from '../../../../controlplane/client/client';
import type { ServiceAccountTokens } from '../service-account-tokens';
import type { CsiUse } from './use';

type Strings = Readonly<Record<string, string>>;
const tokensKey = 'csi.storage.k8s.io/serviceAccount.tokens';
const defaultTokenSeconds = 3600;

export interface CredentialDeps {
  readonly client: Pick<Client, 'get'>;
  readonly tokens: Pick<ServiceAccountTokens, 'fetch' | 'peekStatus'>;
}

/** The data of a Secret. `what`: the field that names it. @throws with upstream's words */
export async function secretData(
  { client }: CredentialDeps,
  what: string,
  ref: CsiUse['stageSecret'],
  signal: AbortSignal | undefined,
): Promise<Strings> {
  if (!ref) return {};
  const key = `${ref.namespace}/${ref.name}`;
  try {
    const { data = {} } = await client.get(secrets, key, signal);
    return Object.fromEntries(
      Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString('utf8')]),
    );
  } catch (cause) {
    throw new AppError('Unavailable', `fetching ${what} ${key} failed: ${describeError(cause)}`, { cause });
  }
}

export interface PodTokens {
  readonly attributes: Strings;
  readonly secrets: Strings;
  /** When the first of them is due for renewal, in ms since the epoch. */
  readonly renewAtMs: number | undefined;
}

/** The tokens of the pod's ServiceAccount that the driver's object asks for. @throws what the API answers */
export async function podTokens(
  { tokens }: CredentialDeps,
  driver: CSIDriver | undefined,
  pod: Pod,
  signal: AbortSignal,
): Promise<PodTokens> {
  const requests = driver?.spec?.tokenRequests ?? [];
  if (requests.length === 0) return { attributes: {}, secrets: {}, renewAtMs: undefined };
  const times: number[] = [];
  const statuses: Record<string, unknown> = {};
  for (const { audience = '', expirationSeconds = defaultTokenSeconds } of requests) {
    const desired = audience === '' ? { expirationSeconds } : { audience, expirationSeconds };
    times.push(await tokens.fetch(pod, desired, signal));
    statuses[audience] = tokens.peekStatus(pod, desired);
  }
  const told = { [tokensKey]: JSON.stringify(statuses) };
  const isSecret = driver?.spec?.serviceAccountTokenInSecrets === true;
  return {
    attributes: isSecret ? {} : told,
    secrets: isSecret ? told : {},
    renewAtMs: Math.min(...times),
  };
}
