import t from 'tap';
import { checkRequest, hostAndPort, maxPayloadBytes, type ProbeRequest } from './request';

const tcp: ProbeRequest = { protocol: 'tcp', address: '10.0.0.1', port: 80, timeoutMs: 1_000 };
const http: ProbeRequest = { ...tcp, protocol: 'http', http: { host: 'a.example', path: '/x?y=1' } };

t.test('requests that are accepted', async (t) => {
  const good: readonly ProbeRequest[] = [
    tcp,
    { ...tcp, timeoutMs: 5_000, sourcePort: 65_535, sourceAddress: '10.0.0.2', size: 0 },
    { ...tcp, address: '::1', sourceAddress: 'fd00::1' },
    { protocol: 'icmp', address: '::1', timeoutMs: 1, size: 65_507 },
    { ...tcp, protocol: 'udp', payload: Buffer.alloc(maxPayloadBytes) },
    { ...tcp, payload: Buffer.from('?') },
    http,
    { ...http, protocol: 'https', http: { host: '[::1]:443', path: '/', serverName: 'a.example' } },
    { ...tcp, protocol: 'https' },
  ];
  for (const request of good) t.doesNotThrow(() => checkRequest(request));
});

t.test('a wrong field is named', async (t) => {
  const cases: readonly [string, Partial<ProbeRequest>, base?: ProbeRequest][] = [
    ['address', { address: 'localhost' }],
    ['address', { address: 'fe80::1%eth0' }],
    ['address', { address: '' }],
    ['timeoutMs', { timeoutMs: 0 }],
    ['timeoutMs', { timeoutMs: 5_001 }],
    ['timeoutMs', { timeoutMs: Number.NaN }],
    ['port', { port: undefined }],
    ['port', { port: 0 }],
    ['port', { protocol: 'icmp' }],
    ['sourcePort', { protocol: 'icmp', port: undefined, sourcePort: 1 }],
    ['sourcePort', { sourcePort: 65_536 }],
    ['sourceAddress', { sourceAddress: '::1' }],
    ['sourceAddress', { address: '::1', sourceAddress: 'fe80::1%lo' }],
    ['payload', { payload: Buffer.from('x') }, http],
    ['payload', { protocol: 'udp', payload: Buffer.alloc(maxPayloadBytes + 1) }],
    ['size', { protocol: 'udp', size: 1 }],
    ['size', { size: 65_508 }],
    ['size', { size: 1.5 }],
    ['http', { http: http.http }],
    ['http.host', { http: { host: 'a\r\nb: c', path: '/' } }, http],
    ['http.host', { http: { host: '', path: '/' } }, http],
    ['http.path', { http: { host: 'a', path: 'x' } }, http],
    ['http.path', { http: { host: 'a', path: '/ HTTP/1.1' } }, http],
    ['http.path', { http: { host: 'a', path: '/\n' } }, http],
    ['http.serverName', { http: { host: 'a', path: '/', serverName: '10.0.0.1' } }, http],
  ];
  for (const [field, change, base = tcp] of cases) {
    const request = { ...base, ...change } as ProbeRequest;
    t.throws(() => checkRequest(request), { code: 'BadRequest', message: new RegExp(`^${field} of a probe`) }, field);
  }
});

t.test('a host with its port as a URL writes it', async (t) => {
  t.equal(hostAndPort(tcp), '10.0.0.1:80');
  t.equal(hostAndPort({ address: '::1', port: 8080 }), '[::1]:8080');
});
