import t from 'tap';
import { fc, fuzz, mutatedBytes } from '../../test/lib/fuzz';
import { describeSpeech, maxHeadBytes, parseHead, renderHead } from './http-text';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const at = { address: '10.0.0.1', port: 80 };

t.test('the request names its host, and ends the connection', async (t) => {
  const text = renderHead({ ...at, http: { host: 'shop', path: '/a' } }).toString();
  t.equal(text, 'HEAD /a HTTP/1.1\r\nHost: shop\r\nUser-Agent: k8ts-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n');
  t.match(renderHead({ address: '::1', port: 80 }).toString(), /^HEAD \/ HTTP\/1.1\r\nHost: \[::1\]:80\r\n/);
});

t.test('padding reaches the size, in lines that servers accept', async (t) => {
  for (const size of [1, 110, 120, 1_400, 4_099, 9_000, 65_507]) {
    const request = renderHead({ ...at, size });
    t.ok(request.length >= size, `${size}`);
    t.ok(request.length <= Math.max(size, 100) + 20, `${size} becomes ${request.length}`);
    t.ok(request.toString().endsWith('\r\n\r\n'));
    t.ok(
      Math.max(
        ...request
          .toString()
          .split('\r\n')
          .map((line) => line.length),
      ) <= 4_096,
    );
  }
});

t.test('heads of answers', async (t) => {
  const cases = {
    full: ['HTTP/1.1 200 OK\r\nServer: a\r\nLOCATION:  /b \r\n\r\nbody', 200, 'a', '/b'],
    short: ['HTTP/1.0 404\r\n\r\n', 404, undefined, undefined],
    interim: ['HTTP/1.1 103 Early Hints\r\nServer: no\r\n\r\nHTTP/1.1 204 x\r\n\r\n', 204, undefined, undefined],
    switching: ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 101, undefined, undefined],
  } as const;
  for (const [name, [text, status, server, location]] of Object.entries(cases)) {
    const head = parseHead(bytes(text), false);
    t.match(head, { state: 'answered', http: { status } }, name);
    const { http } = head as { http: { server?: string; location?: string } };
    t.strictSame([http.server, http.location], [server, location], name);
  }
});

t.test('a head that has not ended', async (t) => {
  for (const text of ['', 'H', 'HTTP/1.', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 100 Continue\r\n\r\n']) {
    t.strictSame(parseHead(bytes(text), false), { state: 'partial' }, text);
    t.match(parseHead(bytes(text), true), { state: 'foreign', error: /closed within the head/ }, text);
  }
  const endless = bytes(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(maxHeadBytes)}`);
  t.match(parseHead(endless, false), { state: 'foreign', error: /too long/ });
});

t.test('other protocols are named', async (t) => {
  const cases = {
    'it speaks TLS': [Buffer.from([0x15, 3, 3, 0, 2, 2, 70]), Buffer.from([0x16, 3, 1, 0])],
    'it speaks HTTP/2': [Buffer.from([0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3])],
    'it sent "SSH-2.0-x"': [bytes('SSH-2.0-x\r\n')],
    'it sent "..a"': [Buffer.from([0, 255, 97])],
    'it sent "HTTP/1.1 two hundred"': [bytes('HTTP/1.1 two hundred\r\n\r\n').subarray(0, 22)],
  };
  for (const [words, all] of Object.entries(cases)) for (const each of all) t.equal(describeSpeech(each), words);
  t.match(parseHead(bytes('HTTP/1.1 two hundred\r\n\r\n'), false), { state: 'foreign', error: /it sent "HTTP/ });
  t.match(parseHead(Buffer.from([0x15, 3, 3]), false), { error: 'the server does not speak HTTP/1; it speaks TLS' });
});

t.test('any bytes', async (t) => {
  const valid = fc.constantFrom('HTTP/1.1 200 OK\r\nServer: a\r\n\r\n', 'HTTP/1.1 100 C\r\n\r\n').map(bytes);
  await fuzz(t, 'parseHead never throws', fc.tuple(mutatedBytes(valid), fc.boolean()), ([input, ended]) => {
    parseHead(input, ended);
  });
});
