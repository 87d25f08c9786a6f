// Authorization by a program outside the server: it gets a SubjectAccessReview and answers yes, no, or has no opinion. Source:
// "Webhook Mode" in the reference of authorization.
//
// Decisions here are synchronous, and a call is not: prepare() asks and keeps the answer, the decision reads what is kept. An answer
// counts as long as its time to live; so most requests cause no call. A failed call is no opinion, as upstream.
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock';
import { describeError } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { Transport } from '../../client/client';
import type { UserInfo } from '../request';
import { isRecord } from '../rest/decode';
import type { Asked, Authorizer, ResourceAttributes } from './authorizer';

export interface WebhookConfig {
  readonly transport: Transport;
  /** '' when the URL of the transport has a path of its own. */
  readonly path: string;
  /** Of authorization.k8s.io; v1beta1 is upstream's default. */
  readonly version: 'v1' | 'v1beta1';
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
}

interface Answer {
  readonly allowed: boolean;
  readonly denied: boolean;
  readonly reason: string;
  readonly untilMs: number;
}

const maxAnswers = 8_192;
/** An answer must outlive the request that asked for it, whatever its time to live is. */
const minTtlMs = 1_000;
const timeoutMs = 10_000;
const maxAnswerBytes = 1024 * 1024;
const noOpinion = { allowed: false, denied: false, reason: '' };

export class WebhookAuthorizer implements Authorizer {
  private readonly answers = new Map<string, Answer>();
  private readonly asking = new Map<string, Promise<void>>();

  constructor(
    private readonly config: WebhookConfig,
    private readonly deps: { readonly clock: Pick<Clock, 'now'>; readonly log: Logger },
  ) {}

  prepare(user: UserInfo, asked: Asked): Promise<void> | undefined {
    const spec = specOf(user, asked, this.config.version);
    const key = keyOf(spec);
    if (this.current(key)) return undefined;
    let asking = this.asking.get(key);
    if (!asking) {
      asking = this.ask(key, spec).finally(() => this.asking.delete(key));
      this.asking.set(key, asking);
    }
    return asking;
  }

  allowsResource(user: UserInfo, attributes: ResourceAttributes): boolean {
    return this.answerOf(user, attributes)?.allowed ?? false;
  }

  allowsPath(user: UserInfo, verb: string, path: string): boolean {
    return this.answerOf(user, { verb, path })?.allowed ?? false;
  }

  denies(user: UserInfo, asked: Asked): boolean {
    return this.answerOf(user, asked)?.denied ?? false;
  }

  explain(user: UserInfo, asked: Asked): string {
    return this.answerOf(user, asked)?.reason ?? '';
  }

  explainDenial(user: UserInfo, asked: Asked): string {
    return this.explain(user, asked);
  }

  private answerOf(user: UserInfo, asked: Asked): Answer | undefined {
    return this.current(keyOf(specOf(user, asked, this.config.version)));
  }

  private current(key: string): Answer | undefined {
    const answer = this.answers.get(key);
    return answer && this.deps.clock.now() < answer.untilMs ? answer : undefined;
  }

  /** Never rejects. */
  private async ask(key: string, spec: object): Promise<void> {
    try {
      const answer = await this.call(spec);
      const { authorizedTtlMs, unauthorizedTtlMs } = this.config;
      this.keep(key, answer, answer.allowed ? authorizedTtlMs : unauthorizedTtlMs);
    } catch (error) {
      this.deps.log.error('the authorization webhook failed; it has no opinion then', { error: describeError(error) });
      this.keep(key, noOpinion, 0);
    }
  }

  private keep(key: string, answer: Omit<Answer, 'untilMs'>, ttlMs: number): void {
    if (this.answers.size >= maxAnswers) this.answers.delete(this.answers.keys().next().value!);
    this.answers.set(key, { ...answer, untilMs: this.deps.clock.now() + Math.max(ttlMs, minTtlMs) });
  }

  private async call(spec: object): Promise<Omit<Answer, 'untilMs'>> {
    const { transport, path, version } = this.config;
    const { status, body } = await transport.send({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ apiVersion: `authorization.k8s.io/${version}`, kind: 'SubjectAccessReview', spec }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await readAll(body);
    if (status < 200 || status > 299) throw new Error(`status ${status}`);
    const review: unknown = JSON.parse(text);
    const answer = isRecord(review) ? review['status'] : undefined;
    if (!isRecord(answer)) throw new Error('the answer is no SubjectAccessReview with a status');
    const denied = answer['denied'] === true;
    const reason = typeof answer['reason'] === 'string' ? answer['reason'] : '';
    // Both is an error of the webhook, and no wins.
    return { allowed: answer['allowed'] === true && !denied, denied, reason };
  }
}

async function readAll(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxAnswerBytes) throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Of fixed length: the caller chooses the texts. */
const keyOf = (spec: object): string => createHash('sha256').update(JSON.stringify(spec)).digest('base64');

function specOf({ name, uid, groups, extra }: UserInfo, asked: Asked, version: WebhookConfig['version']): object {
  return {
    ...('path' in asked
      ? { nonResourceAttributes: { path: asked.path, verb: asked.verb } }
      : { resourceAttributes: resourceOf(asked) }),
    user: name,
    // The older version has another name for it.
    ...(version === 'v1' ? { groups } : { group: groups }),
    ...(extra ? { extra } : {}),
    ...(uid ? { uid } : {}),
  };
}

function resourceOf({
  namespace,
  verb,
  group,
  version = '*',
  resource,
  subresource,
  name,
  selectedName,
}: ResourceAttributes) {
  const target = name !== '' ? name : (selectedName ?? '');
  const fields = { namespace, verb, group, version, resource, subresource, name: target };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
