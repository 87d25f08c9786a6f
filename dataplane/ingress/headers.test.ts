import t from 'tap';
import { type RequestHead, requestHead, responseHeaders, trailersOf } from './headers';

const client = { address: '192.0.2.1', tls: false, port: 80 };
const ours = {
  host: 'h',
  'x-forwarded-for': '192.0.2.1',
  'x-real-ip': '192.0.2.1',
  'x-forwarded-host': 'h',
  'x-forwarded-proto': 'http',
  'x-forwarded-port': '80',
};
const record = (list: readonly string[]) =>
  Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), list[i + 1]]] : [])));
const decide = (...lines: string[]) =>
  requestHead(
    ['Host: h', ...lines].flatMap((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(': ') + 2)]),
    client,
  );

void t.test('forwarding headers from the client are replaced, in every spelling', async (t) => {
  const claims = [
    'X-Forwarded-For: 6.6.6.6',
    'x-forwarded-proto: https',
    'X-Forwarded-Prefix: /x',
    'X-Forwarded: for=6.6.6.6',
    'X_Forwarded_For: 6.6.6.6',
    'X-Forwarded_Host: evil',
    'X-Real-IP: 6.6.6.6',
    'x_real_ip: 6.6.6.6',
    'Forwarded: for=6.6.6.6',
    'Proxy: http://evil',
  ];
  const head = decide(...claims, 'X-Forwardedness: kept', 'X_Other: kept') as RequestHead;
  t.same(record(head.headers), { ...ours, 'x-forwardedness': 'kept', x_other: 'kept' });
  t.equal(head.headers.length / 2, 8, 'each header once');
});

void t.test('Connection removes hop-by-hop headers, and no others', async (t) => {
  const fields = [
    'Cookie: c',
    'Authorization: a',
    'Content-Length: 0',
    'X-Hop: h',
    'Accept: */*',
    'Sec-Fetch-Site: none',
  ];
  const named =
    'Host, cookie, AUTHORIZATION, content-length, x-forwarded-for, X-Real-IP, accept, sec-fetch-site, x-hop, te';
  const head = decide(...fields, `Connection: ${named}`, 'TE: trailers, deflate') as RequestHead;
  t.same(record(head.headers), {
    ...ours,
    cookie: 'c',
    authorization: 'a',
    'content-length': '0',
    accept: '*/*',
    'sec-fetch-site': 'none',
    te: 'trailers',
  });
  const twice = decide('Connection: keep-alive', 'X-Hop: h', 'connection: ,x-hop') as RequestHead;
  t.same(record(twice.headers), ours, 'a second Connection header counts too');
  const after = decide(
    'X-Kept: k',
    'Connection: Upgrade',
    'Upgrade: h2c',
    'HTTP2-Settings: x',
    'Keep-Alive: 5',
  ) as RequestHead;
  t.same(record(after.headers), { ...ours, 'x-kept': 'k' });
});

void t.test('exactly one Host header', async (t) => {
  t.match(decide('host: other'), { status: 400, reason: /more than one Host/ });
  t.match(decide('HOST: h'), { status: 400 }, 'the same host twice');
  t.match(decide('Content-Length: 1', 'content-length: 1'), { status: 400, reason: /Content-Length/ });
  const h2 = (...raw: string[]) => requestHead([':method', 'GET', ':authority', 'a.example', ...raw], client);
  t.match(h2('host', 'evil'), { status: 400, reason: /differ/ });
  t.match(h2('host', 'a.example:80'), { status: 400 }, 'the port is part of the host');
  t.match(h2('host', 'A.Example'), { authority: 'a.example' });
  t.same(record((h2() as RequestHead).headers).host, 'a.example');
  t.equal((requestHead([], client) as RequestHead).authority, '');
});

void t.test('several Cookie headers of HTTP/2 become one', async (t) => {
  const raw = [':authority', 'h', 'cookie', 'a=1', 'x-a', '1', 'cookie', 'b=2', 'x-a', '2'];
  const head = requestHead(raw, client) as RequestHead;
  t.same(head.headers.slice(0, 6), ['cookie', 'a=1; b=2', 'x-a', '1', 'x-a', '2']);
});

void t.test('hop-by-hop headers of answers are removed', async (t) => {
  const headers = {
    connection: 'close, X-Secret, set-cookie',
    'x-secret': 's',
    'set-cookie': ['a', 'b'],
    'keep-alive': 'timeout=5',
    'transfer-encoding': 'chunked',
    upgrade: 'h2c',
    'content-length': '3',
    trailer: 'x-t',
  };
  t.same(responseHeaders(headers), ['set-cookie', 'a', 'set-cookie', 'b', 'content-length', '3', 'server', 'k8ts']);
  t.same(responseHeaders({ 'content-length': '30', server: 'a' }, 204), ['server', 'a'], '204 has no Content-Length');
  t.same(responseHeaders({ trailer: 'x-t', server: 'nginx' }), ['trailer', 'x-t', 'server', 'nginx']);
});

void t.test('trailers cannot change headers that were sent before', async (t) => {
  const trailers = {
    'grpc-status': '0',
    'x-checksum': 'c',
    'content-length': '5',
    'set-cookie': 'a=1',
    'transfer-encoding': 'chunked',
    authorization: 'x',
    'x-forwarded-for': '6.6.6.6',
    host: 'evil',
    location: '/',
  };
  t.same(trailersOf(trailers), [
    ['grpc-status', '0'],
    ['x-checksum', 'c'],
  ]);
});
