// Secrets of type kubernetes.io/service-account-token with the real API server and all controllers in this process.
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import t from 'tap';
import { type Secret, secrets, serviceAccounts } from '../../controlplane/api/index';
import { parseJwt } from '../../controlplane/pki/jwt';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

t.setTimeout(60_000);

const namespace = 'default';
const metadata = { name: 'robot', namespace };
const annotation = 'kubernetes.io/service-account.uid';
const tokenSecret = (name: string, account = 'robot'): Secret => ({
  metadata: { name, namespace, annotations: { 'kubernetes.io/service-account.name': account } },
  type: 'kubernetes.io/service-account-token',
});
const decode = (text = '') => Buffer.from(text, 'base64').toString();
const named = (name: string) => ({ namespace, fieldSelector: `metadata.name=${name}` });

/** The status of a request with this token. */
const statusOf = (url: string, ca: string, token: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const sent = request(`${url}/version`, { ca, agent: false, headers: { authorization: `Bearer ${token}` } });
    sent.on('response', (response) => resolve(response.resume().statusCode));
    sent.on('error', reject).end();
  });

t.test('a Secret gets the token of its account, and is deleted with it', async (t) => {
  const { client, server, url, authority } = await openControlPlane(t);
  const account = await client.create(serviceAccounts, { metadata });
  await client.create(secrets, tokenSecret('one'));
  const full = ([secret]: readonly Secret[]) => secret?.data?.['token'] !== undefined;
  const [found] = await eventually(client, secrets, full, named('one'));
  t.equal(found?.metadata?.annotations?.[annotation], account.metadata?.uid);
  t.equal(decode(found?.data?.['namespace']), namespace);
  t.equal(decode(found?.data?.['ca.crt']), await readFile(join(server.pkiDir, 'ca.crt'), 'utf8'));
  const token = decode(found?.data?.['token']);
  t.same(parseJwt(token).claims, {
    iss: 'kubernetes/serviceaccount',
    sub: 'system:serviceaccount:default:robot',
    'kubernetes.io/serviceaccount/namespace': namespace,
    'kubernetes.io/serviceaccount/secret.name': 'one',
    'kubernetes.io/serviceaccount/service-account.name': 'robot',
    'kubernetes.io/serviceaccount/service-account.uid': account.metadata?.uid,
  });
  t.equal(await statusOf(url, authority.cert, token), 200);

  await client.patch(secrets, 'default/one', 'merge', { data: { token: null } });
  await eventually(client, secrets, full, named('one'));
  t.pass('a token that is removed is replaced');

  await client.patch(serviceAccounts, 'default/robot', 'merge', { secrets: [{ name: 'one' }, { name: 'two' }] });
  await client.create(secrets, tokenSecret('two'));
  await eventually(client, secrets, full, named('two'));
  await client.delete(secrets, 'default/two');
  await eventually(client, serviceAccounts, ([one]) => one?.secrets?.length === 1, named('robot'));
  t.pass('the reference to a deleted Secret is removed');

  await client.delete(serviceAccounts, 'default/robot');
  await client.create(serviceAccounts, { metadata });
  await eventually(client, secrets, (all) => all.length === 0, named('one'));
  t.equal(await statusOf(url, authority.cert, token), 401);
  await client.create(secrets, tokenSecret('three', 'missing'));
  await client.create(secrets, tokenSecret('four', '../Robot'));
  await eventually(client, secrets, (all) => !all.some(({ type }) => type?.endsWith('account-token')), { namespace });
  t.pass('Secrets of accounts that do not exist are deleted');
});
