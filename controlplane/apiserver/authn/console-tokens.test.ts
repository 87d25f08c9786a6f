// Logins to the console over HTTPS: what a code and a session are good for, and how long.
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type Answer, type CallOptions, startApiServer, type TestServer } from '../../../test/lib/api-server';
import { FakeClock } from '../../../test/lib/fake-clock';
import { consoleSessionsPath as sessionsPath } from '../../api/console';
import { signJwt } from '../../pki/jwt';
import { ConsoleTokens } from './console-tokens';

const loginsPath = '/apis/console.k8ts.io/v1alpha1/consolelogins';
const whoPath = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const apiVersion = 'console.k8ts.io/v1alpha1';
const body = { apiVersion, kind: 'ConsoleLogin' };
/** To `whoPath` and to `sessionsPath`. */
const bearer = (token: string, kind?: string): CallOptions => ({
  body: kind ? { apiVersion, kind } : {},
  as: null,
  headers: { authorization: `Bearer ${token}` },
});
const exchange = (server: TestServer, token: string) =>
  server.call('POST', sessionsPath, bearer(token, 'ConsoleSession'));
const who = (server: TestServer, token: string): Promise<Answer> => server.call('POST', whoPath, bearer(token));
const nameOf = ({ json }: Answer): string => json.status.userInfo.username;
const payloadOf = (token: string) => JSON.parse(Buffer.from(token.split('.').at(-2)!, 'base64url').toString());

async function sessionOf(server: TestServer, options: CallOptions): Promise<string> {
  const login = await server.call('POST', loginsPath, { ...options, body });
  const session = await exchange(server, login.json.status.code);
  return session.json.status.token;
}

t.test('a code, its session, and requests as the user', async (t) => {
  const server = await startApiServer({ console: true });
  t.teardown(() => server.close());
  const ann = await server.identity('ann', 'dev');
  const login = await server.call('POST', loginsPath, { body, as: ann });
  t.equal(login.status, 201);
  const { code, expirationTimestamp } = login.json.status;
  const secondsLeft = (Date.parse(expirationTimestamp) - Date.now()) / 1000;
  t.ok(secondsLeft > 50 && secondsLeft <= 60, `${secondsLeft} s`);

  await t.test('the code is for the exchange alone', async (t) => {
    for (const path of [
      whoPath,
      loginsPath,
      `${sessionsPath}/`,
      '/apis/console.k8ts.io/v1alpha1/x/../consolesessions',
    ]) {
      t.equal((await server.call('POST', path, bearer(code))).status, 401, path);
    }
    t.equal((await server.call('GET', '/api/v1/namespaces', bearer(code))).status, 401);
  });

  await t.test('the session is the user', async (t) => {
    const { status, json } = await exchange(server, code);
    t.equal(status, 201);
    const hours = (Date.parse(json.status.expirationTimestamp) - Date.now()) / 3_600_000;
    t.ok(hours > 11.9 && hours <= 12, `${hours} h`);
    const { token } = json.status;
    const found = await who(server, token);
    t.match(found.json.status.userInfo, { username: 'ann', groups: ['dev', 'system:authenticated'] });
    t.match(found.json.status.userInfo.extra['authentication.kubernetes.io/credential-id'], [/^JTI=/]);
    t.equal((await server.call('GET', '/api/v1/namespaces', bearer(token))).status, 403, 'ann may not');
    const review = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      body: { spec: { token } },
    });
    t.match(review.json.status, { authenticated: true, user: { username: 'ann' } });
  });

  await t.test('an impersonated user gets a login of that user', async (t) => {
    const headers = { 'impersonate-user': 'bob', 'impersonate-group': ['ops'] };
    const token = await sessionOf(server, { headers });
    const found = await who(server, token);
    t.match(found.json.status.userInfo, { username: 'bob', groups: ['ops', 'system:authenticated'] });
  });

  await t.test('ServiceAccounts, nodes and anonymous users get none', async (t) => {
    const as = (name: string) => server.call('POST', loginsPath, { body, headers: { 'impersonate-user': name } });
    const account = await as('system:serviceaccount:default:default');
    t.match(account, { status: 403, json: { message: /a ServiceAccount gets no login .* kubectl create token/ } });
    t.match(await as('system:node:n1'), { status: 403 });
    t.match(await as('system:bootstrap:abcdef'), { status: 403 });
    t.match(await server.call('POST', loginsPath, { body, as: null }), { status: 403 });
    t.match(await server.call('POST', sessionsPath, { body: { apiVersion, kind: 'ConsoleSession' }, as: null }), {
      status: 403,
    });
  });

  await t.test('a session and a ServiceAccount token never stand for each other', async (t) => {
    const session = await sessionOf(server, { as: ann });
    const inner = session.slice('k8ts-console-session.'.length);
    const accounts = '/api/v1/namespaces/default/serviceaccounts';
    await server.call('POST', accounts, { body: { metadata: { name: 'robot' } } });
    const requested = await server.call('POST', `${accounts}/robot/token`, {
      body: { spec: { audiences: ['console.k8ts.io/session', 'https://kubernetes.default.svc.cluster.local'] } },
    });
    const account: string = requested.json.status.token;
    t.equal((await who(server, account)).status, 201, 'a token of the account');
    const swapped = [
      inner,
      `k8ts-console-code.${inner}`,
      `k8ts-console-session.${account}`,
      `k8ts-console-session.${code}`,
    ];
    for (const token of swapped) {
      t.equal((await who(server, token)).status, 401, token.slice(0, 30));
      t.equal((await exchange(server, token)).status, 401, token.slice(0, 30));
    }
    const codeAsSession = `k8ts-console-session.${code.slice('k8ts-console-code.'.length)}`;
    t.equal((await who(server, codeAsSession)).status, 401, 'a code is no session');
    const sessionAsCode = `k8ts-console-code.${inner}`;
    t.equal((await exchange(server, sessionAsCode)).status, 401, 'a session is no code');
  });

  await t.test('a changed or foreign signature is refused', async (t) => {
    const session = await sessionOf(server, { as: ann });
    const other = await startApiServer({ console: true });
    t.teardown(() => other.close());
    t.equal((await who(other, session)).status, 401, 'the key of another cluster');
    const [prefix, head, , signature] = session.split('.');
    const claims = { ...payloadOf(session), sub: 'root' };
    const forged = [prefix, head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    t.equal((await who(server, forged)).status, 401);
  });
});

t.test('times', async (t) => {
  const clock = new FakeClock(Date.now());
  const server = await startApiServer({ console: true, clock, tokenFile: 'secret,ann,1,dev' });
  t.teardown(() => server.close());
  const ann = bearer('secret');
  const login = await server.call('POST', loginsPath, { ...ann, body });
  const session = await sessionOf(server, ann);
  clock.step(61_000);
  t.equal((await exchange(server, login.json.status.code)).status, 401, 'after a minute');
  t.equal(nameOf(await who(server, session)), 'ann');
  clock.step(11 * 3_600_000);
  const further = await sessionOf(server, bearer(session));
  t.equal(payloadOf(further).exp, payloadOf(session).exp, 'a session of a session lasts no longer');
  clock.step(3_600_000);
  for (const token of [session, further]) t.equal((await who(server, token)).status, 401);
});

t.test('a login lasts no longer than the certificate that asked for it', async (t) => {
  const server = await startApiServer({ console: true });
  t.teardown(() => server.close());
  const key = createPrivateKey(await readFile(join(server.pkiDir, 'sa.key'), 'utf8'));
  const tokens = new ConsoleTokens({ signing: key, verifying: [] }, { now: () => 1_000_000 });
  const user = { name: 'ann', groups: [], endsMs: 1_030_000 };
  t.equal(tokens.issueSession(user).expiresMs, 1_030_000);
  t.equal(tokens.issueCode(user).expiresMs, 1_030_000);
  t.equal(payloadOf(tokens.issueCode(user).token)['console.k8ts.io/user'].endsMs, 1_030_000, 'the session keeps it');
  const groups = Array.from({ length: 2000 }, (_, i) => `group-${i}`);
  t.throws(() => tokens.issueSession({ name: 'ann', groups }), { code: 'BadRequest', message: /too many groups/ });
  t.ok(signJwt({}, key), 'the key signs');
});

t.test('two servers accept the logins of each other; without a console there are none', async (t) => {
  const pkiDir = t.testdir();
  const one = await startApiServer({ console: true, pkiDir });
  t.teardown(() => one.close());
  const second = await startApiServer({ console: true, pkiDir });
  t.teardown(() => second.close());
  const without = await startApiServer({ pkiDir });
  t.teardown(() => without.close());
  const ann = await one.identity('ann');
  const login = await one.call('POST', loginsPath, { body, as: ann });
  const session = await exchange(second, login.json.status.code);
  t.equal(nameOf(await who(one, session.json.status.token)), 'ann');
  t.equal((await who(without, session.json.status.token)).status, 401);
  t.equal((await without.call('POST', loginsPath, { body })).status, 404);
  t.notMatch((await without.call('GET', '/apis')).text, /console/);
});
