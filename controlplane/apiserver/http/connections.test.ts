// The bound of connections: one more is closed at once, and the open ones go on.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { silentLogger } from '../../base/logger';
import { createAuthority, issueCertificate } from '../../pki/issue';
import type { Authenticator } from '../authn/authenticator';
import type { ApiHandler } from '../handler';
import { textReply } from '../request';
import { Listener } from './listener';

async function open(t: Test, limits: { readonly maxConnections?: number; readonly handshakeMs?: number }) {
  const authority = await createAuthority('test', Date.now());
  const given = { commonName: 'server', hosts: ['127.0.0.1'], usages: ['server'] as const };
  const { cert: certificate, key } = await issueCertificate(authority, given, Date.now());
  const options = { address: '127.0.0.1', port: 0, certificate, key, ca: authority.cert, ...limits };
  const handler = { handle: async () => textReply('ok') } as unknown as ApiHandler;
  const authenticator = { authenticate: () => ({ name: 'u', groups: [] }) } as unknown as Authenticator;
  const listener = new Listener(options, handler, authenticator, silentLogger);
  const port = await listener.open();
  t.teardown(() => listener.close());
  const ask = async (socket: TLSSocket) => {
    socket.write('GET /version HTTP/1.1\r\nHost: x\r\n\r\n');
    const [chunk] = await once(socket, 'data');
    return String(chunk).split('\r\n', 1)[0];
  };
  return { port, ca: authority.cert, ask };
}

t.test('the listener keeps its bound', async (t) => {
  const { port, ca, ask } = await open(t, { maxConnections: 2 });
  const dial = () => connect({ host: '127.0.0.1', port, ca });
  const both = [dial(), dial()] as const;
  t.teardown(() => {
    for (const socket of both) socket.destroy();
  });
  await Promise.all(both.map((socket) => once(socket, 'secureConnect')));
  for (const socket of both) t.equal(await ask(socket), 'HTTP/1.1 200 OK');
  const third = dial();
  let secure = false;
  third.on('secureConnect', () => {
    secure = true;
  });
  third.on('error', () => undefined);
  await new Promise((resolve) => third.once('close', resolve));
  t.equal(secure, false, 'closed before any work for TLS');
  t.equal(await ask(both[0]), 'HTTP/1.1 200 OK', 'the open ones go on');
});

t.test('connections without a handshake are closed', async (t) => {
  const { port, ca, ask } = await open(t, { maxConnections: 2, handshakeMs: 50 });
  // They would take all places for ever.
  const silent = [connectTcp(port, '127.0.0.1'), connectTcp(port, '127.0.0.1')];
  await Promise.all(silent.map((socket) => once(socket.resume(), 'close')));
  const client = connect({ host: '127.0.0.1', port, ca });
  t.teardown(() => client.destroy());
  await once(client, 'secureConnect');
  t.equal(await ask(client), 'HTTP/1.1 200 OK');
});
