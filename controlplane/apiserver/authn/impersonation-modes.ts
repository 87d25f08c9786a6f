// Which permissions a user needs to act as another one. The narrower modes of KEP-5284 come first: they need a permission for the kind
// of user and one for the request (`impersonate-on:MODE:VERB`). The old mode, with the verb `impersonate` alone, comes last. Pure.
import { domainPrefixedPath } from '../../api/validation/domain-path';
import type { Asked, ResourceAttributes } from '../authz/authorizer';
import type { UserInfo } from '../request';
import { accountOf, nodeOf } from './user-names';

export interface ImpersonatedUser {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** One permission, or a reason why no permission is enough. */
export interface Check {
  readonly asked: Asked;
  readonly refusal?: string;
  /** Checks that this permission makes needless. */
  readonly orEach?: readonly Check[];
}

export interface Mode {
  /** The verb of the permission for the user; the audit log names that of the narrower modes. */
  readonly verb: string;
  /** The user as authorizers see it. */
  readonly requestor: UserInfo;
  readonly checks: readonly Check[];
}

const authentication = 'authentication.k8s.io';
/** So many groups or values are asked for at once before they are asked for one by one. */
const many = 4;
const masters = 'system:masters';
const nodeNameKey = 'authentication.kubernetes.io/node-name';

/** The modes in which the user may be impersonated, in the order in which they are tried. */
export function modesOf(wanted: ImpersonatedUser, requestor: UserInfo, request: Asked): Mode[] {
  const node = nodeOf(wanted.name);
  const account = accountOf(wanted.name);
  const onlyName = wanted.uid === '' && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0;
  const narrow = (mode: string, as = requestor, nameOfNode = node): Mode => ({
    verb: `impersonate:${mode}`,
    requestor: as,
    checks: [
      { asked: { ...request, verb: `impersonate-on:${mode}:${request.verb}` } },
      ...narrowChecks(mode, wanted, nameOfNode),
    ],
  });
  const modes: Mode[] = [];
  if (node !== undefined && onlyName) {
    if (isAssociated(requestor, node)) modes.push(narrow('associated-node', withoutExtra(requestor), '*'));
    modes.push(narrow('arbitrary-node'));
  }
  if (account && onlyName) modes.push(narrow('serviceaccount'));
  if (node === undefined && !account) modes.push(narrow('user-info'));
  return [...modes, { verb: 'impersonate', requestor, checks: oldChecks(wanted) }];
}

/** A ServiceAccount whose token is bound to a pod or node acts as the kubelet of its own node. */
const isAssociated = ({ name, extra }: UserInfo, node: string): boolean =>
  accountOf(name) !== undefined && extra?.[nodeNameKey]?.length === 1 && extra[nodeNameKey][0] === node;

/** The permission is for all nodes at once, so an authorizer must not look at the node of the requestor. */
const withoutExtra = (user: UserInfo): UserInfo => ({
  ...user,
  extra: { 'authentication.kubernetes.io/associated-node-keys': Object.keys(user.extra ?? {}).sort() },
});

function narrowChecks(mode: string, wanted: ImpersonatedUser, node: string | undefined): Check[] {
  const asking = asker(`impersonate:${mode}`);
  const { name, groups } = wanted;
  const account = accountOf(name);
  const user = account
    ? asking(authentication, 'serviceaccounts', account.name, { namespace: account.namespace })
    : asking(authentication, node === undefined ? 'users' : 'nodes', node ?? name);
  return [
    { asked: user },
    ...uidChecks(asking, wanted),
    ...groupChecks(asking, groups),
    ...extraChecks(asking, wanted),
  ];
}

function groupChecks(asking: Asking, groups: readonly string[]): Check[] {
  const of = (name: string) => asking(authentication, 'groups', name);
  if (groups.includes('')) return [{ asked: of(''), refusal: 'impersonating the empty string group is not allowed' }];
  if (groups.includes(masters)) {
    return [{ asked: of(masters), refusal: 'impersonating the system:masters group is not allowed' }];
  }
  const each = groups.map((group) => ({ asked: of(group) }));
  return groups.length >= many ? [{ asked: of('*'), orEach: each }] : each;
}

function extraChecks(asking: Asking, { extra }: ImpersonatedUser): Check[] {
  const keys = Object.keys(extra);
  if (keys.length === 0) return [];
  const refusal = refusedExtra(extra);
  if (refusal !== undefined) return [{ asked: asking(authentication, 'userextras', ''), refusal }];
  const each = valueChecks(asking, extra);
  if (keys.length < many && each.length < many) return each;
  return [{ asked: asking(authentication, 'userextras', '*', { subresource: '*' }), orEach: each }];
}

function refusedExtra(extra: ImpersonatedUser['extra']): string | undefined {
  for (const [key, values] of Object.entries(extra)) {
    if (key === '') return 'impersonating the empty string key in extra is not allowed';
    const [invalid] = domainPrefixedPath(key, 'extra.key');
    if (invalid) return `impersonating an invalid key in extra is not allowed: ${invalid.field}: ${invalid.message}`;
    if (key !== key.toLowerCase()) {
      return `impersonating a non-lowercase key in extra is not allowed: ${JSON.stringify(key)}`;
    }
    if (values.length === 0) return 'impersonating empty values in extra is not allowed';
    if (values.includes('')) return 'impersonating the empty string value in extra is not allowed';
  }
  return undefined;
}

function oldChecks(wanted: ImpersonatedUser): Check[] {
  const asking = asker('impersonate');
  const { name, groups, extra } = wanted;
  const account = accountOf(name);
  const user = account
    ? asking('', 'serviceaccounts', account.name, { namespace: account.namespace })
    : asking('', 'users', name);
  const ofGroups = groups.map((group) => ({ asked: asking('', 'groups', group) }));
  return [{ asked: user }, ...uidChecks(asking, wanted), ...ofGroups, ...valueChecks(asking, extra)];
}

const uidChecks = (asking: Asking, { uid }: ImpersonatedUser): Check[] =>
  uid === '' ? [] : [{ asked: asking(authentication, 'uids', uid) }];

const valueChecks = (asking: Asking, extra: ImpersonatedUser['extra']): Check[] =>
  Object.entries(extra).flatMap(([key, values]) =>
    values.map((value) => ({ asked: asking(authentication, 'userextras', value, { subresource: key }) })),
  );

type Asking = ReturnType<typeof asker>;
const asker =
  (verb: string) =>
  (
    group: string,
    resource: string,
    name: string,
    { namespace = '', subresource = '' }: { namespace?: string; subresource?: string } = {},
  ): ResourceAttributes => ({ verb, group, resource, subresource, namespace, name });
