// authorizer.group('apps').resource('deployments').check('create').allowed(): may a user do something? Source: Kubernetes' authorization
// library. The caller decides; this file has the functions of expressions.
import type { Environment } from '@marcbachmann/cel-js';
import { dns1123Label, dns1123Subdomain } from '../../api/validation/names';
import { CelEvaluationError } from '../errors';

/** What a check asks about; '' where the expression says nothing. */
export interface ResourceCheck {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Read only when an expression asks for it: it may take longer than the decision. */
  readonly reason: string;
}

/** Decides for one user. */
export interface UserAuthorizer {
  path(path: string, verb: string): Decision;
  resource(check: ResourceCheck, verb: string): Decision;
  /** The same for another user. */
  serviceAccount(namespace: string, name: string): UserAuthorizer;
}

export const authorizerType = 'kubernetes.authorization.Authorizer';
export const resourceCheckType = 'kubernetes.authorization.ResourceCheck';
const pathCheckType = 'kubernetes.authorization.PathCheck';
const groupCheckType = 'kubernetes.authorization.GroupCheck';
const decisionType = 'kubernetes.authorization.Decision';

export class CelAuthorizer {
  constructor(readonly user: UserAuthorizer) {}
}
class PathCheck {
  constructor(
    readonly user: UserAuthorizer,
    readonly path: string,
  ) {}
}
class GroupCheck {
  constructor(
    readonly user: UserAuthorizer,
    readonly group: string,
  ) {}
}
export class CelResourceCheck {
  constructor(
    readonly user: UserAuthorizer,
    readonly asked: ResourceCheck,
  ) {}

  with(change: Partial<ResourceCheck>): CelResourceCheck {
    return new CelResourceCheck(this.user, { ...this.asked, ...change });
  }
}
class CelDecision {
  constructor(readonly found: Decision) {}
}

function nonEmpty(text: string, what: string): string {
  if (text.trim() === '') throw new CelEvaluationError(`${what} must not be empty`);
  return text;
}

function serviceAccount({ user }: CelAuthorizer, namespace: string, name: string): CelAuthorizer {
  const ofName = dns1123Subdomain(name);
  if (ofName.length > 0) throw new CelEvaluationError('Invalid service account name');
  const ofNamespace = dns1123Label(namespace);
  if (ofNamespace.length > 0) throw new CelEvaluationError('Invalid service account namespace');
  return new CelAuthorizer(user.serviceAccount(namespace, name));
}

const resource = ({ user, group }: GroupCheck, text: string) =>
  new CelResourceCheck(user, {
    ...{ group, resource: nonEmpty(text, 'resource'), subresource: '' },
    ...{ namespace: '', name: '', fieldSelector: '' },
  });

export function registerAuthorizer(environment: Environment): void {
  const types = [
    [authorizerType, CelAuthorizer],
    [pathCheckType, PathCheck],
    [groupCheckType, GroupCheck],
    [resourceCheckType, CelResourceCheck],
    [decisionType, CelDecision],
  ] as const;
  for (const [name, ctor] of types) environment.registerType(name, { ctor, fields: {} });
  environment
    .registerFunction(
      `${authorizerType}.path(string): ${pathCheckType}`,
      ({ user }: CelAuthorizer, path: string) => new PathCheck(user, nonEmpty(path, 'path')),
    )
    .registerFunction(
      `${authorizerType}.group(string): ${groupCheckType}`,
      ({ user }: CelAuthorizer, group: string) => new GroupCheck(user, group),
    )
    .registerFunction(`${authorizerType}.serviceAccount(string, string): ${authorizerType}`, serviceAccount)
    .registerFunction(`${groupCheckType}.resource(string): ${resourceCheckType}`, resource)
    .registerFunction(
      `${pathCheckType}.check(string): ${decisionType}`,
      ({ user, path }: PathCheck, verb: string) => new CelDecision(user.path(path, verb)),
    )
    .registerFunction(
      `${resourceCheckType}.check(string): ${decisionType}`,
      ({ user, asked }: CelResourceCheck, verb: string) => new CelDecision(user.resource(asked, verb)),
    )
    .registerFunction(`${decisionType}.allowed(): bool`, ({ found }: CelDecision) => found.allowed)
    .registerFunction(`${decisionType}.reason(): string`, ({ found }: CelDecision) => found.reason)
    // The authorizers of this server do not fail.
    .registerFunction(`${decisionType}.errored(): bool`, () => false)
    .registerFunction(`${decisionType}.error(): string`, () => '');
  for (const field of ['subresource', 'namespace', 'name', 'fieldSelector'] as const) {
    environment.registerFunction(
      `${resourceCheckType}.${field}(string): ${resourceCheckType}`,
      (check: CelResourceCheck, text: string) => check.with({ [field]: text }),
    );
  }
  // No authorizer of this server looks at labels: a rule allows all objects or named ones.
  environment.registerFunction(
    `${resourceCheckType}.labelSelector(string): ${resourceCheckType}`,
    (check: CelResourceCheck) => check,
  );
}
