// serviceaccounts/token: answers a TokenRequest with a signed token, bound to the object that the request names.
import { nodes, pods, type ServiceAccount, secrets, serviceAccounts } from '../../api/index';
import type { Kind } from '../../api/kind';
import type { KubeObject } from '../../api/types';
import { tokenRequests } from '../../api/virtual';
import { formatTime } from '../../base/clock';
import { BadRequest, type FieldCause } from '../../base/errors';
import type { BoundObject, ServiceAccountTokens, TokenBinding } from '../authn/service-account-tokens';
import { jsonReply } from '../request';
import { type RestDeps, readObject } from '../rest/context';
import { writeOptions } from '../rest/write-options';
import type { SubresourceHandler } from '../servers/kind-server';
import { conflict, invalid, notFound } from '../status';
import type { Write } from '../write/rule';

interface TokenRequestBody extends KubeObject {
  readonly spec?: {
    readonly audiences?: readonly string[];
    readonly expirationSeconds?: number;
    readonly boundObjectRef?: {
      readonly kind?: string;
      readonly apiVersion?: string;
      readonly name?: string;
      readonly uid?: string;
    };
  };
}

const defaultSeconds = 3600;
const minSeconds = 600;
const maxSeconds = 2 ** 32;

export function tokenHandler(deps: RestDeps, tokens: ServiceAccountTokens): SubresourceHandler {
  return async (rest) => {
    const { kind, namespace, name } = rest.route;
    const { dryRun } = writeOptions(rest);
    const body = (await readObject(rest, tokenRequests)) as TokenRequestBody;
    const account = deps.cache.kind(serviceAccounts).get(`${namespace}/${name}`)?.object;
    checkNames(body, namespace, name);
    if (!account) throw notFound(kind, name);
    const write: Write = {
      operation: 'create',
      kind,
      namespace,
      name,
      subresource: 'token',
      object: body,
      user: rest.request.user,
      rest,
      dryRun,
      warnings: rest.warnings,
    };
    const mutated = deps.rules.mutate(write);
    if (mutated) await mutated;
    const asked = body.spec?.expirationSeconds ?? defaultSeconds;
    checkSeconds(asked);
    const validated = deps.rules.validate(write);
    if (validated) await validated;
    const binding = bindingOf(deps, namespace, account, body);
    const { apiAudiences, maxSeconds = asked } = tokens.config;
    const audiences = body.spec?.audiences?.length ? body.spec.audiences : apiAudiences;
    const seconds = Math.min(asked, maxSeconds);
    if (seconds < asked) {
      rest.warnings.push(`requested expiration of ${asked} seconds shortened to ${seconds} seconds`);
    }
    // The clock is read before the token is made, so that the answer never names a later end than the token.
    const now = Math.floor(deps.clock.now() / 1000) * 1000;
    const token = tokens.issue(binding, audiences, tokens.lifetimeOf(binding, audiences, seconds));
    const answer = {
      kind: 'TokenRequest',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: { name, namespace, uid: account.metadata?.uid, creationTimestamp: formatTime(now) },
      spec: { audiences, expirationSeconds: seconds, boundObjectRef: body.spec?.boundObjectRef ?? null },
      status: { token, expirationTimestamp: formatTime(now + seconds * 1000) },
    };
    return jsonReply(answer, 201);
  };
}

/** A body may repeat the names of the path, and name no other account. @throws BadRequest for the namespace, Invalid for the name */
function checkNames({ metadata }: TokenRequestBody, namespace: string, name: string): void {
  if (metadata?.namespace && metadata.namespace !== namespace) {
    throw new BadRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  const given = metadata?.name;
  if (!given || given === name) return;
  const message = `Invalid value: ${JSON.stringify(given)}: must match the service account name if specified`;
  throw invalid(tokenRequests, name, [{ reason: 'FieldValueInvalid', field: 'metadata.name', message }]);
}

function checkSeconds(seconds: number): void {
  const why =
    seconds < minSeconds
      ? 'may not specify a duration less than 10 minutes'
      : seconds > maxSeconds
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (why === undefined) return;
  const cause: FieldCause = {
    reason: 'FieldValueInvalid',
    field: 'spec.expirationSeconds',
    message: `Invalid value: ${seconds}: ${why}`,
  };
  throw invalid(tokenRequests, '', [cause]);
}

function bindingOf(deps: RestDeps, namespace: string, account: ServiceAccount, body: TokenRequestBody): TokenBinding {
  const base = { namespace, serviceAccount: boundTo(account) };
  const ref = body.spec?.boundObjectRef;
  if (!ref) return base;
  const { kind = '', name = '', apiVersion = '', uid } = ref;
  // All three are of the core group.
  switch (apiVersion.includes('/') ? '' : kind) {
    case 'Pod': {
      const pod = existing(deps, pods, `${namespace}/${name}`, name, uid);
      if ((pod.spec?.serviceAccountName ?? 'default') !== account.metadata?.name) {
        throw new BadRequest(
          `cannot bind token for serviceaccount "${account.metadata?.name}" to pod running with different serviceaccount name.`,
        );
      }
      const nodeName = pod.spec?.nodeName;
      if (!nodeName) return { ...base, pod: boundTo(pod) };
      const node = deps.cache.kind(nodes).get(nodeName)?.object;
      return { ...base, pod: boundTo(pod), node: node ? boundTo(node) : { name: nodeName } };
    }
    case 'Secret':
      return { ...base, secret: boundTo(existing(deps, secrets, `${namespace}/${name}`, name, uid)) };
    case 'Node':
      return { ...base, node: boundTo(existing(deps, nodes, name, name, uid)) };
    default:
      throw new BadRequest(
        `cannot bind token to object of type ${apiVersion.includes('/') ? '' : '/'}${apiVersion}, Kind=${kind}`,
      );
  }
}

function existing<T extends KubeObject>(deps: RestDeps, kind: Kind<T>, key: string, name: string, uid?: string): T {
  // Upstream reads the object through a client, which asks for no object without a name.
  if (name === '') throw new BadRequest('Name parameter required.');
  const found = deps.cache.kind(kind).get(key)?.object;
  if (!found) throw notFound(kind, name);
  if (uid && uid !== found.metadata?.uid) {
    // Upstream names the kind here, not the resource.
    throw conflict(
      { ...kind, plural: kind.kind },
      name,
      `the UID in the bound object reference (${uid}) does not match the UID in record. ` +
        'The object might have been deleted and then recreated',
    );
  }
  return found;
}

const boundTo = ({ metadata }: KubeObject): BoundObject => ({ name: metadata?.name ?? '', uid: metadata?.uid ?? '' });
