// ServiceAccount tokens over real HTTPS: what their issuer publishes, which tokens it makes, and what a review says about them.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { isSignedBy, keyId, parseJwt, signJwt } from '../../pki/jwt';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const own = 'https://issuer.example.com';
const former = 'https://kubernetes.default.svc.cluster.local';

let server: TestServer;
t.before(async () => {
  const issuer = { issuers: [own, former], apiAudiences: ['api', 'vault'], publicKeys: [pem], maxSeconds: 7200 };
  server = await startApiServer({ issuer, tokenFile: 'secret-token,robot,1,ci\n' });
  await server.call('POST', accounts, { body: { metadata: { name: 'default' } } });
});
t.teardown(() => server.close());

const bearer = (token: string) => ({ as: null, headers: { authorization: `Bearer ${token}` } });
const accounts = '/api/v1/namespaces/default/serviceaccounts';
const request = (spec: object, metadata?: object) =>
  server.call('POST', `${accounts}/default/token`, { body: { spec, ...(metadata ? { metadata } : {}) } });
const claimsOf = (token: string) => parseJwt(token).claims;
const review = async (token: string, audiences?: string[]) =>
  (await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token, audiences } } }))
    .json.status;

t.test('the discovery document and the keys that it names check a token', async (t) => {
  const found = await server.call('GET', '/.well-known/openid-configuration');
  t.equal(found.headers['content-type'], 'application/json');
  t.equal(found.headers['cache-control'], 'public, max-age=3600');
  t.same(found.json, {
    issuer: own,
    jwks_uri: `https://10.9.8.7:${server.port}/openid/v1/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
  });
  const set = await server.call('GET', '/openid/v1/jwks');
  t.equal(set.headers['content-type'], 'application/jwk-set+json');
  t.same(
    set.json.keys.map((key: Record<string, string>) => [key['use'], key['kty'], key['alg'], key['crv']]),
    [
      ['sig', 'EC', 'ES256', 'P-256'],
      ['sig', 'RSA', 'RS256', undefined],
    ],
  );
  t.equal(set.json.keys[1].kid, keyId(rsa.publicKey));
  const jwt = parseJwt((await request({})).json.status.token);
  const key = set.json.keys.find(({ kid }: { kid: string }) => kid === jwt.header['kid']);
  t.ok(isSignedBy(jwt, createPublicKey({ key, format: 'jwk' }), 'ES256'));
  t.equal(jwt.claims.iss, own);
});

t.test('accounts read both documents, other users do not', async (t) => {
  const { token } = (await request({})).json.status;
  for (const path of ['/.well-known/openid-configuration', '/openid/v1/jwks', '/openid/v1/jwks/']) {
    t.equal((await server.call('GET', path, bearer(token))).status, 200, path);
    t.equal((await server.call('GET', path, bearer('secret-token'))).status, 403, path);
    t.equal((await server.call('GET', path, { as: null })).status, 403, path);
  }
});

t.test('an issuer that is no https URL is not discoverable', async (t) => {
  const local = await startApiServer({ issuer: { issuers: ['kubernetes/serviceaccount'] } });
  t.teardown(() => local.close());
  for (const path of ['/.well-known/openid-configuration', '/openid/v1/jwks']) {
    t.equal((await local.call('GET', path)).status, 404, path);
  }
});

t.test('tokens of all issuers and keys of the server are accepted, others are not', async (t) => {
  const made = (await request({})).json.status.token;
  const claims = claimsOf(made);
  const sign = (change: object, key = rsa.privateKey) => signJwt({ ...claims, ...change }, key);
  const status = async (token: string) => (await server.call('GET', '/version', bearer(token))).status;
  t.equal(await status(made), 200);
  t.equal(await status(sign({ iss: former })), 200, 'an earlier issuer, signed with a further key');
  t.equal(await status(sign({ iss: 'https://other.example.com' })), 401);
  t.equal(await status(sign({ aud: 'vault' })), 200, 'the second audience');
  t.equal(await status(sign({ aud: ['bank'] })), 401);
  t.equal(await status(sign({}, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)), 401);
  t.equal(await status(signJwt(claims, rsa.privateKey, 'PS256')), 401, 'a key of RSA counts with RS256 alone');
});

t.test('requests for tokens', async (t) => {
  const now = Math.floor(Date.now() / 1000);
  const plain = (await request({})).json;
  t.same(plain.spec.audiences, ['api', 'vault']);
  t.equal(plain.spec.expirationSeconds, 3600);
  t.match(claimsOf(plain.status.token), {
    aud: ['api', 'vault'],
    sub: 'system:serviceaccount:default:default',
    jti: /^[0-9a-f-]{36}$/,
    'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'default' } },
  });
  const long = await request({ expirationSeconds: 9000, audiences: ['vault'] });
  t.equal(long.json.spec.expirationSeconds, 7200);
  t.match(long.headers['warning'], /requested expiration of 9000 seconds shortened to 7200 seconds/);
  t.ok((claimsOf(long.json.status.token).exp ?? 0) - now < 7200 + 60);
  const cases: [string, object, object | undefined, object][] = [
    [
      'too short',
      { expirationSeconds: 599 },
      undefined,
      {
        code: 422,
        message:
          'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
      },
    ],
    [
      'another name',
      {},
      { name: 'other' },
      {
        code: 422,
        message:
          'TokenRequest.authentication.k8s.io "default" is invalid: metadata.name: Invalid value: "other": must match the service account name if specified',
      },
    ],
    [
      'another namespace',
      {},
      { namespace: 'other' },
      { code: 400, message: /^the namespace of the provided object does not match the namespace sent/ },
    ],
    ['the same names', {}, { name: 'default', namespace: 'default' }, { kind: 'TokenRequest' }],
    [
      'another kind',
      { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } },
      undefined,
      { code: 400, message: 'cannot bind token to object of type /v1, Kind=ConfigMap' },
    ],
    [
      'a missing pod',
      { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'x' } },
      undefined,
      { code: 404, message: 'pods "x" not found' },
    ],
  ];
  for (const [name, spec, metadata, expected] of cases) t.match((await request(spec, metadata)).json, expected, name);
});

t.test('a token of a pod names its pod and node, and lives for a year when it is the one of every pod', async (t) => {
  const node = await server.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'n1' } } });
  const pod = async (name: string, nodeName: string) => {
    const spec = { nodeName, containers: [{ name: 'c', image: 'i' }] };
    const body = { metadata: { name }, spec };
    return (await server.call('POST', '/api/v1/namespaces/default/pods', { body })).json;
  };
  const bound = async (name: string, spec: object) => {
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name };
    return (await request({ boundObjectRef, ...spec })).json;
  };
  const { metadata } = await pod('p', 'n1');
  const year = 365 * 24 * 3600;
  const lasting = await bound('p', { expirationSeconds: 3607 });
  const claims = claimsOf(lasting.status.token);
  t.equal((claims.exp ?? 0) - (claims.iat ?? 0), year);
  t.match(claims['kubernetes.io'], {
    pod: { name: 'p', uid: metadata.uid },
    node: { name: 'n1', uid: node.json.metadata.uid },
    warnafter: (claims.iat ?? 0) + 3607,
  });
  t.equal(
    Date.parse(lasting.status.expirationTimestamp) / 1000,
    (claims.iat ?? 0) + 3607,
    'the kubelet renews it in time',
  );
  for (const spec of [{ expirationSeconds: 3600 }, { expirationSeconds: 3607, audiences: ['bank'] }]) {
    const { exp = 0, iat = 0, ...rest } = claimsOf((await bound('p', spec)).status.token);
    t.equal(exp - iat, spec.expirationSeconds);
    t.notOk((rest['kubernetes.io'] as { warnafter?: number }).warnafter);
  }
  const prefix = 'authentication.kubernetes.io/';
  t.same(await review(lasting.status.token, ['vault', 'bank']), {
    authenticated: true,
    audiences: ['vault'],
    user: {
      username: 'system:serviceaccount:default:default',
      uid: (claims['kubernetes.io'] as { serviceaccount: { uid: string } }).serviceaccount.uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
      extra: {
        [`${prefix}credential-id`]: [`JTI=${claims.jti}`],
        [`${prefix}pod-name`]: ['p'],
        [`${prefix}pod-uid`]: [metadata.uid],
        [`${prefix}node-name`]: ['n1'],
        [`${prefix}node-uid`]: [node.json.metadata.uid],
      },
    },
  });
  await pod('q', 'missing');
  const lost = await bound('q', {});
  t.same((claimsOf(lost.status.token)['kubernetes.io'] as { node: object }).node, { name: 'missing' });
  const { extra } = (await review(lost.status.token)).user;
  t.same([extra[`${prefix}node-name`], extra[`${prefix}node-uid`]], [['missing'], undefined]);
  const wrong = await bound('p', { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: 'u' } });
  t.match(wrong, {
    code: 409,
    message: /^Operation cannot be fulfilled on Pod "p": the UID in the bound object reference/,
  });
});

t.test('reviews of other tokens', async (t) => {
  t.same(await review('secret-token'), {
    authenticated: true,
    user: { username: 'robot', uid: '1', groups: ['ci', 'system:authenticated'] },
    audiences: ['api', 'vault'],
  });
  t.same((await review('secret-token', ['vault', 'bank'])).audiences, ['vault']);
  t.match(await review('secret-token', ['bank']), { authenticated: undefined, user: {} });
  t.match(await review('nonsense'), { authenticated: undefined, user: {}, error: 'invalid bearer token' });
  const empty = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: {} } });
  t.match(empty.json, { code: 400, message: 'token is required for TokenReview in authentication' });
});

t.test('a client certificate has a credential id', async (t) => {
  const { json } = await server.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {} });
  t.match(json.status.userInfo.extra, { 'authentication.kubernetes.io/credential-id': [/^X509SHA256=[0-9a-f]{64}$/] });
});
