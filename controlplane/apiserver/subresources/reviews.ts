// Questions about identity and permission: TokenReview, SubjectAccessReview and its Self and Local forms, rules, who am I.

import type { KubeObject } from '../../api/types';
import { formatTime } from '../../base/clock';
import { BadRequest, describeError, hasCode } from '../../base/errors';
import type { Authenticator } from '../authn/authenticator';
import type { Authorizer, ResourceAttributes } from '../authz/authorizer';
import type { RbacAuthorizer } from '../authz/rbac';
import { jsonReply, type Reply, type UserInfo } from '../request';
import { type RestRequest, readObject } from '../rest/context';
import { isRecord } from '../rest/decode';
import type { SubresourceHandler } from '../servers/kind-server';

export interface ReviewDeps {
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly rbac: RbacAuthorizer;
}
type Fields = Record<string, unknown>;

/** By plural.group, for ApiHandler's virtual kinds. */
export function reviewHandlers(deps: ReviewDeps): ReadonlyMap<string, SubresourceHandler> {
  const group = 'authorization.k8s.io';
  return new Map<string, SubresourceHandler>([
    ['tokenreviews.authentication.k8s.io', (rest) => answer(rest, (spec) => reviewToken(deps, spec))],
    [
      'selfsubjectreviews.authentication.k8s.io',
      (rest) => answer(rest, () => ({ userInfo: userFields(rest.request.user) })),
    ],
    [`selfsubjectaccessreviews.${group}`, (rest) => answer(rest, (spec) => decide(deps, rest.request.user, spec))],
    [`subjectaccessreviews.${group}`, (rest) => answer(rest, (spec) => decide(deps, subjectOf(spec), spec))],
    [
      `localsubjectaccessreviews.${group}`,
      (rest) => answer(rest, (spec) => decide(deps, subjectOf(spec), inNamespace(spec, rest.route.namespace))),
    ],
    [
      `selfsubjectrulesreviews.${group}`,
      (rest) => answer(rest, (spec) => rules(deps, rest.request.user, text(spec['namespace']))),
    ],
  ]);
}

/** Answers with the body and a status. */
async function answer(rest: RestRequest, status: (spec: Fields) => Fields | Promise<Fields>): Promise<Reply> {
  const { kind } = rest.route;
  const { metadata, spec = {} } = (await readObject(rest, kind)) as KubeObject & { readonly spec?: Fields };
  return jsonReply(
    {
      kind: kind.kind,
      apiVersion: kind.apiVersion,
      metadata: { ...metadata, creationTimestamp: formatTime(Date.now()) },
      spec,
      status: await status(spec),
    },
    201,
  );
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function userFields({ name, uid, groups, extra }: UserInfo): Fields {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}

async function reviewToken({ authenticator }: ReviewDeps, spec: Fields): Promise<Fields> {
  const token = text(spec['token']);
  if (token === '') throw new BadRequest('token is required for TokenReview in authentication');
  const asked = texts(spec['audiences']);
  try {
    const { user, audiences } = await authenticator.tokenUser(token, asked.length > 0 ? asked : undefined);
    return { authenticated: true, user: userFields(user), audiences };
  } catch (err) {
    if (!hasCode(err, 'Unauthorized')) throw err;
    return { user: {}, error: `[invalid bearer token, ${describeError(err)}]` };
  }
}

function subjectOf(spec: Fields): UserInfo {
  const name = text(spec['user']);
  const groups = texts(spec['groups']);
  if (name === '' && groups.length === 0)
    throw new BadRequest('spec.user: Required value: at least one of user or group must be specified');
  return { name, groups };
}

/** A LocalSubjectAccessReview may ask only about its own namespace. @throws BadRequest */
function inNamespace(spec: Fields, namespace: string): Fields {
  const attributes = spec['resourceAttributes'];
  if (!isRecord(attributes) || text(attributes['namespace']) !== namespace) {
    throw new BadRequest('spec.resourceAttributes.namespace: Invalid value: must match metadata.namespace');
  }
  return spec;
}

function decide({ authorizer }: ReviewDeps, user: UserInfo, spec: Fields): Fields {
  const resource = spec['resourceAttributes'];
  const path = spec['nonResourceAttributes'];
  if (isRecord(resource) === isRecord(path)) {
    throw new BadRequest('spec: exactly one of nonResourceAttributes or resourceAttributes must be specified');
  }
  const allowed = isRecord(resource)
    ? authorizer.allowsResource(user, attributesOf(resource))
    : authorizer.allowsPath(user, text((path as Fields)['verb']), text((path as Fields)['path']));
  return { allowed };
}

function attributesOf(fields: Fields): ResourceAttributes {
  return {
    verb: text(fields['verb']),
    group: text(fields['group']),
    resource: text(fields['resource']),
    subresource: text(fields['subresource']),
    namespace: text(fields['namespace']),
    name: text(fields['name']),
  };
}

function rules({ rbac }: ReviewDeps, user: UserInfo, namespace: string): Fields {
  const all = user.groups.includes('system:masters')
    ? [
        { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
        { verbs: ['*'], nonResourceURLs: ['*'] },
      ]
    : rbac.rulesFor(user, namespace);
  return {
    resourceRules: all
      .filter((rule) => rule.resources)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups: apiGroups ?? [],
        resources,
        ...(resourceNames ? { resourceNames } : {}),
      })),
    nonResourceRules: all
      .filter((rule) => rule.nonResourceURLs)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
}
