// Token requests of a kubelet: only for a pod that runs on its node and uses the account, and only for an audience of one of
// the pod's token volumes. A part of NodeRestriction.
import { type Pod, pods } from '../../api/index';
import type { Authorizer } from '../authz/authorizer';
import type { Cache } from '../cache/cache';
import { forbidden, notFound } from '../status';
import type { Write } from '../write/rule';

/** The permission that allows nodes an audience of no volume: the resource is the audience, the name the account. */
const audienceVerb = 'request-serviceaccounts-token-audience';

interface TokenSpec {
  readonly audiences?: readonly string[];
  readonly boundObjectRef?: {
    readonly kind?: string;
    readonly apiVersion?: string;
    readonly name?: string;
    readonly uid?: string;
  };
}
interface TokenDeps {
  readonly cache: Cache;
  readonly authorizer: Authorizer;
}

/** @throws Forbidden, NotFound */
export function admitNodeToken(write: Write, node: string, deps: TokenDeps): void {
  const { kind, name, namespace, object } = write;
  const spec = (object as { spec?: TokenSpec } | undefined)?.spec ?? {};
  const bound = spec.boundObjectRef;
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) {
    throw forbidden(kind, name, 'node requested token not bound to a pod');
  }
  if (!bound.uid) throw forbidden(kind, name, 'node requested token with a pod binding without a uid');
  const pod = deps.cache.kind(pods).get(`${namespace}/${bound.name}`)?.object;
  if (!pod) throw notFound(pods, bound.name);
  const refusal = podRefusal(pod, bound.uid, node, name) ?? audienceRefusal(write, pod, spec.audiences ?? [], deps);
  if (refusal) throw forbidden(kind, name, refusal);
}

function podRefusal(pod: Pod, uid: string, node: string, account: string): string | undefined {
  if (pod.metadata?.uid !== uid) {
    return (
      `the UID in the bound object reference (${uid}) does not match the UID in record. ` +
      'The object might have been deleted and then recreated'
    );
  }
  if (pod.spec?.nodeName !== node) return 'node requested token bound to a pod scheduled on a different node';
  return pod.spec.serviceAccountName === account
    ? undefined
    : 'node requested token of a service account that the pod does not use';
}

/** '' is the audience of this server, and of a volume that names none. */
function audienceRefusal(
  { namespace, name, user }: Write,
  pod: Pod,
  audiences: readonly string[],
  { authorizer }: TokenDeps,
): string | undefined {
  if (audiences.length > 1) return 'node may only request 0 or 1 audiences';
  const audience = audiences[0] ?? '';
  const tokens = (pod.spec?.volumes ?? []).flatMap(({ projected }) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }) => serviceAccountToken ?? []),
  );
  if (tokens.some((token) => (token.audience ?? '') === audience)) return undefined;
  const base = { verb: audienceVerb, group: '', subresource: '', namespace, name };
  if (authorizer.allowsResource(user, { ...base, resource: audience })) return undefined;
  return (
    `audience ${JSON.stringify(audience)} not found in pod spec volume, ` +
    `${user.name} is not authorized to request tokens for this audience`
  );
}
