import t from 'tap';
import { isSignedWith, pinOf, readClusterInfo, renderClusterInfo, signClusterInfo } from './cluster-info';
import { createAuthority } from './issue';

const id = 'abcdef';
const secret = '0123456789abcdef';

t.test('cluster-info has the server and the CA', async (t) => {
  const { cert } = await createAuthority('kubernetes', Date.now());
  const info = { server: 'https://192.168.56.10:6443', caPem: cert };
  t.strictSame(readClusterInfo(renderClusterInfo(info)), info);
  for (const text of ['', 'clusters: []', 'a: [', renderClusterInfo({ ...info, caPem: 'none' })]) {
    t.throws(() => readClusterInfo(text), { code: 'BadRequest' }, JSON.stringify(text.slice(0, 20)));
  }
});

t.test('a signature holds for one text, one token and one secret', async (t) => {
  const text = 'apiVersion: v1\nkind: Config\n';
  const signature = signClusterInfo(text, id, secret);
  t.match(signature, /^[\w-]+\.\.[\w-]{43}$/, 'detached');
  t.ok(isSignedWith(text, signature, id, secret));
  t.notOk(isSignedWith(`${text} `, signature, id, secret), 'another text');
  t.notOk(isSignedWith(text, signature, 'ghijkl', secret), 'another token');
  t.notOk(isSignedWith(text, signature, id, 'fedcba9876543210'), 'another secret');
  const [header, , value] = signature.split('.');
  const none = Buffer.from('{"alg":"none","kid":"abcdef"}').toString('base64url');
  for (const wrong of ['', '..', `${header}..`, `${none}..${value}`, `${header}.x.${value}`, `!..${value}`]) {
    t.notOk(isSignedWith(text, wrong, id, secret), wrong);
  }
});

t.test('the signature follows RFC 7515 with detached content', async (t) => {
  // Computed once with python3: hmac over base64url('{"alg":"HS256","kid":"abcdef"}') + '.' + base64url('hello').
  t.equal(
    signClusterInfo('hello', id, secret),
    'eyJhbGciOiJIUzI1NiIsImtpZCI6ImFiY2RlZiJ9..MxsnbCjBaYzcbNIFa06F-wuF9LX26rhMlrL4zA1511s',
  );
});

t.test("the pin is openssl's hash of the public key", async (t) => {
  // openssl x509 -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256
  const pem = `-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUNsLIWHm60mZoRGWAcjoF5ub9ey4wCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKa3ViZXJuZXRlczAeFw0yNjExMjMxNTQ3MDJaFw0zNjExMjAx
NTQ3MDJaMBUxEzARBgNVBAMMCmt1YmVybmV0ZXMwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASw3hiB6Zerd/+4V2K5ovcbGxi4I2/ziP6gyoJc1/IHmECg83R7ibt3
h6mYJUTa14Kc3pmg5YrAxNEHM65UW5Zeo1MwUTAdBgNVHQ4EFgQUcjXPN5FBdwI6
97LPTBgT5n7HGoMwHwYDVR0jBBgwFoAUcjXPN5FBdwI697LPTBgT5n7HGoMwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA/jsS20WxGRNCgj6UsmBg
V7OUhNjo7fjjwNzN4VFaAx4CIQDSXXRz0Pq04YTixCTUEWqaluK6f6qcTpcv27aW
MmQ1kQ==
-----END CERTIFICATE-----
`;
  t.equal(pinOf(pem), 'sha256:b2abb6e6e211f7881be22d630d57bab9a3dd341ed3ebd81855e435c20507c8f3');
});
