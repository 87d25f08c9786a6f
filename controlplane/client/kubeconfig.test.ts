import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { pods } from '../api/pod';
import { HttpsTransport } from './https-transport';
import { contextNamespace, loadKubeconfig, resolveKubeconfig } from './kubeconfig';
import { createClient } from './rest-client';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const file = (cluster: object, user: object, over: object = {}) =>
  JSON.stringify({
    'current-context': 'k8ts',
    contexts: [{ name: 'k8ts', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    ...over,
  });
const server = 'https://192.0.2.1:6443';

t.test('the namespace of the context', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'k8ts-kubeconfig-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const path = join(directory, 'config');
  const of = async (text: string) => {
    await writeFile(path, text);
    return contextNamespace(path);
  };
  t.equal(await of(file({ server }, {})), 'default');
  const contexts = [{ name: 'k8ts', context: { cluster: 'c', user: 'u', namespace: 'shop' } }];
  t.equal(await of(file({ server }, {}, { contexts })), 'shop');
  t.equal(await of(file({ server }, {}, { contexts, 'current-context': 'other' })), 'default');
  t.equal(await of(''), 'default');
  await t.rejects(contextNamespace(join(directory, 'none')), { code: 'BadRequest', message: /^kubeconfig .*none: / });
});

t.test('fields that are read', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'k8ts-kubeconfig-'));
  t.teardown(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'ca.crt'), 'CA FILE');
  const embedded = await resolveKubeconfig(
    file(
      { server, 'certificate-authority-data': base64('CA'), 'certificate-authority': 'absent' },
      { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
    ),
    directory,
  );
  t.match(embedded, { server, ca: 'CA', cert: 'CERT', key: 'KEY' });
  const files = await resolveKubeconfig(
    file({ server, 'certificate-authority': 'ca.crt' }, { tokenFile: 'token' }),
    directory,
  );
  t.match(files, { ca: 'CA FILE', tokenFile: join(directory, 'token') });
  await writeFile(join(directory, 'config'), file({ server }, { token: 'T' }));
  t.equal((await loadKubeconfig(join(directory, 'config'))).token, 'T');
});

t.test('each mistake is named', async (t) => {
  const cases = [
    { name: 'not YAML', text: '', message: /not a YAML mapping/ },
    {
      name: 'no context',
      text: file({ server }, {}, { 'current-context': '' }),
      message: /current-context is not set/,
    },
    {
      name: 'unknown context',
      text: file({ server }, {}, { 'current-context': 'x' }),
      message: /no context named "x"/,
    },
    { name: 'unknown cluster', text: file({ server }, {}, { clusters: [] }), message: /no cluster named "c"/ },
    { name: 'no server', text: file({}, {}), message: /server must be an http or https URL/ },
    {
      name: 'half a certificate',
      text: file({ server }, { 'client-key-data': base64('K') }),
      message: /must be given together/,
    },
    { name: 'exec', text: file({ server }, { exec: {} }), message: /exec is not supported/ },
    { name: 'missing file', text: file({ server, 'certificate-authority': '/nonexistent' }, {}), message: /ENOENT/ },
  ];
  for (const { name, text, message } of cases) await t.rejects(resolveKubeconfig(text, '/'), { message }, name);
  await t.rejects(loadKubeconfig('/nonexistent/config'), {
    code: 'BadRequest',
    message: /kubeconfig \/nonexistent\/config: .*ENOENT/,
  });
});

t.test('HttpsTransport', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'k8ts-token-'));
  const tokenFile = join(directory, 'token');
  await writeFile(tokenFile, 'first\n');
  const seen: string[] = [];
  let sockets = 0;
  const backend = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    if (request.url?.includes('broken')) {
      response.write('{"half":');
      setImmediate(() => response.destroy());
    } else response.end('{"metadata":{}}');
  });
  backend.on('connection', () => sockets++);
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const { port } = backend.address() as AddressInfo;
  const transport = new HttpsTransport({ server: `http://127.0.0.1:${port}/base/`, tokenFile });
  t.teardown(async () => {
    transport.close();
    await new Promise((resolve) => backend.close(resolve));
    await rm(directory, { recursive: true });
  });
  const client = createClient(transport);
  await client.get(pods, 'a/x');
  await client.create(pods, { metadata: { name: 'ü', namespace: 'a' } });
  t.same(seen, [
    'GET /base/api/v1/namespaces/a/pods/x Bearer first',
    'POST /base/api/v1/namespaces/a/pods Bearer first',
  ]);
  t.equal(sockets, 1, 'the connection is kept');
  await t.rejects(client.get(pods, 'a/broken'), { code: 'Unavailable', message: /cannot reach/ });
  const refused = new HttpsTransport({ server: 'http://127.0.0.1:1' });
  await t.rejects(createClient(refused).get(pods, 'a/x'), { code: 'Unavailable', message: /ECONNREFUSED/ });
  const aborted = new AbortController();
  aborted.abort(new Error('enough'));
  await t.rejects(client.get(pods, 'a/x', aborted.signal), { message: 'enough' });
  const lost = new HttpsTransport({ server: `http://127.0.0.1:${port}`, tokenFile: join(directory, 'absent') });
  await t.rejects(createClient(lost).get(pods, 'a/x'), { code: 'Unavailable', message: /cannot read the token file/ });
});
