// Users in headers of a front proxy, over HTTPS, with kube-apiserver's answers; and the same headers from anyone else.
import t, { type Test } from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import type { KeyPair } from '../../pki/certificate';
import { createAuthority, issueCertificate } from '../../pki/issue';
import { type FrontProxyConfig, identityHeaders } from './front-proxy';

t.setTimeout(120_000);

const names = {
  allowedNames: ['front-proxy-client'],
  usernameHeaders: ['X-Remote-User', 'X-Other-User'],
  uidHeaders: ['X-Remote-Uid'],
  groupHeaders: ['X-Remote-Group', 'X-Other-Group'],
  extraHeaderPrefixes: ['X-Remote-Extra-', 'X-Other-Extra-'],
};
// As bytes: Node.js would write the headers before a text in UTF-8.
const body = Buffer.from(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }));

async function open(t: Test, change: Partial<FrontProxyConfig> = {}) {
  const authority = await createAuthority('front-proxy', Date.now());
  const config = { ...names, ca: authority.cert, ...change };
  const server = await startApiServer({ frontProxy: config, tokenFile: 'secret,teller,u7,"staff"\n' });
  t.teardown(() => server.close());
  const issue = (commonName: string, by = authority) =>
    issueCertificate(by, { commonName, usages: ['client'] }, Date.now());
  const ask = async (as: KeyPair | null, headers: Record<string, string | string[]>) => {
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const { status, json } = await server.call('POST', path, {
      body,
      as,
      headers: headers as Record<string, string>,
    });
    return status === 201 ? json.status.userInfo : status;
  };
  return { server, issue, ask, proxy: await issue('front-proxy-client') };
}

t.test('a front proxy names the user', async (t) => {
  const { ask, proxy, server } = await open(t);
  t.same(
    await ask(proxy, {
      'X-Remote-User': 'jane',
      'X-Remote-Group': ['a', 'b,c', ''],
      'X-Other-Group': 'd',
      'X-Remote-Extra-Foo%2fBar': ['1', '2'],
      'X-Other-Extra-foo%2Fbar': '3',
      'X-Remote-Extra-100%': 'x',
      'X-Remote-Uid': 'u1',
    }),
    {
      username: 'jane',
      uid: 'u1',
      groups: ['a', 'b,c', 'd', 'system:authenticated'],
      extra: { 'foo/bar': ['1', '2', '3'], '100%': ['x'] },
    },
  );
  t.same(await ask(proxy, { 'X-Remote-User': '', 'X-Other-User': 'joe' }), {
    username: 'joe',
    groups: ['system:authenticated'],
  });
  const utf8 = Buffer.from('jäne').toString('latin1');
  t.match(await ask(proxy, { 'X-Remote-User': utf8 }), { username: 'jäne' });
  t.equal(await ask(proxy, { 'X-Remote-User': 'system:anonymous' }), 403, 'not authenticated, as upstream');
  t.match(
    await ask(proxy, { 'X-Remote-User': 'root', 'X-Remote-Group': 'system:masters', 'Impersonate-User': 'bob' }),
    { username: 'bob' },
    'such a user may impersonate',
  );
  t.match(await ask(proxy, { 'X-Remote-User': 'jane', authorization: 'Bearer wrong' }), { username: 'jane' });
  const forbidden = await server.call('GET', '/api/v1/nodes', { as: proxy, headers: { 'X-Remote-User': 'jane' } });
  t.equal(forbidden.status, 403);
});

t.test('without a name the certificate counts for nothing, but a token does', async (t) => {
  const { ask, proxy } = await open(t);
  t.equal(await ask(proxy, {}), 401);
  t.equal(await ask(proxy, { 'X-Remote-User': '', 'X-Remote-Group': 'system:masters' }), 401);
  t.equal(await ask(proxy, { authorization: 'Bearer wrong' }), 401);
  t.match(await ask(proxy, { authorization: 'Bearer secret' }), { username: 'teller' });
});

t.test('others cannot name a user', async (t) => {
  const { ask, issue, server } = await open(t);
  const headers = { 'X-Remote-User': 'root', 'X-Remote-Group': 'system:masters' };
  t.match(await ask(await server.identity('jane', 'devs'), headers), {
    username: 'jane',
    groups: ['devs', 'system:authenticated'],
  });
  t.match(
    await ask(await server.identity('front-proxy-client'), headers),
    { username: 'front-proxy-client' },
    'the name of a front proxy, but of the authority of users',
  );
  t.equal(await ask(await issue('another'), headers), 401, 'a name that is not allowed');
  t.equal(await ask(null, headers), 403, 'without a certificate: anonymous');
  t.match(await ask(null, { ...headers, authorization: 'Bearer secret' }), { username: 'teller' });
  const impostor = await createAuthority('front-proxy', Date.now());
  t.equal(await ask(await issue('front-proxy-client', impostor), headers), 401, 'an authority of the same name');
});

t.test('any name is allowed, and no name without headers to look at', async (t) => {
  const any = await open(t, { allowedNames: [] });
  t.match(await any.ask(await any.issue('another'), { 'X-Remote-User': 'jane' }), { username: 'jane' });
  const none = await open(t, { usernameHeaders: [] });
  t.equal(await none.ask(none.proxy, { 'X-Remote-User': 'jane' }), 401);
});

t.test('a server without front proxies', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const authority = await createAuthority('front-proxy', Date.now());
  const as = await issueCertificate(authority, { commonName: 'front-proxy-client', usages: ['client'] }, Date.now());
  const headers = { 'X-Remote-User': 'root' };
  t.equal((await server.call('GET', '/api/v1/nodes', { as, headers })).status, 401);
});

t.test('aggregated servers learn the further front proxy', async (t) => {
  const { server } = await open(t);
  const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
  const { data } = (await server.call('GET', path)).json;
  t.match(data, {
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-username-headers': '["X-Remote-User","X-Other-User"]',
    'requestheader-group-headers': '["X-Remote-Group","X-Other-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-","X-Other-Extra-"]',
  });
  t.equal(data['requestheader-client-ca-file'].match(/BEGIN CERTIFICATE/g).length, 2);
});

t.test('which headers are passed on to nothing', async (t) => {
  const dropped = (config?: FrontProxyConfig) =>
    [
      'x-remote-user',
      'x-remote-uid',
      'x-remote-group',
      'x-remote-extra-a',
      'x-remote-address',
      'x-other-user',
      'x-other-extra-b',
      'host',
    ].filter(identityHeaders(config));
  const usual = ['x-remote-user', 'x-remote-uid', 'x-remote-group', 'x-remote-extra-a'];
  t.same(dropped(), usual);
  t.same(dropped({ ...names, ca: '' }), [...usual, 'x-other-user', 'x-other-extra-b']);
});
