// The pure parts: paths, protocol offers, statuses, terminal sizes.
import t from 'tap';
import { choose, parseOffers, spdyProtocols, webSocketProtocols } from './negotiate';
import { parseStreamingRequest } from './requests';
import { renderStatus } from './status';
import { ResizeFeed, TerminalSizeReader } from './terminal-size';

t.test('a streaming request is read from its path and query', async (t) => {
  const target = { namespace: 'ns', pod: 'p', container: 'c' };
  const streams = { stdin: false, stdout: true, stderr: true, tty: false };
  const cases = [
    {
      name: 'exec',
      url: '/exec/ns/p/c?command=sh&command=-c&command=a%20b&output=1&error=1',
      is: { kind: 'exec', request: { ...target, ...streams, command: ['sh', '-c', 'a b'] } },
    },
    {
      name: 'with the uid of the pod, and the names of the API server',
      url: '/attach/ns/p/u-1/c?stdout=true&stderr=true&stdin=false',
      is: { kind: 'attach', request: { ...target, uid: 'u-1', ...streams } },
    },
    {
      name: 'a terminal has no stderr',
      url: '/attach/ns/p/c?input=1&output=1&error=1&tty=1',
      is: { kind: 'attach', request: { ...target, stdin: true, stdout: true, stderr: false, tty: true } },
    },
    {
      name: 'port-forward',
      url: '/portForward/ns/p',
      is: { kind: 'portForward', pod: { namespace: 'ns', pod: 'p' }, ports: [] },
    },
    {
      name: 'with ports and uid',
      url: '/portForward/ns/p/u-1?ports=80,443&ports=8080',
      is: { kind: 'portForward', pod: { namespace: 'ns', pod: 'p', uid: 'u-1' }, ports: [80, 443, 8080] },
    },
    { name: 'a path of someone else', url: '/containerLogs/ns/p/c', is: undefined },
    { name: 'the root', url: '/', is: undefined },
  ];
  for (const { name, url, is } of cases) t.same(parseStreamingRequest(url), is, name);
  const wrong = [
    { name: 'no command', url: '/exec/ns/p/c?output=1' },
    { name: 'no stream', url: '/exec/ns/p/c?command=ls' },
    { name: 'only stderr of a terminal', url: '/exec/ns/p/c?command=ls&error=1&tty=1' },
    { name: 'no container', url: '/exec/ns/p?command=ls&output=1' },
    { name: 'an empty part', url: '/exec/ns//c?command=ls&output=1' },
    { name: 'too long', url: '/portForward/a/b/c/d' },
    { name: 'port 0', url: '/portForward/a/b?ports=0' },
    { name: 'port 65536', url: '/portForward/a/b?ports=65536' },
    { name: 'no number', url: '/portForward/a/b?ports=http' },
  ];
  for (const { name, url } of wrong) t.throws(() => parseStreamingRequest(url), { code: 'BadRequest' }, name);
});

t.test('the first offer that the server supports is chosen', async (t) => {
  t.same(parseOffers(undefined), []);
  t.same(parseOffers('a, b,c'), ['a', 'b', 'c']);
  t.same(parseOffers(['a', 'b, c']), ['a', 'b', 'c']);
  t.match(choose(['v5.channel.k8s.io', 'v4.channel.k8s.io'], webSocketProtocols), { version: 5 });
  t.match(choose(['v5.channel.k8s.io', 'v4.channel.k8s.io'], spdyProtocols), { version: 4 }, 'v5 is for WebSocket');
  t.match(choose(['v4.base64.channel.k8s.io'], webSocketProtocols), { version: 4, base64: true });
  t.equal(choose(['v9.channel.k8s.io'], spdyProtocols), undefined);
});

t.test('exit codes and errors as Status, by version of the protocol', async (t) => {
  t.same(JSON.parse(renderStatus({ exitCode: 0 }, 4)), { metadata: {}, status: 'Success' });
  t.match(JSON.parse(renderStatus({ exitCode: 3 }, 5)), {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '3' }] },
  });
  t.match(JSON.parse(renderStatus({ error: 'boom', doing: 'exec' }, 4)), {
    status: 'Failure',
    reason: 'InternalError',
    code: 500,
    message: /error executing command in container: boom/,
  });
  t.equal(renderStatus({ exitCode: 0 }, 1), '', 'old clients take any text for a failure');
  t.match(renderStatus({ exitCode: 3 }, 1), /exit code 3/);
  t.match(renderStatus({ error: 'boom', doing: 'attach' }, 1), /error attaching to container: boom/);
});

t.test('terminal sizes', async (t) => {
  const reader = new TerminalSizeReader();
  t.same([...reader.push('{"Width":80,"Hei')], []);
  t.same(
    [...reader.push('ght":24}\n{"Width":100,"Height":30}')],
    [
      { width: 80, height: 24 },
      { width: 100, height: 30 },
    ],
  );
  for (const noise of [
    '{"Width":-1,"Height":5}',
    '{"Width":"80","Height":24}',
    '{]}',
    '}',
    '{"Width":70000,"Height":1}',
  ]) {
    t.same([...reader.push(noise)], [], noise);
  }
  t.same([...reader.push('x'.repeat(10_000))], []);
  t.same([...reader.push('{"Width":1,"Height":2}')], [{ width: 1, height: 2 }], 'goes on after noise');

  const feed = new ResizeFeed();
  const seen: unknown[] = [];
  await new ResizeFeed().first(1);
  const first = feed.first(2 ** 30);
  feed.publish({ width: 1, height: 1 });
  await first;
  await feed.first(2 ** 30);
  feed.publish({ width: 2, height: 2 });
  feed.subscribe((size) => seen.push(size));
  feed.publish({ width: 2, height: 2 });
  feed.publish({ width: 3, height: 3 });
  t.same(seen, [
    { width: 2, height: 2 },
    { width: 3, height: 3 },
  ]);
});
