// ConsoleLogin and ConsoleSession: a code for a link, and the token that the page of the console works with.
import { formatTime } from '../../base/clock';
import type { ConsoleTokens, IssuedToken } from '../authn/console-tokens';
import { jsonReply, type Reply } from '../request';
import type { RestRequest } from '../rest/context';
import type { OwnerDeps } from '../rest/field-manager';
import type { SubresourceHandler } from '../servers/kind-server';
import { readReview } from './review-body';

export interface ConsoleLoginDeps {
  readonly tokens: ConsoleTokens;
  readonly owners: OwnerDeps;
}

/** By plural.group. */
export const consoleHandlers = ({
  tokens,
  owners,
}: ConsoleLoginDeps): readonly (readonly [string, SubresourceHandler])[] => [
  ['consolelogins.console.k8ts.io', (rest) => answer(owners, rest, 'code', (user) => tokens.issueCode(user))],
  ['consolesessions.console.k8ts.io', (rest) => answer(owners, rest, 'token', (user) => tokens.issueSession(user))],
];

/** The user is the one that the request runs as: the impersonated one, too. */
async function answer(
  owners: OwnerDeps,
  rest: RestRequest,
  field: 'code' | 'token',
  issue: (user: RestRequest['request']['user']) => IssuedToken,
): Promise<Reply> {
  await readReview(owners, rest);
  const { kind, apiVersion } = rest.route.kind;
  const { token, expiresMs } = issue(rest.request.user);
  const status = { [field]: token, expirationTimestamp: formatTime(expiresMs) };
  return jsonReply({ kind, apiVersion, metadata: {}, status }, 201);
}
