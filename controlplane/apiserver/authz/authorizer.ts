// May this user do this? Authorizers are asked in order; the first that allows wins. When none allows, the answer is no.
import type { KindRef } from '../../api/kind';
import { AppError } from '../../base/errors';
import type { ApiRequest, UserInfo } from '../request';
import { qualifiedResource, resourceDetails } from '../status';
import { roleWith } from './policy/own';
import type { SentSelector } from './selectors';

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  /** Only programs outside the server see it; absent: any. */
  readonly version?: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** For a LIST or WATCH whose field selector names one object: that name, so that rules with resourceNames apply. */
  readonly selectedName?: string;
  /** The value of spec.nodeName in the field selector; the node authorizer needs it. */
  readonly selectedNode?: string;
  /** Of a LIST, WATCH or deletion of several objects; only programs outside the server read them. */
  readonly fieldSelector?: SentSelector;
  readonly labelSelector?: SentSelector;
}

export interface Authorizer {
  allowsResource(user: UserInfo, attributes: ResourceAttributes): boolean;
  allowsPath(user: UserInfo, verb: string, path: string): boolean;
  /** Asks a program outside the server, so that the decisions below know its answer. Undefined when there is nothing to wait for. */
  prepare?(user: UserInfo, asked: Asked): Promise<void> | undefined;
  /** True for a request that the authorizers after this one may not allow either. */
  denies?(user: UserInfo, asked: Asked): boolean;
  /** Why an allowed request is allowed, for the audit log and reviews; '' or absent: no words for it. Slower than the decision. */
  explain?(user: UserInfo, asked: Asked): string;
  /** Why it is not allowed, where that is more than the absence of a permission; '' or absent: no words for it. */
  explainDenial?(user: UserInfo, asked: Asked): string;
}

/** The subject of a decision: a resource or a plain path. */
export type Asked = ResourceAttributes | { readonly verb: string; readonly path: string };

const superusers = 'system:masters';

/** system:masters may do everything; then each authorizer in order. */
export class UnionAuthorizer implements Authorizer {
  constructor(private authorizers: readonly Authorizer[]) {}

  /** For later decisions. A request that waits for a program outside is prepared again. */
  use(authorizers: readonly Authorizer[]): void {
    this.authorizers = authorizers;
  }

  allowsResource(user: UserInfo, attributes: ResourceAttributes): boolean {
    return user.groups.includes(superusers) || this.decide(user, attributes) !== undefined;
  }

  allowsPath(user: UserInfo, verb: string, path: string): boolean {
    return user.groups.includes(superusers) || this.decide(user, { verb, path }) !== undefined;
  }

  /** Asks a program outside only when no authorizer before it has an answer. */
  prepare(user: UserInfo, asked: Asked): Promise<void> | undefined {
    if (user.groups.includes(superusers)) return undefined;
    const { authorizers } = this;
    for (const [i, authorizer] of authorizers.entries()) {
      const prepared = authorizer.prepare?.(user, asked);
      if (prepared) return prepared.then(() => this.prepareFrom(authorizers, i, user, asked));
      if (allows(authorizer, user, asked) || authorizer.denies?.(user, asked)) return undefined;
    }
    return undefined;
  }

  explain(user: UserInfo, asked: Asked): string {
    if (user.groups.includes(superusers)) return '';
    return this.decide(user, asked)?.explain?.(user, asked) ?? '';
  }

  denies(user: UserInfo, asked: Asked): boolean {
    if (user.groups.includes(superusers)) return false;
    const decisive = this.authorizers.find((one) => allows(one, user, asked) || one.denies?.(user, asked));
    return decisive !== undefined && !allows(decisive, user, asked);
  }

  /** The authorizer at `first` is prepared. */
  private async prepareFrom(authorizers: readonly Authorizer[], first: number, user: UserInfo, asked: Asked) {
    for (const [i, authorizer] of authorizers.entries()) {
      if (i < first) continue;
      if (i > first) await authorizer.prepare?.(user, asked);
      if (allows(authorizer, user, asked) || authorizer.denies?.(user, asked)) break;
    }
    if (authorizers !== this.authorizers) await this.prepare(user, asked);
  }

  /** The authorizer that allows it. */
  private decide(user: UserInfo, asked: Asked): Authorizer | undefined {
    for (const authorizer of this.authorizers) {
      if (allows(authorizer, user, asked)) return authorizer;
      if (authorizer.denies?.(user, asked)) return undefined;
    }
    return undefined;
  }

  explainDenial(user: UserInfo, asked: Asked): string {
    const reasons = this.authorizers.map((authorizer) => authorizer.explainDenial?.(user, asked) ?? '');
    return reasons.filter((reason) => reason !== '').join('\n');
  }
}

/** Whether it allows a request of either form. */
export const allows = (authorizer: Authorizer, user: UserInfo, asked: Asked): boolean =>
  'path' in asked ? authorizer.allowsPath(user, asked.verb, asked.path) : authorizer.allowsResource(user, asked);

/** Mode AlwaysAllow. */
export const alwaysAllow: Authorizer = { allowsResource: () => true, allowsPath: () => true };
/** Mode AlwaysDeny. */
export const alwaysDeny: Authorizer = {
  allowsResource: () => false,
  allowsPath: () => false,
  denies: () => true,
  explainDenial: () => 'Everything is forbidden.',
};

/** `then` at once, or after a program outside the server has been asked. */
export function whenPrepared(
  authorizer: Authorizer,
  user: UserInfo,
  asked: Asked,
  then: () => void,
): void | Promise<void> {
  const prepared = authorizer.prepare?.(user, asked);
  return prepared ? prepared.then(then) : then();
}

/** Notes the decision in the record of the request, if it has one. */
export function noteDecision(
  authorizer: Authorizer,
  { user, audit }: ApiRequest,
  asked: Asked,
  allowed: boolean,
): void {
  if (!audit) return;
  audit.annotate('authorization.k8s.io/decision', allowed ? 'allow' : 'forbid');
  audit.annotate(
    'authorization.k8s.io/reason',
    (allowed ? authorizer.explain?.(user, asked) : authorizer.explainDenial?.(user, asked)) ?? '',
  );
}

/** With what the authorizers have to say about it after the message. */
function withReason(message: string, authorizer: Authorizer, user: UserInfo, asked: Asked): string {
  const reason = authorizer.explainDenial?.(user, asked) ?? '';
  return reason === '' ? message : `${message}: ${reason}`;
}

export function deniedResource(
  authorizer: Authorizer,
  user: UserInfo,
  attributes: ResourceAttributes,
  kind: KindRef,
): AppError {
  return forbiddenResource(user, attributes, kind, authorizer.explainDenial?.(user, attributes) ?? '');
}

/** `reason`: what there is to say after the message; may be ''. */
export function forbiddenResource(
  user: UserInfo,
  attributes: ResourceAttributes,
  kind: KindRef,
  reason: string,
): AppError {
  const { verb, group, resource, subresource, namespace, selectedName = '' } = attributes;
  // As upstream, a selector of one name names the object.
  const name = attributes.name || selectedName;
  const asked = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  const subject = `${qualifiedResource(kind)}${name === '' ? '' : ` "${name}"`}`;
  const message = `${subject} is forbidden: User "${user.name}" cannot ${verb} resource "${asked}" in API group "${group}" ${where}`;
  const role = roleWith(attributes);
  const help = role === undefined ? '' : `; ClusterRole ${role} has this right`;
  return new AppError('Forbidden', `${reason === '' ? message : `${message}: ${reason}`}${help}`, {
    details: resourceDetails(kind, name),
  });
}

export function deniedPath(authorizer: Authorizer, user: UserInfo, verb: string, path: string): AppError {
  const message = `forbidden: User "${user.name}" cannot ${verb} path "${path}"`;
  return new AppError('Forbidden', withReason(message, authorizer, user, { verb, path }));
}
