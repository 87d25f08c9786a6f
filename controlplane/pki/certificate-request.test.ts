import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { dayMs, whyReplace } from './certificate';
import { createRequest, parseRequest } from './certificate-request';
import { createAuthority } from './issue';
import { signRequest } from './sign-request';
import { clientUsages, refusals, servingUsages, signers } from './signers';
import { certificateUsages } from './usages';

const nodeName = { commonName: 'system:node:worker-1', organizations: ['system:nodes'] };

/** Created with `openssl req -new -newkey rsa:2048`, subject /O=a/O=b/CN=jane, with one name of each type. */
const rsaRequest = `-----BEGIN CERTIFICATE REQUEST-----
MIICuTCCAaECAQAwJzEKMAgGA1UECgwBYTEKMAgGA1UECgwBYjENMAsGA1UEAwwE
amFuZTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAIcCvn19yN0OK0vK
RycUAZNGJ6YS5BFaVTDwSlo6gzPnIBCIAMln5RD3x77xl5xhIYgZgGUOt6V0X18c
BfRTRw/YDjlJWQilZhX8/QTTe2w6r2HVq0vozNllmNB3aLGwtjwj/nzCDfirmRDi
Ff2xkYQytOsOEnyqhyc4PxdviM1XdTSmU3o5bP5y2+qaHeXXGMvgqAhHHq+/BYo6
yzeR1gMbr8z2Dc5kHkTGAInDQmXQvnI73fEg6qiVAkbpGXfzJJpnUYVl5sPbjUTl
LWafje+K3Ht56G8j1RChlxh1JWSuQdTk8FdAeVyNYIQyvVCdTOWi+QwnngDMP80+
0x19gF8CAwEAAaBNMEsGCSqGSIb3DQEJDjE+MDwwOgYDVR0RBDMwMYIJeC5leGFt
cGxlhwTAAAIBgRBqYW5lQGV4YW1wbGUuY29thgxzcGlmZmU6Ly9hL2IwDQYJKoZI
hvcNAQELBQADggEBAH6yTYBtEpmhrsfLlSmDVbpYvKkAyfnQQCspHxaI/qGHMIYP
xUSRHyBV6X7ojQOBXdsIsUjPoMCzvQ5BWYuE73+4MBnhsjQXF5hG/y4CscLgcvRX
SLkaRA82xO8T8+UQFq6xOx4+h7XpKeEoDwMvXfsKWWzN1CR60A3e8nJbxKBu1N1T
YaivBeocM0/Qdc/5GJZoNHCCnn5JZabhPTY5nrbN+o4/g3u9doKRPDqFn+ibO7FS
xBtS7TqFDvNY7rMZtnfCtws19jTOBMr+zohM/KbLVnPlNsEsv3MJUc4Q7Z/zUALv
lpeW/c4L1jVyoQ/twxlqWcNg37OIH9hBRRyuhEk=
-----END CERTIFICATE REQUEST-----
`;

t.test('a request is parsed as it was created', async (t) => {
  const made = await createRequest({ ...nodeName, hosts: ['worker-1', '192.168.56.11', 'fd00::b'] });
  t.match(parseRequest(made.request), {
    commonName: 'system:node:worker-1',
    organizations: ['system:nodes'],
    dnsNames: ['worker-1'],
    emailAddresses: [],
    uris: [],
  });
  t.same(parseRequest(made.request).ipAddresses.length, 2);
  t.match(parseRequest(rsaRequest), {
    commonName: 'jane',
    organizations: ['a', 'b'],
    dnsNames: ['x.example'],
    ipAddresses: ['192.0.2.1'],
    emailAddresses: ['jane@example.com'],
    uris: ['spiffe://a/b'],
  });
});

t.test('malformed requests, and requests with a wrong signature', async (t) => {
  const { request } = await createRequest(nodeName);
  const body = Buffer.from(request.replace(/-----.*-----|\n/g, ''), 'base64');
  const pem = (der: Buffer) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  t.doesNotThrow(() => parseRequest(pem(body)));
  // Another name under the same signature: a 'w' of worker becomes an 'x'.
  const forged = Buffer.from(body);
  forged[forged.indexOf('worker-1')] = 'x'.charCodeAt(0);
  t.throws(() => parseRequest(pem(forged)), { code: 'BadRequest', message: /not signed with its own key/ });
  t.throws(() => parseRequest(pem(body.subarray(0, 40))), { code: 'BadRequest', message: /not a certificate request/ });
  t.throws(() => parseRequest('hello'), { code: 'BadRequest', message: /PEM block type/ });
  t.throws(() => parseRequest(request.replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')), { message: /PEM block type/ });
});

t.test('a signed request: names, usages, lifetime, and never a CA', async (t) => {
  const nowMs = Date.now();
  const authority = await createAuthority('kubernetes', nowMs);
  const made = await createRequest({ ...nodeName, hosts: ['worker-1', '192.168.56.11'] });
  const terms = { usages: servingUsages, lifetimeMs: 2 * dayMs };
  const cert = await signRequest(authority, parseRequest(made.request), terms, nowMs);
  const read = new X509Certificate(cert);
  t.equal(read.subject, 'O=system:nodes\nCN=system:node:worker-1');
  t.ok(read.checkHost('worker-1'));
  t.ok(read.checkIP('192.168.56.11'));
  t.equal(read.ca, false);
  t.same(read.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  t.equal(Date.parse(read.validTo), Math.floor((nowMs + 2 * dayMs) / 1000) * 1000);
  const wanted = { ...nodeName, usages: ['server' as const], hosts: ['worker-1'] };
  const pair = { cert, key: made.key };
  t.equal(whyReplace(pair, wanted, authority.cert, nowMs, dayMs), undefined);
  t.match(whyReplace(pair, wanted, authority.cert, nowMs, 3 * dayMs), /it ends on/);
  const rsa = await signRequest(
    authority,
    parseRequest(rsaRequest),
    { usages: clientUsages, lifetimeMs: dayMs },
    nowMs,
  );
  t.match(new X509Certificate(rsa).subjectAltName, /URI:spiffe:\/\/a\/b/);
  const long = { usages: clientUsages, lifetimeMs: 9999 * dayMs };
  const cut = new X509Certificate(await signRequest(authority, parseRequest(made.request), long, nowMs));
  t.equal(cut.validTo, new X509Certificate(authority.cert).validTo, 'not longer than the CA');
  await t.rejects(signRequest(authority, parseRequest(made.request), terms, nowMs + 4000 * dayMs), {
    code: 'BadRequest',
    message: /the authority ended/,
  });
  t.throws(() => certificateUsages(['client auth', 'world peace']), { code: 'BadRequest', message: /world peace/ });
});

t.test('requests that each signer refuses', async (t) => {
  const request = (fields: object) => ({
    commonName: 'system:node:a',
    organizations: ['system:nodes'],
    dnsNames: [],
    ipAddresses: [],
    emailAddresses: [],
    uris: [],
    raw: parseRequest(rsaRequest).raw,
    ...fields,
  });
  const dns = { dnsNames: ['a'] };
  const agent = { commonName: 'system:dns', organizations: [] };
  const cases: Array<[keyof typeof signers, object, readonly string[], RegExp | undefined]> = [
    ['kubeletClient', {}, clientUsages, undefined],
    ['kubeletClient', {}, [...clientUsages, 'key encipherment'], undefined],
    ['kubeletClient', {}, [...clientUsages, 'server auth'], /usages/],
    ['kubeletClient', {}, ['client auth'], /usages/],
    ['kubeletClient', { organizations: ['system:nodes', 'system:masters'] }, clientUsages, /organization/],
    ['kubeletClient', { organizations: [] }, clientUsages, /organization/],
    ['kubeletClient', { commonName: 'system:node:' }, clientUsages, /common name/],
    ['kubeletClient', { commonName: 'admin' }, clientUsages, /common name/],
    ['kubeletClient', dns, clientUsages, /DNS/],
    ['kubeletClient', { uris: ['a:b'] }, clientUsages, /URI/],
    ['kubeletServing', dns, servingUsages, undefined],
    ['kubeletServing', { ipAddresses: ['192.0.2.1'] }, [...servingUsages, 'key encipherment'], undefined],
    ['kubeletServing', {}, servingUsages, /required/],
    ['kubeletServing', dns, clientUsages, /usages/],
    ['kubeletServing', { ...dns, emailAddresses: ['a@b'] }, servingUsages, /Email/],
    ['nodeAgent', agent, clientUsages, undefined],
    ['nodeAgent', { ...agent, commonName: 'system:kube-scheduler' }, clientUsages, /must be one of system:kube-proxy/],
    ['nodeAgent', { ...agent, organizations: ['system:masters'] }, clientUsages, /organization/],
    ['nodeAgent', { ...agent, ...dns }, clientUsages, /DNS/],
    ['apiserverClient', { commonName: 'jane', organizations: ['dev'] }, ['client auth'], undefined],
    ['apiserverClient', { organizations: ['system:masters'] }, ['client auth'], /system:masters/],
    ['apiserverClient', {}, ['server auth'], /invalid usage/],
    ['apiserverClient', {}, ['digital signature'], /missing required/],
  ];
  for (const [signer, fields, usages, expected] of cases) {
    const answer = refusals[signers[signer]]({ request: request(fields), usages });
    const name = `${signer} ${JSON.stringify(fields)} ${usages.join()}`;
    if (expected) t.match(answer, expected, name);
    else t.equal(answer, undefined, name);
  }
});
