// Connections pass the write rules: what the rules see as the options, and how changed options become the query again.
import t from 'tap';
import { type Pod, pods } from '../../api/index';
import type { Kind } from '../../api/kind';
import { nodes } from '../../api/node';
import type { RestDeps, RestRequest } from '../rest/context';
import type { Write } from '../write/rule';
import { WriteRules } from '../write/run';
import { admitConnection } from './connect';

/** A request for a subresource, with the parts that this code reads. */
function request(kind: Kind, subresource: string, query: string, path = ''): RestRequest {
  const route = { kind, namespace: 'default', name: 'p', subresource, rest: path, verb: 'create' };
  return {
    request: { user: { name: 'u', groups: [] } },
    route,
    query: new URLSearchParams(query),
    warnings: [],
  } as unknown as RestRequest;
}
const depsOf = (mutate: (write: Write) => void | Promise<void>) =>
  ({ rules: new WriteRules([{ name: 'test', concerns: () => true, mutate }]) }) as unknown as RestDeps;

t.test('the options that rules see', async (t) => {
  const cases: readonly { readonly rest: RestRequest; readonly options: object }[] = [
    {
      rest: request(pods, 'exec', 'command=a&command=b&stdin=true&stdout=1&stderr=false&tty&container=c'),
      options: { kind: 'PodExecOptions', stdin: true, stdout: true, tty: true, container: 'c', command: ['a', 'b'] },
    },
    { rest: request(pods, 'attach', 'stdout=true'), options: { kind: 'PodAttachOptions', stdout: true } },
    { rest: request(pods, 'portforward', ''), options: { kind: 'PodPortForwardOptions' } },
    {
      rest: request(pods, 'portforward', 'ports=80&ports=81'),
      options: { kind: 'PodPortForwardOptions', ports: [80, 81] },
    },
    { rest: request(nodes, 'proxy', '', '/pods'), options: { kind: 'NodeProxyOptions', path: '/pods' } },
  ];
  for (const { rest, options } of cases) {
    const seen: Write[] = [];
    const admitted = admitConnection(
      depsOf((write) => void seen.push(write)),
      rest,
    );
    t.equal(admitted, rest, 'without a promise');
    t.strictSame(seen[0]?.object, { apiVersion: 'v1', ...options });
    t.match(seen, [{ operation: 'connect', name: 'p', namespace: rest.route.kind.namespaced ? 'default' : '' }]);
  }
});

t.test('changed options become the query', async (t) => {
  const change = (parts: object) =>
    depsOf(async (write) => {
      Object.assign(write.object as Pod, parts);
    });
  const rest = request(pods, 'exec', 'command=a&stdin=true');
  t.equal(await admitConnection(change({}), rest), rest, 'the same options');
  const parts = { command: ['sh', '-c', 'a b'], container: 'c', stdin: false, tty: true };
  const changed = await admitConnection(change(parts), rest);
  t.equal(String(changed.query), 'tty=true&container=c&command=sh&command=-c&command=a+b');
  t.equal(String(rest.query), 'command=a&stdin=true', 'the request itself stays');
  const proxied = request(nodes, 'proxy', 'q=1', '/pods');
  t.equal(await admitConnection(change({ path: '/other' }), proxied), proxied, 'the path of a proxy was authorized');
});
