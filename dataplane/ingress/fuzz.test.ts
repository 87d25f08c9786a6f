// Random heads through the proxy to a backend that records bytes, and the route table compared with a slow oracle.
import fc from 'fast-check';
import t from 'tap';
import { fuzz } from '../../test/lib/fuzz';
import { ok, rawBackend, send } from '../../test/lib/raw-http';
import { refusedName, refusedRange } from './destination';
import { canonicalRulePath, otherReadings, parsePath } from './path';
import { compileRoutes, matchRoute, type PathType, type RouteRule } from './routes';
import { IngressServer } from './server';

const forged = '6.6.6.6';
/** Mostly valid input: a request with two faults does not show which of them was noticed. */
const often = <T, U>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<U>) =>
  fc.oneof(
    { arbitrary: usual as fc.Arbitrary<T | U>, weight: 6 },
    { arbitrary: odd as fc.Arbitrary<T | U>, weight: 1 },
  );
const method = often(fc.constantFrom('GET', 'POST'), fc.constantFrom('PUT', 'TRACE', 'FOO', 'get'));
const target = often(
  fc.constantFrom('/ok', '/ok/x?y=1', '/%6fk', '/ok/a//b%2Fc'),
  fc.oneof(
    fc.constantFrom('//ok', '/other', '/ok/../x', '/ok%2f..%2fx', '/ok;x', '/ok\\x', 'http://shop.local/ok', '*'),
    fc.string({ maxLength: 8 }).map((text) => `/ok/${text}`),
  ),
);
const hostLines = often(
  fc.constantFrom(['Host: shop.local'], ['host: shop.local:80'], ['Host: SHOP.local.']),
  fc.constantFrom(
    ['Host: evil'],
    ['Host : shop.local'],
    [],
    ['Host: shop.local', 'Host: evil'],
    ['Host: shop.local', 'host: shop.local'],
  ),
);
const fieldName = fc.constantFrom(
  ...[
    'X-Forwarded-For',
    'x_forwarded_for',
    'X-Forwarded-Proto',
    'X-Real-IP',
    'x-real_ip',
    'Forwarded',
    'X-Forwarded-Prefix',
  ],
);
const line = often(
  fc.oneof(
    fieldName.map((name) => `${name}: ${forged}`),
    fc.constantFrom(
      'Connection: Host, X-Real-IP, Cookie, Content-Length',
      'Connection: Upgrade, X-Forwarded-For',
      'Upgrade: websocket',
      'Upgrade: h2c',
      'TE: trailers',
      'Trailer: X-Real-IP',
      'Cookie: a=1',
    ),
  ),
  fc.oneof(
    fc.constantFrom(
      'Content-Length: 4',
      'Content-Length: +4',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: gzip, chunked',
      'Transfer-Encoding : chunked',
      'Expect: 100-continue',
      ' folded: x',
      'A: b\nHost: evil',
      'A: b\rHost: evil',
      'A: \0',
    ),
    fc.string({ maxLength: 10 }).map((text) => `A: ${text}`),
  ),
);
const end = often(fc.constant('\r\n'), fc.constant('\n'));
const trailers = `0\r\nX-Real-IP: ${forged}\r\n\r\n`;
const next = `GET /ok HTTP/1.1\r\nHost: evil\r\nX-Real-IP: ${forged}\r\n\r\n`;
/** A header line or none, and the bytes after the head. */
const framing = often(
  fc.constantFrom(
    ['', ''],
    ['Content-Length: 4', 'body'],
    ['Transfer-Encoding: chunked', '4\r\nbody\r\n0\r\n\r\n'],
    ['Transfer-Encoding: chunked', trailers],
  ),
  fc.tuple(
    fc.constantFrom(
      '',
      'Content-Length: 0',
      'Content-Length: 4, 4',
      'Transfer-Encoding: Chunked',
      'Transfer-Encoding: identity',
    ),
    fc.constantFrom('', 'body', '4;a=b\r\nbody\r\n0\r\n\r\n', `4\r\nbody\r\n${trailers}`, next, `0\r\n\r\n${next}`),
  ),
);
const version = often(fc.constant('HTTP/1.1'), fc.constantFrom('HTTP/1.0', 'HTTP/2.0'));
const request = fc
  .tuple(method, target, version, hostLines, fc.array(line, { maxLength: 3 }), end, framing)
  .map(([verb, path, http, hosts, lines, eol, [frame = '', rest = '']]) => {
    const framed = frame === '' ? lines : [...lines, frame];
    const all = [`${verb} ${path} ${http}`, ...hosts, ...framed, 'Connection: close', '', ''];
    return all.join(eol) + rest;
  });

/** The fault in bytes that should be the start of one request, found by a separate strict reader. */
function faultOf(bytes: string): string | undefined {
  const split = bytes.indexOf('\r\n\r\n');
  const [first = '', ...lines] = bytes.slice(0, split).split('\r\n');
  const start = /^[A-Za-z]+ (\/[^\s\0]*) HTTP\/1\.1$/.exec(first);
  if (!start) return `request line ${JSON.stringify(first)}`;
  if (parsePath(start[1]!)?.split('/')[1] !== 'ok') return `path ${start[1]} did not match`;
  const fields = lines.map((text) => /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([^\r\n\0]*)$/.exec(text));
  if (fields.includes(null)) return `a header line of ${JSON.stringify(lines)}`;
  const of = (name: string) => fields.filter((field) => field![1]!.toLowerCase() === name).map((field) => field![2]!);
  const hosts = of('host').map((host) => host.toLowerCase().replace(/:80$/, '').replace(/\.$/, ''));
  if (hosts.join() !== 'shop.local') return `hosts ${hosts}`;
  for (const name of ['x-forwarded-for', 'x-real-ip'])
    if (of(name).join() !== '127.0.0.1') return `${name} ${of(name)}`;
  if (bytes.includes(forged)) return 'a forged claim';
  const rest = bytes.slice(split + 4);
  const lengths = of('content-length');
  const codings = of('transfer-encoding');
  if (lengths.length + codings.length > 1) return 'more than one framing';
  if (codings.length > 0)
    return codings[0] === 'chunked' && isChunks(rest) ? undefined : `chunks ${JSON.stringify(rest)}`;
  return rest.length <= Number(lengths[0] ?? 0) ? undefined : `something behind the request: ${JSON.stringify(rest)}`;
}

/** The beginning of a chunked body, with nothing after its end. */
function isChunks(text: string): boolean {
  let rest = text;
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/i.exec(rest);
    if (!size) return !rest.includes('\r\n');
    const length = Number.parseInt(size[1]!, 16);
    rest = rest.slice(size[0].length);
    if (length === 0) return rest === '' || rest === '\r\n' || rest === '\r';
    if (rest.length < length + 2) return true;
    rest = rest.slice(length + 2);
  }
}

t.test('the backend gets exactly one request, for the matched host and path, without forged headers', async (t) => {
  const backend = await rawBackend(t, ok('hello'));
  const limits = { headMs: 100, idleMs: 100, stalledMs: 200 };
  const server = new IngressServer({ host: '127.0.0.1', httpPort: 0, httpsPort: 0, limits });
  server.update({
    rules: [{ ingress: 'd/s', createdMs: 1, host: 'shop.local', path: '/ok', pathType: 'Prefix', backend: 'b' }],
    defaults: [],
    tls: [],
    backends: [{ id: 'b', protocol: 'http', endpoints: [{ address: backend.address, port: backend.port }] }],
  });
  t.teardown(() => server.close(0));
  const { httpPort } = await server.listen();
  let reached = 0;
  await fuzz(
    t,
    'heads',
    fc.array(request, { minLength: 20, maxLength: 40 }),
    async (requests) => {
      backend.received.length = 0;
      await Promise.all(requests.map((bytes) => send(httpPort, bytes)));
      const got = backend.received.filter((bytes) => bytes.includes('\r\n\r\n'));
      reached += got.length;
      for (const bytes of got) {
        const fault = faultOf(bytes);
        if (fault) throw new Error(`${fault} in ${JSON.stringify(bytes)}`);
      }
    },
    { runs: 60 },
  );
  t.ok(reached > 10, `${reached} requests reached the backend`);
});

/** The characters of a path; an escape that stays escaped is one character. */
function charactersOf(path: string): string[] {
  const bytes = Buffer.from(path, 'utf8').toString('latin1');
  return [...bytes.matchAll(/%([0-9A-Fa-f]{2})|[\s\S]/g)].map(([found, hex]) => {
    const byte = hex === undefined ? found.charCodeAt(0) : Number.parseInt(hex, 16);
    return hex !== undefined && String.fromCharCode(byte) === '/' ? 'encoded /' : String.fromCharCode(byte);
  });
}
const elementsOf = (path: string): string =>
  JSON.stringify(
    charactersOf(path)
      .map((one) => (one === '/' ? '\n' : one))
      .join('')
      .split('\n'),
  );

/** The choice as the API describes it, rule by rule. */
function oracle(rules: readonly RouteRule[], host: string, path: string): string | undefined {
  const asked: string[] = JSON.parse(elementsOf(path));
  const covers = ({ host: wanted }: RouteRule): number => {
    if (wanted === host) return 3;
    if (wanted.startsWith('*.') && host.split('.').slice(1).join('.') === wanted.slice(2) && host.includes('.'))
      return 2;
    return wanted === '' ? 1 : 0;
  };
  const length = ({ pathType, path: wanted }: RouteRule): number => {
    const elements: string[] = JSON.parse(elementsOf(wanted));
    if (pathType === 'Exact') return elementsOf(wanted) === elementsOf(path) ? 1_000 : -1;
    if (elements.at(-1) === '') elements.pop();
    const matches = elements.every((one, i) => one === asked[i]);
    return matches ? elements.length : -1;
  };
  const found = rules
    .filter((rule) => covers(rule) > 0 && length(rule) >= 0)
    .sort((a, b) => covers(b) - covers(a) || length(b) - length(a) || a.createdMs - b.createdMs);
  return found[0]?.backend;
}

t.test('the route table chooses as the slow oracle does', async (t) => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '%61',
    'é',
    '%C3%A9',
    '%c3%a9',
    ' ',
    '%20',
    '+',
    '%2B',
    '%2F',
    '__proto__',
    'constructor',
    '{',
    '"',
  );
  const path = fc
    .tuple(
      fc.array(
        fc.array(piece, { minLength: 1, maxLength: 2 }).map((all) => all.join('')),
        { maxLength: 3 },
      ),
      fc.boolean(),
    )
    .map(([elements, slash]) => `/${elements.join('/')}${slash && elements.length > 0 ? '/' : ''}`);
  const host = fc.constantFrom('a.com', 'b.a.com', 'c.b.a.com', '__proto__', 'com');
  const rule = fc.record({
    host: fc.oneof(host, fc.constantFrom('', '*.a.com', '*.com')),
    path,
    pathType: fc.constantFrom<PathType>('Exact', 'Prefix', 'ImplementationSpecific'),
  });
  const input = fc.record({ rules: fc.array(rule, { maxLength: 12 }), host, path });
  await fuzz(
    t,
    'routes',
    input,
    ({ rules: given, host, path }) => {
      const rules = given.map((one, i): RouteRule => ({ ...one, ingress: `i${i}`, createdMs: i, backend: `b${i}` }));
      const target = Buffer.from(path, 'utf8').toString('latin1');
      const asked = parsePath(target);
      if (asked === undefined) throw new Error(`${path} was refused`);
      const found = matchRoute(compileRoutes(rules, []), host, asked)?.backend;
      const wanted = oracle(rules, host, path);
      if (found !== wanted) throw new Error(`${host}${path} goes to ${found}, not ${wanted}`);
    },
    { runs: 2_000 },
  );
});

t.test('canonical paths do not change again, and any text is accepted', async (t) => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.stringMatching(/^\/(%[0-9a-f]{2}|[.;/\\a]){0,12}$/),
  );
  await fuzz(t, 'paths', text, (path) => {
    const rule = canonicalRulePath(path);
    if (canonicalRulePath(rule) !== rule) throw new Error('a second time changes it');
    const asked = parsePath(path);
    if (asked === undefined) return;
    if (parsePath(asked) !== asked) throw new Error('a second time changes it');
    for (const other of [asked, ...otherReadings(asked)]) {
      if (other.split('/').some((one) => one === '.' || one === '..')) throw new Error(`dot segments in ${other}`);
    }
  });
  await fuzz(t, 'names and addresses', text, (one) => {
    refusedName(one);
    refusedRange(one);
  });
});

t.test('no spelling of a loopback address is allowed', async (t) => {
  const octets = fc.tuple(fc.constant(127), fc.nat(255), fc.nat(255), fc.nat(255));
  const spell = fc.constantFrom<(part: number) => string>(
    String,
    (n) => `0x${n.toString(16)}`,
    (n) => `0${n.toString(8)}`,
  );
  await fuzz(
    t,
    'IPv4',
    fc.tuple(octets, fc.integer({ min: 1, max: 4 }), fc.array(spell, { minLength: 4, maxLength: 4 })),
    ([all, count, spells]) => {
      // inet_aton(3): the last part fills all remaining bytes.
      const last = all.slice(count - 1).reduce((sum, one) => sum * 256 + one, 0);
      const parts = [...all.slice(0, count - 1), last];
      const text = parts.map((one, i) => spells[i]!(one)).join('.');
      for (const address of [text, `${text}.`]) {
        if (refusedRange(address) === undefined || refusedName(address) === undefined)
          throw new Error(`${address} passes`);
      }
      const hex = all.map((one) => one.toString(16).padStart(2, '0')).join('');
      const [high, low] = [hex.slice(0, 4), hex.slice(4)];
      for (const address of [
        `::ffff:${high}:${low}`,
        `::${high}:${low}`,
        `64:ff9b::${high}:${low}`,
        `2002:${high}:${low}::1`,
      ]) {
        if (refusedRange(address) !== 'loopback') throw new Error(`${address} passes`);
      }
    },
  );
});
