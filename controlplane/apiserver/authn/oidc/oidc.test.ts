// Tokens of another issuer over real HTTPS on both sides: which are accepted, as whom, and what the issuer can do to the server.
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { startApiServer, type TestServer } from '../../../../test/lib/api-server';
import { FakeClock } from '../../../../test/lib/fake-clock';
import { rsaKey, startIssuer, type TokenIssuer } from '../../../../test/lib/token-issuer';
import type { KeyPair } from '../../../pki/certificate';
import { issueCertificate } from '../../../pki/issue';
import { type Algorithm, keyId } from '../../../pki/jwt';
import { ensurePki, readAuthority } from '../../../pki/pki';
import type { AuthenticationConfig, JwtIssuer } from './config';
import { minRefreshMs, retryMs } from './issuer-keys';

const keys = { rsa: rsaKey(), ec: generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey };
let serving: KeyPair;
let ca: string;
t.before(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-oidc-'));
  await ensurePki(dir, { advertiseAddress: '10.9.8.7', serviceAddress: '10.96.0.1', clusterDomain: 'cluster.local' });
  const authority = (await readAuthority(dir))!;
  ca = authority.cert;
  serving = await issueCertificate(
    authority,
    { commonName: 'issuer', hosts: ['127.0.0.1'], usages: ['server'] },
    Date.now(),
  );
  await rm(dir, { recursive: true });
});

interface Lab {
  readonly server: TestServer;
  readonly issuer: TokenIssuer;
  readonly clock: FakeClock;
  /** The user of the token; the HTTP status when it is refused. */
  who(token: string): Promise<{ username: string; groups: string[]; uid?: string; extra?: object } | number>;
  review(token: string): Promise<{ authenticated?: boolean; error?: string; audiences?: string[] }>;
}

type Change = (config: JwtIssuer) => JwtIssuer;
const plain: Change = (config) => config;

async function openLab(
  t: Test,
  change = plain,
  further: Partial<AuthenticationConfig> = {},
  algorithms?: Algorithm[],
): Promise<Lab> {
  const clock = new FakeClock(Date.now());
  const issuer = await startIssuer(serving, [keys.rsa, keys.ec], () => clock.now());
  t.teardown(() => issuer.close());
  const jwt = change({
    issuer: { url: issuer.url, audiences: ['app'], certificateAuthority: ca },
    claimMappings: { username: { claim: 'sub', prefix: 'oidc:' }, groups: { claim: 'groups', prefix: 'oidc:' } },
  });
  const authentication = {
    config: { jwt: [jwt], ...further },
    ...(algorithms ? { signingAlgorithms: algorithms } : {}),
  };
  const server = await startApiServer({ authentication, clock });
  t.teardown(() => server.close());
  const reviews = '/apis/authentication.k8s.io/v1';
  const as = (token: string) => ({ as: null, headers: { authorization: `Bearer ${token}` } });
  return {
    server,
    issuer,
    clock,
    who: async (token) => {
      const answer = await server.call('POST', `${reviews}/selfsubjectreviews`, { ...as(token), body: {} });
      return answer.status === 201 ? answer.json.status.userInfo : answer.status;
    },
    review: async (token) =>
      (await server.call('POST', `${reviews}/tokenreviews`, { body: { spec: { token } } })).json.status,
  };
}

/** Asks again until the answer is yes. The limit only turns a hang into a failure. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('the awaited state did not come');
    await setImmediate();
  }
}

/** Waits until the server knows the issuer's keys. */
const discovered = ({ who, issuer }: Lab) => until(async () => (await who(issuer.token({ sub: 'probe' }))) !== 401);

t.test('a token of the issuer authenticates its subject and groups', async (t) => {
  const lab = await openLab(t);
  await discovered(lab);
  const { issuer, who, review, server } = lab;
  t.same(await who(issuer.token({ sub: 'jane', groups: ['dev', 'ops'] })), {
    username: 'oidc:jane',
    groups: ['oidc:dev', 'oidc:ops', 'system:authenticated'],
  });
  t.match(await who(issuer.token({ sub: 'jane', groups: 'dev' })), { groups: ['oidc:dev', 'system:authenticated'] });
  t.same((await review(issuer.token({ sub: 'jane' }))).audiences, ['https://kubernetes.default.svc.cluster.local']);
  const before = issuer.requests.length;
  for (let i = 0; i < 5; i++) await who(issuer.token({ sub: `user-${i}` }));
  t.equal(issuer.requests.length, before, 'the documents are kept');
  const account = await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', {
    body: { metadata: { name: 'bot' } },
  });
  t.equal(account.status, 201);
  const made = await server.call('POST', '/api/v1/namespaces/default/serviceaccounts/bot/token', { body: {} });
  t.match(await who(made.json.status.token), { username: 'system:serviceaccount:default:bot' });
});

t.test('every algorithm with its key, and no other', async (t) => {
  const lab = await openLab(t);
  await discovered(lab);
  const { issuer, who } = lab;
  for (const algorithm of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const) {
    t.match(await who(issuer.token({ sub: algorithm }, { algorithm })), { username: `oidc:${algorithm}` }, algorithm);
  }
  t.match(await who(issuer.token({ sub: 'e' }, { key: keys.ec, algorithm: 'ES384' })), { username: 'oidc:e' });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [, body] = issuer.token({ sub: 'evil' }).split('.');
  const kid = keyId(keys.rsa);
  const unsigned = `${part({ alg: 'none', kid })}.${body}`;
  // The public key as the secret of an HMAC: a server that lets the token choose the algorithm accepts this one.
  const head = part({ alg: 'HS256', kid });
  const forged = createHmac('sha256', await publicPem(lab))
    .update(`${head}.${body}`)
    .digest('base64url');
  const refused: [string, string][] = [
    ['no signature', `${unsigned}.`],
    ['none', `${unsigned}.${Buffer.from('x').toString('base64url')}`],
    ['HMAC with the public key', `${head}.${body}.${forged}`],
    ['a key of another issuer', issuer.token({ sub: 'x' }, { key: rsaKey() })],
    ['a body of another token', issuer.token({ sub: 'x' }).replace(/\.[^.]*\./, `.${body}.`)],
    ['an unknown critical extension', `${part({ alg: 'RS256', kid, crit: ['b64'] })}.${body}.AAAA`],
  ];
  for (const [name, token] of refused) t.equal(await who(token), 401, name);
});

const publicPem = async ({ issuer }: Lab): Promise<string> => {
  const { createPublicKey } = await import('node:crypto');
  return createPublicKey(issuer.published[0]!).export({ type: 'spki', format: 'pem' }).toString();
};

t.test('only the chosen algorithms', async (t) => {
  const lab = await openLab(t, plain, {}, ['RS256']);
  await discovered(lab);
  t.equal(await lab.who(lab.issuer.token({ sub: 'x' }, { algorithm: 'PS256' })), 401);
  t.match(await lab.review(lab.issuer.token({ sub: 'x' }, { key: keys.ec })), { error: /unsupported algorithm/ });
});

t.test('times, audiences and claims', async (t) => {
  const lab = await openLab(t);
  await discovered(lab);
  const { issuer, review, clock } = lab;
  const now = Math.floor(clock.now() / 1000);
  const cases: [string, object, RegExp | undefined][] = [
    ['expired', { exp: now - 1 }, /token is expired/],
    ['no end', { exp: undefined }, /token is expired/],
    ['an end that is no number', { exp: 'tomorrow' }, /token is expired/],
    ['a moment too early', { nbf: now + 30 }, undefined],
    ['too early', { nbf: now + 120 }, /not valid yet/],
    ['one of several audiences', { aud: ['other', 'app'] }, undefined],
    ['another audience', { aud: 'other' }, /expected audience/],
    ['no audience', { aud: undefined }, /expected audience/],
    ['no name', { sub: undefined }, /username claim/],
    ['an empty name', { sub: '' }, /username claim/],
    ['a name that is no text', { sub: 7 }, /username claim/],
    ['groups that are no texts', { groups: [1] }, /groups: expected texts/],
  ];
  for (const [name, claims, error] of cases) {
    const found = await review(issuer.token({ sub: 'jane', ...claims }));
    if (error) t.match(found, { authenticated: undefined, error }, name);
    else t.equal(found.authenticated, true, `${name}: ${found.error}`);
  }
  clock.advance(3601_000);
  t.equal(await lab.who(issuer.token({ sub: 'late', exp: now + 3600 })), 401, 'a token that was valid');
});

t.test('a rotated key is fetched once, and a flood of unknown keys is not passed on', async (t) => {
  const lab = await openLab(t);
  await discovered(lab);
  const { issuer, who, clock } = lab;
  const next = rsaKey();
  const token = (sub: string) => issuer.token({ sub }, { key: next });
  clock.advance(minRefreshMs);
  const before = issuer.requests.length;
  const early = await Promise.all([1, 2, 3, 4].map((i) => who(token(`early-${i}`))));
  t.same(early, [401, 401, 401, 401]);
  t.equal(issuer.requests.length, before + 1, 'one request for all of them');
  issuer.published[0] = next;
  t.equal(await who(token('soon')), 401, 'not before the pause ends');
  clock.advance(minRefreshMs);
  t.match(await who(token('new')), { username: 'oidc:new' });
  t.equal(await who(issuer.token({ sub: 'old' })), 401, 'the old key is no longer published');
  clock.advance(minRefreshMs);
  await issuer.close();
  t.match(await who(token('still')), { username: 'oidc:still' }, 'a silent issuer: its keys stay');
  t.equal(await who(issuer.token({ sub: 'x' }, { key: rsaKey() })), 401);
});

t.test('an issuer that is another one or has no keys authenticates no user, and is asked again', async (t) => {
  const clock = new FakeClock(Date.now());
  const issuer = await startIssuer(serving, [keys.rsa], () => clock.now());
  t.teardown(() => issuer.close());
  const document = '/.well-known/openid-configuration';
  issuer.answers.set(document, { issuer: 'https://evil.example.com', jwks_uri: `${issuer.url}/keys` });
  const jwt: JwtIssuer = {
    issuer: { url: issuer.url, audiences: ['app'], certificateAuthority: ca },
    claimMappings: { username: { claim: 'sub', prefix: '' } },
  };
  const server = await startApiServer({ authentication: { config: { jwt: [jwt] } }, clock });
  t.teardown(() => server.close());
  const status = async () =>
    (
      await server.call('GET', '/version', {
        as: null,
        headers: { authorization: `Bearer ${issuer.token({ sub: 'x' })}` },
      })
    ).status;
  await until(() => issuer.requests.length === 1);
  t.equal(await status(), 401);
  t.same(issuer.requests, [document], 'its keys are not fetched');
  issuer.answers.set(document, { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` });
  issuer.answers.set('/keys', {
    keys: [{ kty: 'oct', k: 'AAAA' }, { kty: 'RSA', n: 'x' }, 7, { kty: 'EC', crv: 'P-256' }],
  });
  const turn = async () => {
    const seen = issuer.requests.length;
    await until(() => {
      clock.advance(retryMs);
      return issuer.requests.length > seen + 1;
    });
  };
  await turn();
  t.equal(await status(), 401, 'unreadable keys are skipped');
  issuer.answers.delete('/keys');
  clock.advance(minRefreshMs);
  t.equal(await status(), 200);
});

t.test('mappings and rules in CEL', async (t) => {
  const lab = await openLab(t, ({ issuer }) => ({
    issuer,
    claimValidationRules: [
      { claim: 'hd', requiredValue: 'example.com' },
      { expression: 'claims.level >= 2', message: 'the level is too low' },
    ],
    claimMappings: {
      username: { expression: 'claims.name + ":" + claims.org' },
      groups: { expression: 'claims.?roles.orValue([]).map(role, "role:" + role)' },
      uid: { claim: 'sub' },
      extra: [{ key: 'example.com/tenant', valueExpression: 'claims.tenant' }],
    },
    userValidationRules: [{ expression: '!user.username.startsWith("system:")', message: 'reserved' }],
  }));
  const { issuer, who, review } = lab;
  const good = { sub: '7', name: 'jane', org: 'acme', hd: 'example.com', level: 2, tenant: 't1', roles: ['a'] };
  await until(async () => (await who(issuer.token(good))) !== 401);
  t.same(await who(issuer.token(good)), {
    username: 'jane:acme',
    uid: '7',
    groups: ['role:a', 'system:authenticated'],
    extra: { 'example.com/tenant': ['t1'] },
  });
  t.match(await who(issuer.token({ ...good, roles: undefined })), { groups: ['system:authenticated'] });
  const cases: [object, RegExp][] = [
    [{ hd: 'other' }, /required claim hd value does not match/],
    [{ hd: undefined }, /required claim hd not present/],
    [{ level: 1 }, /the level is too low/],
    [{ level: 'high' }, /a rule failed/],
    [{ name: 'system', org: 'admin' }, /reserved/],
    [{ name: undefined }, /the expression of username failed: no such key/],
    [{ roles: [1] }, /the expression of groups failed/],
  ];
  for (const [claims, error] of cases) {
    t.match(await review(issuer.token({ ...good, ...claims })), { authenticated: undefined, error }, String(error));
  }
});

t.test('an address of mail must be verified', async (t) => {
  const lab = await openLab(t, ({ issuer }) => ({
    issuer,
    claimMappings: { username: { claim: 'email', prefix: '' } },
  }));
  const { issuer, who } = lab;
  await until(async () => (await who(issuer.token({ email: 'a@b.c' }))) !== 401);
  t.match(await who(issuer.token({ email: 'j@b.c', email_verified: true })), { username: 'j@b.c' });
  for (const email_verified of [false, 'true'])
    t.equal(await who(issuer.token({ email: 'j@b.c', email_verified })), 401);
});

t.test('anonymous requests only where the configuration allows them', async (t) => {
  const paths = ['/livez', '/readyz', '/version'];
  const statuses = async (anonymous: AuthenticationConfig['anonymous']) => {
    const server = await startApiServer({ authentication: { config: anonymous ? { anonymous } : {} } });
    t.teardown(() => server.close());
    return Promise.all(paths.map(async (path) => (await server.call('GET', `${path}?verbose`, { as: null })).status));
  };
  t.same(await statuses(undefined), [200, 200, 200]);
  t.same(await statuses({ enabled: true }), [200, 200, 200]);
  t.same(await statuses({ enabled: true, conditions: [{ path: '/livez' }, { path: '/readyz' }] }), [200, 200, 401]);
  t.same(await statuses({ enabled: false }), [401, 401, 401]);
});
