// Authorization by a program outside the server: it gets a SubjectAccessReview and answers yes, no, or has no opinion. Source:
// "Webhook Mode" in the reference of authorization.
//
// Decisions here are synchronous, and a call is not: prepare() asks and keeps the answer, the decision reads what is kept. An answer
// counts as long as its time to live; so most requests cause no call. A failed call is no opinion or a refusal, as configured.
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock';
import { describeError } from '../../base/errors';
import type { Logger } from '../../base/logger';
import type { CelProgram } from '../../cel/engine';
import type { Transport } from '../../client/client';
import type { UserInfo } from '../request';
import { askReview } from '../review-call';
import type { Asked, Authorizer, ResourceAttributes } from './authorizer';
import { matchConditions, nameAsked } from './conditions';
import { fieldRequirements, labelRequirements } from './selectors';

export interface WebhookConfig {
  /** For the log. */
  readonly name: string;
  readonly transport: Transport;
  /** '' when the URL of the transport has a path of its own. */
  readonly path: string;
  /** Of authorization.k8s.io; v1beta1 is upstream's default. */
  readonly version: 'v1' | 'v1beta1';
  /** 0: each request asks again. */
  readonly authorizedTtlMs: number;
  readonly unauthorizedTtlMs: number;
  /** Of one question, all tries together. */
  readonly timeoutMs: number;
  /** Deny: a question without an answer is a refusal, so no later authorizer can allow the request. */
  readonly failurePolicy: 'NoOpinion' | 'Deny';
  /** The webhook is asked only about requests for which all of them are true. */
  readonly conditions: readonly CelProgram[];
}

interface Verdict {
  readonly allowed: boolean;
  readonly denied: boolean;
  readonly reason: string;
}

interface Answer extends Verdict {
  /** Later requests ask again. */
  readonly freshUntilMs: number;
  /** The request that asked can still read it. */
  readonly untilMs: number;
}

const maxAnswers = 8_192;
/** An answer must outlive the request that asked for it, whatever its time to live is. */
const minTtlMs = 1_000;
const noOpinion: Verdict = { allowed: false, denied: false, reason: '' };

export class WebhookAuthorizer implements Authorizer {
  private readonly answers = new Map<string, Answer>();
  private readonly asking = new Map<string, Promise<void>>();

  constructor(
    private readonly config: WebhookConfig,
    private readonly deps: { readonly clock: Pick<Clock, 'elapsed' | 'sleep'>; readonly log: Logger },
  ) {}

  prepare(user: UserInfo, asked: Asked): Promise<void> | undefined {
    const spec = specOf(user, asked, this.config.version);
    const key = keyOf(spec);
    const present = this.answers.get(key);
    if (present && this.deps.clock.elapsed() < present.freshUntilMs) return undefined;
    if (!this.concerns(key, user, asked)) return undefined;
    let asking = this.asking.get(key);
    if (!asking) {
      asking = this.ask(key, spec).finally(() => this.asking.delete(key));
      this.asking.set(key, asking);
    }
    return asking;
  }

  allowsResource(user: UserInfo, attributes: ResourceAttributes): boolean {
    return this.answerOf(user, attributes).allowed;
  }

  allowsPath(user: UserInfo, verb: string, path: string): boolean {
    return this.answerOf(user, { verb, path }).allowed;
  }

  denies(user: UserInfo, asked: Asked): boolean {
    return this.answerOf(user, asked).denied;
  }

  explain(user: UserInfo, asked: Asked): string {
    return this.answerOf(user, asked).reason;
  }

  explainDenial(user: UserInfo, asked: Asked): string {
    return this.explain(user, asked);
  }

  /** A question that was never asked has no answer either. */
  private answerOf(user: UserInfo, asked: Asked): Verdict {
    const answer = this.answers.get(keyOf(specOf(user, asked, this.config.version)));
    return answer && this.deps.clock.elapsed() < answer.untilMs ? answer : this.onFailure;
  }

  private get onFailure(): Verdict {
    return this.config.failurePolicy === 'Deny' ? { ...noOpinion, denied: true } : noOpinion;
  }

  /** By the conditions. What they say of a request never changes, so it is kept like an answer. */
  private concerns(key: string, user: UserInfo, asked: Asked): boolean {
    const { conditions, name } = this.config;
    if (conditions.length === 0) return true;
    const matched = matchConditions(conditions, user, asked);
    if (matched === 'yes') return true;
    if (matched !== 'no') {
      this.deps.log.warn('a match condition of an authorization webhook failed', {
        webhook: name,
        error: matched.error,
      });
    }
    this.keep(key, matched === 'no' ? noOpinion : this.onFailure, Number.POSITIVE_INFINITY);
    return false;
  }

  /** Never rejects. */
  private async ask(key: string, spec: object): Promise<void> {
    const { authorizedTtlMs, unauthorizedTtlMs, failurePolicy, name } = this.config;
    try {
      const answer = await this.call(spec);
      this.keep(key, answer, answer.allowed ? authorizedTtlMs : unauthorizedTtlMs);
    } catch (error) {
      const then = failurePolicy === 'Deny' ? 'the request is refused' : 'it has no opinion then';
      this.deps.log.error(`an authorization webhook failed; ${then}`, { webhook: name, error: describeError(error) });
      this.keep(key, this.onFailure, 0);
    }
  }

  private keep(key: string, answer: Verdict, ttlMs: number): void {
    if (this.answers.size >= maxAnswers) this.answers.delete(this.answers.keys().next().value!);
    const now = this.deps.clock.elapsed();
    this.answers.set(key, { ...answer, freshUntilMs: now + ttlMs, untilMs: now + Math.max(ttlMs, minTtlMs) });
  }

  private async call(spec: object): Promise<Verdict> {
    const { transport, path, version, timeoutMs } = this.config;
    const apiVersion = `authorization.k8s.io/${version}`;
    const target = { transport, path, apiVersion, kind: 'SubjectAccessReview', timeoutMs };
    const answer = await askReview(target, spec, this.deps.clock);
    const denied = answer['denied'] === true;
    const reason = typeof answer['reason'] === 'string' ? answer['reason'] : '';
    // Both is an error of the webhook, and no wins.
    return { allowed: answer['allowed'] === true && !denied, denied, reason };
  }
}

/** Of fixed length: the caller chooses the texts. */
const keyOf = (spec: object): string => createHash('sha256').update(JSON.stringify(spec)).digest('base64');

function specOf({ name, uid, groups, extra }: UserInfo, asked: Asked, version: WebhookConfig['version']): object {
  return {
    ...('path' in asked
      ? { nonResourceAttributes: { path: asked.path, verb: asked.verb } }
      : { resourceAttributes: { ...resourceOf(asked), ...(version === 'v1' ? selectorsOf(asked) : {}) } }),
    user: name,
    // The older version has another name for it.
    ...(version === 'v1' ? { groups } : { group: groups }),
    ...(extra ? { extra } : {}),
    ...(uid ? { uid } : {}),
  };
}

/** The older version has no fields for them. */
function selectorsOf({ fieldSelector = '', labelSelector = '' }: ResourceAttributes) {
  const [fields, labels] = [fieldRequirements(fieldSelector), labelRequirements(labelSelector)];
  return {
    ...(fields.length > 0 ? { fieldSelector: { requirements: fields } } : {}),
    ...(labels.length > 0 ? { labelSelector: { requirements: labels } } : {}),
  };
}

function resourceOf(attributes: ResourceAttributes) {
  const { namespace, verb, group, version = '*', resource, subresource } = attributes;
  const fields = { namespace, verb, group, version, resource, subresource, name: nameAsked(attributes) };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
