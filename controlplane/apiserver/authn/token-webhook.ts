// Authentication by a program outside the server: it gets a TokenReview for a bearer token that nothing else here knows, and answers
// with the user. Source: "Webhook Token Authentication" in the reference of authentication.
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock';
import { describeError } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Transport } from '../../client/client';
import type { UserInfo } from '../request';
import { isRecord } from '../rest/decode';
import { askReview } from '../review-call';
import type { TokenUser } from './authenticator';

export interface TokenWebhookConfig {
  readonly transport: Transport;
  /** '' when the URL of the transport has a path of its own. */
  readonly path: string;
  /** Of authentication.k8s.io; v1beta1 is upstream's default. */
  readonly version: 'v1' | 'v1beta1';
  /** How long an answer counts, a refusal too. */
  readonly ttlMs: number;
}

interface Answer {
  /** Undefined: the token is refused. */
  readonly user: TokenUser | undefined;
  readonly untilMs: number;
}

const maxAnswers = 8_192;
const timeoutMs = 30_000;
/** No header of a request is longer, but the token of a TokenReview can be. */
const maxTokenBytes = 64 * 1024;

export class TokenWebhook {
  private readonly answers = new Map<string, Answer>();
  private readonly asking = new Map<string, Promise<TokenUser | undefined>>();

  constructor(
    private readonly config: TokenWebhookConfig,
    private readonly deps: { readonly clock: Pick<Clock, 'elapsed' | 'sleep'>; readonly log: Logger },
  ) {}

  /** Undefined when the program does not know the token, or fails. Never rejects. */
  async authenticate(token: string, audiences: readonly string[]): Promise<TokenUser | undefined> {
    if (Buffer.byteLength(token) > maxTokenBytes) return undefined;
    // The token itself is not kept.
    const key = createHash('sha256')
      .update(JSON.stringify([token, audiences]))
      .digest('base64');
    const known = this.answers.get(key);
    if (known && this.deps.clock.elapsed() < known.untilMs) return known.user;
    let asking = this.asking.get(key);
    if (!asking) {
      asking = this.ask(key, token, audiences).finally(() => this.asking.delete(key));
      this.asking.set(key, asking);
    }
    return asking;
  }

  private async ask(key: string, token: string, audiences: readonly string[]): Promise<TokenUser | undefined> {
    const { transport, path, version, ttlMs } = this.config;
    const target = { transport, path, apiVersion: `authentication.k8s.io/${version}`, kind: 'TokenReview', timeoutMs };
    try {
      const user = readUser(await askReview(target, { token, audiences }, this.deps.clock), audiences);
      if (this.answers.size >= maxAnswers) this.answers.delete(this.answers.keys().next().value!);
      this.answers.set(key, { user, untilMs: this.deps.clock.elapsed() + ttlMs });
      return user;
    } catch (error) {
      this.deps.log.error('the webhook of tokens failed; the token is refused', { error: describeError(error) });
      return undefined;
    }
  }
}

/** @throws Error for an answer whose user is none */
function readUser(status: Readonly<Record<string, unknown>>, asked: readonly string[]): TokenUser | undefined {
  if (status['authenticated'] !== true) return undefined;
  const { user } = status;
  if (!isRecord(user)) throw new Error('the answer has no user');
  const { username = '', uid = '', extra = {} } = user;
  if (typeof username !== 'string' || typeof uid !== 'string' || !isRecord(extra)) {
    throw new Error('the user of the answer has a wrong type');
  }
  const given = texts(status['audiences']);
  // A program that knows nothing of audiences answers for this server.
  const audiences = given.length === 0 ? [...asked] : asked.filter((audience) => given.includes(audience));
  if (audiences.length === 0) return undefined;
  const found: UserInfo = {
    name: username,
    ...(uid === '' ? {} : { uid }),
    groups: withAuthenticated(texts(user['groups'])),
    ...(Object.keys(extra).length === 0
      ? {}
      : { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, texts(values)])) }),
  };
  return { user: found, audiences };
}

const authenticated = 'system:authenticated';
const withAuthenticated = (groups: readonly string[]): string[] =>
  groups.includes(authenticated) ? [...groups] : [...groups, authenticated];

/** @throws Error for anything but a list of texts */
function texts(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every((one): one is string => typeof one === 'string')) {
    throw new Error('the answer has something else where a list of texts belongs');
  }
  return value;
}
