// Who sends a request to the kubelet, and whether they may: by a certificate of the cluster's CA, or by a bearer token that the API
// server reviews (TokenReview); the API server authorizes (SubjectAccessReview), as upstream's modes Webhook. There is no anonymous user.
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { subjectAccessReviews, tokenReviews } from '../../../../controlplane/api';
import type { Clock } from '../../../../controlplane/base/clock';
import { AppError, describeError } from '../../../../controlplane/base/errors';
import type { Client } from '../../../../controlplane/client/client';
import { parseRequestPath } from '../../streaming/request-path';
import { attributesOf } from './attributes';
import { ExpiringAnswers } from './expiring-answers';

/** A user as reviews describe one. */
export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface AccessDeps {
  readonly client: Pick<Client, 'create'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly nodeName: string;
}

const apiServer = 'kube-apiserver-kubelet-client';
/** Upstream's times for authentication.webhook.cacheTTL and authorization.webhook. */
const tokenLifeMs = 120_000;
const allowedLifeMs = 300_000;
const deniedLifeMs = 30_000;

export class Access {
  private readonly users: ExpiringAnswers<User | undefined>;
  private readonly verdicts: ExpiringAnswers<boolean>;

  constructor(private readonly deps: AccessDeps) {
    this.users = new ExpiringAnswers(deps.clock, (user) => (user ? tokenLifeMs : deniedLifeMs));
    this.verdicts = new ExpiringAnswers(deps.clock, (allowed) => (allowed ? allowedLifeMs : deniedLifeMs));
  }

  /** @throws Unauthorized, Forbidden with upstream's text, BadRequest for a path that cannot be read, Unavailable, Internal */
  async check(request: IncomingMessage): Promise<void> {
    const user = certified(request.socket as TLSSocket) ?? (await this.byToken(request));
    if (!user) throw new AppError('Unauthorized', 'Unauthorized');
    // They may do everything, also while the API server does not answer.
    if (user.username === apiServer || user.groups?.includes('system:masters')) return;
    const { segments } = parseRequestPath(request.url ?? '/');
    const { verb, subresources } = attributesOf(request.method ?? '', segments);
    for (const subresource of subresources) if (await this.allows(user, verb, subresource)) return;
    const what = `verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`;
    throw new AppError('Forbidden', `Forbidden (user=${user.username}, ${what})\n`);
  }

  private byToken({ headers }: IncomingMessage): Promise<User | undefined> {
    const [, token] = /^bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
    if (token === undefined) return Promise.resolve(undefined);
    const key = createHash('sha256').update(token).digest('base64');
    return this.users.get(key, async () => {
      const status = await this.review<{ readonly authenticated?: boolean; readonly user?: User }>(tokenReviews, {
        token,
      });
      return status.authenticated === true ? status.user : undefined;
    });
  }

  private allows({ username, ...more }: User, verb: string, subresource: string): Promise<boolean> {
    const { nodeName } = this.deps;
    const resourceAttributes = { verb, version: 'v1', resource: 'nodes', subresource, name: nodeName };
    const spec = { user: username, ...more, resourceAttributes };
    return this.verdicts.get(JSON.stringify(spec), async () => {
      const { allowed } = await this.review<{ readonly allowed?: boolean }>(subjectAccessReviews, spec);
      return allowed === true;
    });
  }

  private async review<T>(kind: typeof tokenReviews, spec: object): Promise<T> {
    try {
      const answer: object = await this.deps.client.create(kind, { metadata: {}, spec } as object);
      return (answer as { readonly status?: T }).status ?? ({} as T);
    } catch (cause) {
      throw new AppError('Internal', `the API server did not review the request: ${describeError(cause)}`, { cause });
    }
  }
}

/** The user of a client certificate that the cluster's CA has signed. */
function certified(socket: TLSSocket): User | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate() as Partial<DetailedPeerCertificate>;
  const username = [subject?.CN ?? []].flat()[0];
  if (!username) return undefined;
  return { username, groups: [...[subject?.O ?? []].flat(), 'system:authenticated'] };
}
