import { once } from 'node:events';
import t from 'tap';
import { WebSocket } from 'ws';
import { startApiServer } from '../../../test/lib/api-server';
import { adoptProtocolToken, type UpgradeHeaders } from './websocket-token';

const encoded = (token: string | Buffer): string =>
  `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString('base64url')}`;
const adopted = (protocols: string, more: UpgradeHeaders = {}): UpgradeHeaders => {
  const headers: UpgradeHeaders = { upgrade: 'websocket', 'sec-websocket-protocol': protocols, ...more };
  adoptProtocolToken(headers);
  return headers;
};

t.test('the token becomes the Authorization header', async (t) => {
  t.match(adopted(`v5.channel.k8s.io,${encoded('a.b.c')}`), {
    authorization: 'Bearer a.b.c',
    'sec-websocket-protocol': 'v5.channel.k8s.io',
  });
  t.match(
    adopted(`a, ${encoded('t')} ,b`, { upgrade: 'WebSocket', authorization: 'Bearer mine' }),
    { authorization: 'Bearer mine', 'sec-websocket-protocol': 'a, b' },
    'a header wins, and the token is removed all the same',
  );
  t.strictSame(adopted('v5.channel.k8s.io'), { upgrade: 'websocket', 'sec-websocket-protocol': 'v5.channel.k8s.io' });
  const other = { upgrade: 'SPDY/3.1', 'sec-websocket-protocol': encoded('t') };
  t.strictSame(adopted(encoded('t'), { upgrade: 'SPDY/3.1' }), other, 'no WebSocket');
});

t.test('what is not accepted', async (t) => {
  for (const [protocols, why] of [
    [encoded('t'), /missing additional subprotocol/],
    [`a, ${encoded('t')}, ${encoded('u')}`, /multiple/],
    ['a, base64url.bearer.authorization.k8s.io.!', /encoding/],
    [`a, ${encoded(Buffer.from([0xff]))}`, /invalid base64/],
  ] as const) {
    t.throws(() => adopted(protocols), { code: 'Unauthorized', cause: { message: why } }, protocols);
  }
});

t.test('a watch as a browser opens it', async (t) => {
  const server = await startApiServer({ tokenFile: 'secret,ann,1,"system:masters"' });
  t.teardown(() => server.close());
  const url = `wss://127.0.0.1:${server.port}/api/v1/namespaces?watch=1`;
  const connect = (...protocols: string[]) => new WebSocket(url, protocols, { ca: server.ca });
  const client = connect('binary.k8s.io', encoded('secret'));
  const [first] = await once(client, 'message');
  t.equal(client.protocol, 'binary.k8s.io');
  t.equal(JSON.parse(String(first)).type, 'ADDED');
  client.close();
  t.match(await once(connect('binary.k8s.io', encoded('wrong')), 'error'), [{ message: /401/ }]);
  t.match(await once(connect('binary.k8s.io'), 'error'), [{ message: /403/ }], 'anonymous');
});
