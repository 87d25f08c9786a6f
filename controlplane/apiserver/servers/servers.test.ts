import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { anonymous, unauthorized } from '../authn/authenticator';
import { deniedPath } from '../authz/authorizer';
import { type ApiRequest, jsonReply, textReply } from '../request';
import { pathNotFound, toStatus } from '../status';
import { PathServer, type PathTable } from './path-server';
import type { ResourceServer } from './server';

const nobody = { allowsPath: () => false, allowsResource: () => false };

/** Like an aggregated API: it owns one group version and decides itself which user may do what. */
const metricsApi: ResourceServer = {
  match: ({ method, path, user }) => {
    if (!path.startsWith('/apis/metrics.example.com/v1/')) return undefined;
    if (path.endsWith('/missing')) throw pathNotFound();
    return {
      authorize: () => {
        if (user === anonymous) throw unauthorized();
        if (user.name !== 'kubernetes-admin') throw deniedPath(nobody, user, method.toLowerCase(), path);
      },
      serve: () => jsonReply({ method, path }),
    };
  },
};

t.test('a further server answers for paths of no kind', async (t) => {
  const server = await startApiServer({ servers: [metricsApi], tokenFile: 'secret-token,robot,1,ci\n' });
  t.teardown(() => server.close());
  const things = '/apis/metrics.example.com/v1/things';
  const robot = { as: null, headers: { authorization: 'Bearer secret-token' } };
  for (const method of ['GET', 'POST', 'DELETE']) {
    t.match(await server.call(method, things), { status: 200, json: { method, path: things } }, method);
  }
  t.match(await server.call('GET', things, robot), {
    status: 403,
    json: { reason: 'Forbidden', message: /^forbidden: User "robot" cannot get path/ },
  });
  t.equal((await server.call('GET', things, { as: null })).status, 401);
  t.equal((await server.call('GET', `${things}/missing`)).status, 404);
  t.equal(
    (await server.call('GET', `${things}/missing`, { as: null })).status,
    403,
    'an anonymous user does not learn which paths exist',
  );
  t.equal((await server.call('GET', '/api/v1/namespaces/default')).status, 200, 'kinds come first');
  t.equal((await server.call('GET', '/version')).status, 200, 'plain paths come last');
  t.equal((await server.call('POST', '/apis/other.example.com/v1/things', { body: {} })).status, 404);
  t.equal((await server.call('POST', '/version', { body: {} })).status, 405);
});

t.test('plain paths: the exact path first, then the nearest folder', async (t) => {
  const allowed = { allowsPath: () => true, allowsResource: () => true };
  const say =
    (name: string) =>
    (_: ApiRequest, path: string): ReturnType<typeof textReply> =>
      textReply(`${name} ${path}`);
  const table: PathTable = {
    '/': say('root'),
    '/a/': say('a'),
    '/a/b/': say('b'),
    '/a/b/exact': say('exact'),
    '/none/': () => undefined,
  };
  const server = new PathServer(table, allowed);
  const answer = async (method: string, path: string): Promise<string | number> => {
    const request = { method, path, search: '', headers: {}, user: anonymous, body: async () => Buffer.alloc(0) };
    try {
      const reply = await server.match(request as unknown as ApiRequest).serve();
      return 'body' in reply ? String(reply.body) : 'stream';
    } catch (err) {
      return toStatus(err).code ?? 0;
    }
  };
  for (const [method, path, expected] of [
    ['GET', '/', 'root /'],
    ['GET', '/a', 'a /a'],
    ['GET', '/a/', 'a /a'],
    ['GET', '/a/x/y', 'a /a/x/y'],
    ['GET', '/a/b', 'b /a/b'],
    ['GET', '/a/b/c', 'b /a/b/c'],
    ['HEAD', '/a/b/exact/', 'exact /a/b/exact'],
    ['GET', '/ab', 404],
    ['GET', '/none/x', 404],
    ['GET', '/x', 404],
    ['POST', '/a', 405],
    ['POST', '/x', 404],
    ['PUT', '/apis/g/v', 404],
    ['PUT', '/apis/g/v/x', 404],
    ['PUT', '/api/v1//', 404],
  ] as const) {
    t.equal(await answer(method, path), expected, `${method} ${path}`);
  }
});
