import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';
import { loginLink } from './main';

const signal = new AbortController().signal;
const base64 = (text: string) => Buffer.from(text).toString('base64');

/** A kubeconfig with the certificate of a user. */
async function kubeconfig(dir: string, server: TestServer, user: string, ...groups: string[]): Promise<string> {
  const { cert, key } = await server.identity(user, ...groups);
  const cluster = { server: `https://127.0.0.1:${server.port}/`, 'certificate-authority-data': base64(server.ca) };
  const credentials = { 'client-certificate-data': base64(cert), 'client-key-data': base64(key) };
  const path = join(dir, `${user}.conf`);
  const file = {
    'current-context': 'here',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: credentials }],
    contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
  };
  writeFileSync(path, JSON.stringify(file));
  return path;
}

/** Who has logged in with the link. */
async function userOf(server: TestServer, link: string): Promise<string> {
  const code = decodeURIComponent(new URL(link).hash.replace('#login=', ''));
  const bearer = (token: string) => ({ as: null, headers: { authorization: `Bearer ${token}` } });
  const body = { apiVersion: 'console.k8ts.io/v1alpha1', kind: 'ConsoleSession' };
  const path = '/apis/console.k8ts.io/v1alpha1/consolesessions';
  const session = await server.call('POST', path, { ...bearer(code), body });
  const review = await server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    ...bearer(session.json.status.token),
    body: {},
  });
  return review.json.status.userInfo.username;
}

t.test('a link logs in the user of the kubeconfig', async (t) => {
  const server = await startApiServer({ console: true });
  t.teardown(() => server.close());
  const dir = t.testdir();
  const ann = { kubeconfig: await kubeconfig(dir, server, 'ann'), context: '', as: '' };
  const link = await loginLink(ann, signal);
  t.match(link, new RegExp(`^https://127\\.0\\.0\\.1:${server.port}/console/#login=k8ts-console-code\\.`));
  t.notMatch(new URL(link).search, /./, 'the code is in no query');
  t.equal(await userOf(server, link), 'ann');
  t.equal(await userOf(server, await loginLink({ ...ann, context: 'here' }, signal)), 'ann');
  const admin = { kubeconfig: await kubeconfig(dir, server, 'admin', 'system:masters'), context: '', as: 'bob' };
  t.equal(await userOf(server, await loginLink(admin, signal)), 'bob');
  await t.rejects(loginLink({ ...ann, as: 'bob' }, signal), { code: 'Forbidden', message: /impersonate/ });
  await t.rejects(loginLink({ ...ann, context: 'none' }, signal), {
    code: 'BadRequest',
    message: /context named "none"/,
  });
});

t.test('a server without a console is named', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const file = await kubeconfig(t.testdir(), server, 'admin', 'system:masters');
  await t.rejects(loginLink({ kubeconfig: file, context: '', as: '' }, signal), {
    code: 'NotFound',
    message: /has no console: .*--console=false/,
  });
});
