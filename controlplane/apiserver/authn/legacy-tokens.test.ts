// Tokens of Secrets over real HTTPS. The test plays the controller that fills the Secrets.
import { generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { type ServiceAccount, secrets } from '../../api/index';
import {
  invalidSinceLabel,
  lastUsedLabel,
  legacyClaims,
  serviceAccountTokenType,
} from '../../api/service-account-token';
import { signJwt } from '../../pki/jwt';

const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const core = '/api/v1/namespaces/default';

let server: TestServer;
t.before(async () => {
  server = await startApiServer({ issuer: { publicKeys: [pem], apiAudiences: ['api', 'vault'] } });
});
t.teardown(() => server.close());

const status = async (token: string) =>
  (await server.call('GET', '/version', { as: null, headers: { authorization: `Bearer ${token}` } })).status;
const review = async (token: string, audiences?: string[]) =>
  (await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token, audiences } } }))
    .json.status;
const put = (name: string, token: string, labels = {}) => {
  const annotations = { 'kubernetes.io/service-account.name': name };
  const data = { token: Buffer.from(token).toString('base64') };
  const body = { metadata: { name, annotations, labels }, type: serviceAccountTokenType, data };
  return server.call('PUT', `${core}/secrets/${name}`, { body });
};
/** An account, its Secret of the same name, and the token in it. */
async function open(name: string, change: object = {}): Promise<{ token: string; account: ServiceAccount }> {
  const account: ServiceAccount = (
    await server.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name } } })
  ).json;
  const token = signJwt({ ...legacyClaims(account, name), ...change }, keys.privateKey);
  const annotations = { 'kubernetes.io/service-account.name': name };
  const body = { metadata: { name, annotations }, type: serviceAccountTokenType };
  t.equal((await server.call('POST', `${core}/secrets`, { body })).status, 201);
  return { token, account };
}

t.test('the token of a Secret is its account, for the audiences of the server', async (t) => {
  const { token, account } = await open('robot');
  t.equal(await status(token), 401, 'the Secret has no token yet');
  await put('robot', token);
  t.equal(await status(token), 200);
  const user = {
    username: 'system:serviceaccount:default:robot',
    uid: account.metadata?.uid,
    groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
  };
  t.same(await review(token), { authenticated: true, user, audiences: ['api', 'vault'] });
  t.same((await review(token, ['vault', 'bank'])).audiences, ['vault']);
  t.not((await review(token, ['bank'])).authenticated, true);
});

t.test('a token ends with its Secret, with another token in it, and with its account', async (t) => {
  const { token } = await open('a');
  await put('a', token);
  t.equal(await status(token), 200);
  await put('a', `${token}x`);
  t.equal(await status(token), 401, 'another token');
  await put('a', token);
  t.equal(await status(token), 200);
  await server.call('DELETE', `${core}/secrets/a`);
  t.equal(await status(token), 401, 'no Secret');

  const other = await open('b');
  await put('b', other.token);
  t.equal(await status(other.token), 200);
  await server.call('DELETE', `${core}/serviceaccounts/b`);
  t.equal(await status(other.token), 401, 'no account');
  await server.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'b' } } });
  t.equal(await status(other.token), 401, 'another account of this name');
});

t.test('tokens with wrong claims, and tokens that are marked invalid', async (t) => {
  const wrong = {
    sub: 'system:serviceaccount:default:default',
    'kubernetes.io/serviceaccount/namespace': 'kube-system',
    'kubernetes.io/serviceaccount/secret.name': '',
    'kubernetes.io/serviceaccount/service-account.uid': undefined,
    iss: 'other',
    aud: ['bank'],
  };
  for (const [index, [name, value]] of Object.entries(wrong).entries()) {
    const { token } = await open(`wrong-${index}`, { [name]: value });
    await put(`wrong-${index}`, token);
    t.equal(await status(token), 401, name);
  }
  const { token } = await open('old');
  await put('old', token, { [invalidSinceLabel]: '2026-01-01' });
  t.equal(await status(token), 401);
  await put('old', token);
  t.equal(await status(token), 200, 'without the label');
});

t.test('the day of the last use is a label', async (t) => {
  const { token } = await open('used');
  await put('used', token, { [lastUsedLabel]: '2026-01-01' });
  const watch = await server.watch(`${core}/secrets?watch=1&fieldSelector=metadata.name%3Dused`);
  t.teardown(() => watch.close());
  const day = async () => (await watch.next()).object.metadata.labels[lastUsedLabel];
  t.equal(await day(), '2026-01-01');
  t.equal(await status(token), 200);
  t.match(await day(), /^\d{4}-\d\d-\d\d$/);
  const { resourceVersion } = server.cache.kind(secrets).get('default/used')!.object.metadata!;
  await Promise.all(Array.from({ length: 5 }, () => status(token)));
  await server.call('POST', `${core}/secrets`, { body: { metadata: { name: 'later' } } });
  t.equal(server.cache.kind(secrets).get('default/used')!.object.metadata!.resourceVersion, resourceVersion);
});
