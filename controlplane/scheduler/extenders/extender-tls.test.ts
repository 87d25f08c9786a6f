// An extender over TLS, and answers that are large. The test serves it on the loopback.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { createAuthority, issueCertificate } from '../../pki/issue';
import type { ExtenderSettings } from '../config/types';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import { openExtender } from './extender';

const pod = { pod: { metadata: { name: 'p' } } } as unknown as PodInfo;
const nodesNamed = (...names: string[]) =>
  names.map((name) => ({ name, node: { metadata: { name } } })) as unknown as NodeInfo[];
const base64 = (text: string) => Buffer.from(text).toString('base64');

async function serve(test: Test, answer: () => string = () => JSON.stringify({ NodeNames: ['n1'] })) {
  const now = Date.now();
  const authority = await createAuthority('extenders', now);
  const own = await issueCertificate(
    authority,
    { commonName: 'extender', usages: ['server'], hosts: ['extender.example'] },
    now,
  );
  const client = await issueCertificate(authority, { commonName: 'scheduler', usages: ['client'] }, now);
  const peers: (string | undefined)[] = [];
  const options = { ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, (request, response) => {
    const socket = request.socket as TLSSocket;
    const { CN } = socket.getPeerCertificate().subject ?? {};
    peers.push(socket.authorized && typeof CN === 'string' ? CN : undefined);
    request.resume().on('end', () => response.end(answer()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const urlPrefix = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { authority, client, peers, urlPrefix };
}

async function ask(settings: ExtenderSettings, names = ['n1', 'n2']) {
  const extender = await openExtender({ filterVerb: 'filter', nodeCacheCapable: true, ...settings });
  try {
    return (await extender.filter(pod, nodesNamed(...names), new AbortController().signal)).nodes.map(
      ({ name }) => name,
    );
  } finally {
    extender.close();
  }
}

t.test('the authority and the name of the server, from data and from files', async (t) => {
  const { authority, urlPrefix, client, peers } = await serve(t);
  const other = await createAuthority('others', Date.now());
  const serverName = 'extender.example';
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-extender-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const file = async (name: string, text: string) => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const caData = base64(authority.cert);
  t.same(await ask({ urlPrefix, tlsConfig: { caData, serverName } }), ['n1']);
  const caFile = await file('ca.crt', authority.cert);
  const certFile = await file('client.crt', client.cert);
  const keyFile = await file('client.key', client.key);
  t.same(await ask({ urlPrefix, tlsConfig: { caFile, certFile, keyFile, serverName } }), ['n1']);
  const data = { certData: base64(client.cert), keyData: base64(client.key) };
  t.same(await ask({ urlPrefix, tlsConfig: { caData, serverName, ...data } }), ['n1']);
  t.same(peers, [undefined, 'scheduler', 'scheduler'], 'the certificate of the scheduler');
  const caOther = await file('other.crt', other.cert);
  t.same(await ask({ urlPrefix, tlsConfig: { caData, caFile: caOther, serverName } }), ['n1'], 'data counts first');
  await t.rejects(ask({ urlPrefix, tlsConfig: { caFile: caOther, serverName } }), { code: 'Unavailable' });
  await t.rejects(ask({ urlPrefix, tlsConfig: { caData } }), { code: 'Unavailable' }, 'its name is not 127.0.0.1');
});

t.test('when the certificate is not checked', async (t) => {
  const { urlPrefix, authority } = await serve(t);
  t.same(await ask({ urlPrefix, tlsConfig: { insecure: true } }), ['n1']);
  t.same(await ask({ urlPrefix, enableHTTPS: true }), ['n1'], 'enableHTTPS without an authority');
  await t.rejects(ask({ urlPrefix }), { code: 'Unavailable' }, 'an address with https alone');
  const caData = base64(authority.cert);
  await t.rejects(ask({ urlPrefix, enableHTTPS: true, tlsConfig: { caData } }), { code: 'Unavailable' });
});

t.test('settings that contradict each other', async (t) => {
  const urlPrefix = 'https://127.0.0.1:1/';
  const caData = base64('x');
  await t.rejects(openExtender({ urlPrefix, tlsConfig: { insecure: true, caData } }), { code: 'BadRequest' });
  await t.rejects(openExtender({ urlPrefix, tlsConfig: { certData: caData } }), { code: 'BadRequest' });
  await t.rejects(openExtender({ urlPrefix, tlsConfig: { caFile: '/none' } }), {
    code: 'BadRequest',
    message: /\/none/,
  });
});

t.test('an answer with the whole nodes of a large cluster, and one that is too large', async (t) => {
  const names = Array.from({ length: 2_000 }, (_, i) => `node-${i}`);
  const items = names.map((name) => ({ metadata: { name, annotations: { text: 'x'.repeat(5_000) } } }));
  let answer = JSON.stringify({ Nodes: { items }, FailedNodes: {} });
  const { urlPrefix } = await serve(t, () => answer);
  const settings = { urlPrefix, enableHTTPS: true, nodeCacheCapable: false, httpTimeout: '5m' };
  t.same(await ask(settings, names), names);
  answer = `${' '.repeat(33 * 1024 * 1024)}{}`;
  await t.rejects(ask(settings, names), { message: /larger than/ });
  answer = '{"Nodes":';
  await t.rejects(ask(settings, names), { code: 'Unavailable' });
});
