// A request that no server answers. As upstream, the caller must be allowed to send it before the caller learns that nothing is there.
import type { AppError } from '../../base/errors';
import { type Authorizer, deniedPath, deniedResource, noteDecision, whenPrepared } from '../authz/authorizer';
import { type ApiRequest, queryFlag, queryOf, type Reply } from '../request';
import { kindOf, readRemotePath } from './request-info';
import type { Match } from './server';

/** @throws BadRequest for a path of a resource that cannot be read */
export function unserved(authorizer: Authorizer, request: ApiRequest, serve: () => Reply | Promise<Reply>): Match {
  const { method, path, user } = request;
  const watch = request.search !== '' && queryFlag(queryOf(request), 'watch');
  const found = readRemotePath(method, path, watch);
  const asked = found?.attributes ?? { verb: method.toLowerCase(), path: found?.path ?? path };
  const decide = (): void => {
    const allowed =
      'path' in asked ? authorizer.allowsPath(user, asked.verb, asked.path) : authorizer.allowsResource(user, asked);
    noteDecision(authorizer, request, asked, allowed);
    if (allowed) return;
    throw 'path' in asked
      ? deniedPath(authorizer, user, asked.verb, asked.path)
      : deniedResource(authorizer, user, asked, kindOf(asked));
  };
  return { authorize: () => whenPrepared(authorizer, user, asked, decide), serve, unserved: true };
}

/** The request is authorized, then answered with `refusal`. @throws BadRequest as `unserved` */
export const refused = (authorizer: Authorizer, request: ApiRequest, refusal: AppError): Match =>
  unserved(authorizer, request, () => {
    throw refusal;
  });
