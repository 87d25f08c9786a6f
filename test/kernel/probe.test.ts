// Each outcome of a probe, with real packets.
import { readdirSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { Scope } from '../../controlplane/base/scope';
import { createAuthority, issueCertificate } from '../../controlplane/pki/issue';
import { connectInNetns } from '../../dataplane/netns/connect';
import { probe } from '../../dataplane/probe/probe';
import type { ProbeRequest } from '../../dataplane/probe/request';
import { createNetns, skipWithoutKernel } from '../lib/netns';
import { bindUdp, withScope } from '../lib/pod-lab';
import {
  client4,
  client6,
  listenIn,
  listenWithoutAccept,
  openProbeLab,
  type ProbeLab,
  server4,
  server6,
} from '../lib/probe-lab';

// The test starts many short processes, which are slow on a busy machine.
t.setTimeout(300_000);

const tcp: ProbeRequest = { protocol: 'tcp', address: server4, port: 80, timeoutMs: 5_000 };
const udp: ProbeRequest = { protocol: 'udp', address: server4, port: 53, timeoutMs: 5_000 };
const icmp: ProbeRequest = { protocol: 'icmp', address: server4, timeoutMs: 5_000 };
const http: ProbeRequest = { protocol: 'http', address: server4, port: 80, timeoutMs: 5_000 };
/** For probes that get no answer. */
const silentMs = 300;
const families = [
  { local: client4, address: server4, iptables: 'iptables', ip: ['ip', '-4'], prefix: '/32' },
  { local: client6, address: server6, iptables: 'ip6tables', ip: ['ip', '-6'], prefix: '/128' },
] as const;

const openFiles = () => readdirSync('/proc/self/fd').length;

t.test('probes', { skip: skipWithoutKernel() }, async (t) => {
  const labScope = new Scope();
  t.teardown(() => labScope.close());
  const lab = await openProbeLab(labScope);
  const { client, router, server } = lab;
  /** Listeners and rules of a part end with it, and it leaves no descriptor. */
  const part = (name: string, fn: (t: Test, scope: Scope) => Promise<void>) =>
    t.test(name, async (t) => {
      const before = openFiles();
      await withScope((scope) => fn(t, scope));
      t.equal(openFiles(), before, 'no descriptor is left');
    });

  await part('tcp sends a payload and gives its answer, in pieces too', async (t, scope) => {
    const echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (bytes: Buffer) => {
        socket.write(bytes.subarray(0, 2));
        setImmediate(() => socket.write(bytes.subarray(2)));
      });
    });
    await listenIn(server, echo, 53, scope);
    await listenIn(server, createServer(), 54, scope);
    const asked = { ...tcp, port: 53, payload: Buffer.from('0123456789') };
    const came = await probe(client, asked);
    t.match(came, { outcome: 'answered' });
    t.equal(came.answer?.toString(), '0123456789');
    t.match(
      await probe(client, { ...asked, port: 54, timeoutMs: silentMs }),
      { outcome: 'timeout' },
      'nothing says a word',
    );
  });

  await part('tcp connects, says from where, and hears a server that speaks first', async (t, scope) => {
    await listenIn(
      server,
      createServer((socket) => void socket.write('SSH-2.0-test\r\n')),
      22,
      scope,
    );
    await listenIn(server, createServer(), 80, scope);
    for (const { address, local } of families) {
      const speaks = { ...tcp, address, port: 22, sourcePort: 40_001 };
      const heard = await probe(client, speaks);
      t.match(heard, { outcome: 'connected', localAddress: local, localPort: 40_001 });
      t.equal(heard.answer?.toString(), 'SSH-2.0-test\r\n');
      t.ok(heard.connectMs! >= 0 && heard.connectMs! <= heard.totalMs, 'times');
      const silent = await probe(client, { ...tcp, address, sourceAddress: local });
      t.match(silent, { outcome: 'connected', localAddress: local });
      t.ok(silent.localPort! > 0);
      t.strictSame([silent.answer, silent.error], [undefined, undefined]);
      t.match(await probe(client, speaks), { outcome: 'connected' }, 'the source port is free again at once');
      t.match(
        await probe(client, { ...tcp, address, timeoutMs: 100 }),
        { outcome: 'connected' },
        'within the time to listen',
      );
    }
  });

  await part('a closed port refuses', async (t) => {
    for (const { address, local } of families) {
      const refused = await probe(client, { ...tcp, address, sourcePort: 40_002 });
      t.match(refused, { outcome: 'refused', error: 'ECONNREFUSED', localAddress: local, localPort: 40_002 });
      t.equal(refused.connectMs, undefined);
      const datagram = await probe(client, { ...udp, address, sourcePort: 40_002 });
      t.match(datagram, { outcome: 'refused', error: 'ECONNREFUSED', reportedBy: address, localPort: 40_002 });
    }
  });

  await part('rules that drop and rules that reject', async (t, scope) => {
    for (const { address, iptables, local } of families) {
      const rule = (...spec: string[]) => addRule(router, iptables, scope, ['FORWARD', ...spec]);
      await rule('-p', 'tcp', '--dport', '81', '-j', 'DROP');
      await rule('-p', 'udp', '--dport', '81', '-j', 'DROP');
      await rule('-p', 'tcp', '--dport', '82', '-j', 'REJECT', '--reject-with', 'tcp-reset');
      await rule('-p', 'tcp', '--dport', '83', '-j', 'REJECT');
      const admin = iptables === 'iptables' ? 'icmp-admin-prohibited' : 'icmp6-adm-prohibited';
      await rule('-p', 'tcp', '--dport', '84', '-j', 'REJECT', '--reject-with', admin);
      await rule('-p', 'udp', '--dport', '84', '-j', 'REJECT', '--reject-with', admin);
      const dropped = await probe(client, { ...tcp, address, port: 81, timeoutMs: silentMs });
      t.match(dropped, { outcome: 'timeout', localAddress: local });
      t.ok(dropped.localPort! > 0, 'the port of an attempt that timed out');
      t.ok(dropped.totalMs >= silentMs - 5);
      t.match(await probe(client, { ...udp, address, port: 81, timeoutMs: silentMs }), { outcome: 'timeout' });
      t.match(await probe(client, { ...tcp, address, port: 82 }), { outcome: 'refused', error: 'ECONNREFUSED' });
      t.match(await probe(client, { ...tcp, address, port: 83 }), { outcome: 'refused', error: 'ECONNREFUSED' });
      const gateway = address === server4 ? '192.0.2.1' : '2001:db8:1::1';
      const code = address === server4 ? /^EHOSTUNREACH/ : /^EACCES/;
      t.match(await probe(client, { ...tcp, address, port: 84 }), { outcome: 'unreachable', error: code });
      const refused = await probe(client, { ...udp, address, port: 84 });
      t.match(refused, { outcome: 'unreachable', error: code, reportedBy: gateway });
      await addRule(client, iptables, scope, ['OUTPUT', '-p', 'udp', '--dport', '85', '-j', 'DROP']);
      t.match(await probe(client, { ...udp, address, port: 85 }), { outcome: 'unreachable', error: /^EPERM: a rule/ });
    }
  });

  await part('routes that refuse, and a host that is not there', async (t, scope) => {
    for (const { ip } of families) {
      const v4 = ip[1] === '-4';
      const route = async (type: string, last: string) => {
        const to = v4 ? `203.0.113.${last}` : `2001:db8:9::${last}`;
        await client.run(...ip, 'route', 'add', type, to);
        scope.defer(() => client.run(...ip, 'route', 'del', type, to));
        return to;
      };
      const cases = [
        [await route('blackhole', '1'), /^EINVAL: a blackhole/],
        [await route('prohibit', '2'), /^EACCES/],
        [await route('unreachable', '3'), /^E(HOST|NET)UNREACH$/],
      ] as const;
      for (const [address, error] of cases) {
        for (const request of [tcp, udp, icmp, http]) {
          const { protocol } = request;
          const found = await probe(client, {
            ...request,
            address,
            sourcePort: protocol === 'tcp' ? 40_003 : undefined,
          });
          t.match(found, { outcome: 'unreachable', error }, `${protocol} to ${address}`);
        }
      }
    }
    // The router asks for the link address of the missing host three times, in about 3 s.
    for (const address of ['198.51.100.77', '2001:db8:2::77']) {
      const found = await Promise.all([tcp, udp, icmp].map((request) => probe(client, { ...request, address })));
      for (const each of found) t.match(each, { outcome: 'unreachable', error: /^E(HOST|NET)UNREACH$/ }, address);
      t.match(found[1], { reportedBy: address.includes(':') ? '2001:db8:1::1' : '192.0.2.1' });
    }
  });

  await part('a full backlog, a reset, an end, and a server that never answers', async (t, scope) => {
    await listenIn(
      server,
      createServer((socket) => void socket.resetAndDestroy()),
      91,
      scope,
    );
    await listenIn(
      server,
      createServer((socket) => void socket.end()),
      92,
      scope,
    );
    await listenIn(
      server,
      createServer((socket) => void socket.resume()),
      93,
      scope,
    );
    for (const { address } of families) {
      const full = { address, port: address === server4 ? 94 : 95 };
      listenWithoutAccept(server, full, scope);
      // The room of the backlog is one more than its number.
      const first = await connectInNetns(client, { host: full.address, port: full.port });
      scope.defer(() => first.destroy());
      const waiting = await probe(client, { ...tcp, ...full, timeoutMs: silentMs });
      t.match(waiting, { outcome: 'timeout' });
      t.equal(waiting.connectMs, undefined, 'no handshake');
      for (const protocol of ['tcp', 'http', 'https'] as const) {
        const request = { ...tcp, protocol, address };
        t.match(await probe(client, { ...request, port: 91 }), { outcome: 'reset', error: 'ECONNRESET' }, protocol);
        t.match(await probe(client, { ...request, port: 92 }), { outcome: 'closed' }, protocol);
      }
      const silent = await probe(client, { ...http, address, port: 93, timeoutMs: silentMs });
      t.match(silent, { outcome: 'timeout' });
      t.ok(silent.connectMs! >= 0, 'the handshake succeeded');
    }
  });

  await part('http: the status, and a server that speaks something else', async (t, scope) => {
    const seen: { host?: string; method?: string; length: number }[] = [];
    const web = createHttpServer({ maxHeaderSize: 32_000 }, (request, response) => {
      const length = request.rawHeaders.join('').length;
      seen.push({ host: request.headers.host!, method: `${request.method} ${request.url}`, length });
      response.writeHead(302, { location: '/there', server: 'test' }).end();
    });
    await listenIn(server, web, 80, scope);
    await listenIn(
      server,
      createServer((socket) => void socket.write('220 mail ready\r\n')),
      25,
      scope,
    );
    for (const { address } of families) {
      const found = await probe(client, {
        ...http,
        address,
        size: 9_000,
        http: { host: 'shop.example.com', path: '/a?b' },
      });
      t.match(found, { outcome: 'answered', http: { status: 302, location: '/there', server: 'test' } });
      t.match(seen.at(-1), { host: 'shop.example.com', method: 'HEAD /a?b' });
      t.ok(seen.at(-1)!.length > 8_500, 'the request was padded');
      await probe(client, { ...http, address });
      t.equal(seen.at(-1)!.host, address === server4 ? `${server4}:80` : `[${server6}]:80`);
      t.match(await probe(client, { ...http, address, port: 25 }), {
        outcome: 'failed',
        error: 'the server does not speak HTTP/1; it sent "220 mail ready"',
      });
    }
  });

  await part('https: the certificate, http on a TLS port, and TLS on an HTTP port', async (t, scope) => {
    const authority = await createAuthority('test-ca', Date.now());
    const pair = await issueCertificate(
      authority,
      { commonName: 'shop', organizations: ['k8ts'], usages: ['server'], hosts: ['shop.example.com', server4] },
      Date.now(),
    );
    const names: unknown[] = [];
    const web = createHttpsServer({ cert: pair.cert, key: pair.key }, (request, response) => {
      names.push((request.socket as unknown as { servername: string }).servername);
      response.writeHead(204).end();
    });
    await listenIn(server, web, 443, scope);
    const strict = { cert: pair.cert, key: pair.key, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    await listenIn(server, createHttpsServer(strict), 444, scope);
    await listenIn(server, createHttpServer(), 80, scope);
    for (const { address } of families) {
      const request: ProbeRequest = { ...http, protocol: 'https', address, port: 443 };
      const found = await probe(client, { ...request, http: { host: 'shop.example.com:443', path: '/' } });
      t.match(found, {
        outcome: 'answered',
        http: { status: 204 },
        tls: {
          subject: 'O=k8ts, CN=shop',
          issuer: 'CN=test-ca',
          names: ['shop.example.com', server4],
          validTo: /^20\d\d-/,
        },
      });
      t.equal(names.at(-1), 'shop.example.com');
      t.match(await probe(client, request), { outcome: 'answered', http: { status: 204 } }, 'without a name');
      t.equal(names.at(-1), false);
      t.match(
        await probe(client, { ...request, port: 444 }),
        { outcome: /^(tls|reset|closed)$/ },
        'without a certificate',
      );
      t.match(await probe(client, { ...request, port: 80 }), {
        outcome: 'tls',
        error: /^the server does not speak TLS/,
      });
      const plain = await probe(client, { ...request, protocol: 'http' });
      t.ok(['failed', 'reset', 'closed'].includes(plain.outcome), `HTTP to TLS: ${plain.outcome} ${plain.error}`);
    }
  });

  await part('udp answers', async (t, scope) => {
    const echo = await bindUdp(server, 5353, scope);
    echo.on('message', (bytes, { port, address }) =>
      echo.send(Buffer.concat([bytes, Buffer.alloc(1_000)]), port, address),
    );
    const found = await probe(client, { ...udp, port: 5353, sourcePort: 40_004, payload: Buffer.from('question') });
    t.match(found, { outcome: 'answered', localAddress: client4, localPort: 40_004 });
    t.equal(found.answer?.length, 512);
    t.match(found.answer?.toString(), /^question\0/);
    const taken = await bindUdp(client, 40_005, scope);
    t.match(await probe(client, { ...udp, sourcePort: taken.address().port }), {
      outcome: 'failed',
      error: /^EADDRINUSE/,
    });
    t.match(await probe(client, { ...udp, sourceAddress: '203.0.113.9' }), {
      outcome: 'failed',
      error: /^EADDRNOTAVAIL/,
    });
  });

  await part('icmp answers, also many at the same time', async (t) => {
    for (const { address, local } of families) {
      const found = await Promise.all(
        [undefined, 0, 100, 1_400].map((size) =>
          probe(client, { ...icmp, address, ...(size !== undefined && { size }) }),
        ),
      );
      for (const each of found) t.match(each, { outcome: 'answered', localAddress: local });
      t.match(
        await probe(client, { ...icmp, address: local, sourceAddress: local }),
        { outcome: 'answered' },
        'itself',
      );
      const loopback = local === client4 ? '127.0.0.1' : '::1';
      t.match(await probe(client, { ...icmp, address: loopback }), { outcome: 'answered' }, loopback);
    }
  });

  await part(
    'a path with a smaller MTU is named, also next to a probe that fits; a path that loses large packets is silent',
    (t, scope) => smallPath(t, lab, scope),
  );

  await part('an abort closes the socket and rejects with its reason', async (t, scope) => {
    await listenIn(server, createServer(), 93, scope);
    const reason = new Error('enough');
    for (const request of [
      { ...http, port: 93 },
      { ...udp, port: 81 },
      { ...icmp, address: '198.51.100.78' },
    ]) {
      const abort = new AbortController();
      const running = probe(client, request, abort.signal);
      abort.abort(reason);
      await t.rejects(running, reason, request.protocol);
      await t.rejects(probe(client, request, abort.signal), reason, 'aborted before');
    }
  });

  await part('a wrong request and a missing namespace are errors', async (t) => {
    await t.rejects(probe(client, { ...tcp, timeoutMs: 0 }), { code: 'BadRequest' });
    const gone = await createNetns();
    await gone.teardown();
    for (const request of [tcp, udp, icmp, http]) await t.rejects(probe(gone, request), { code: 'NotFound' });
  });
});

async function smallPath(t: Test, { client, router, server }: ProbeLab, scope: Scope): Promise<void> {
  await listenIn(
    server,
    createServer((socket) => void socket.resume()),
    80,
    scope,
  );
  for (const [netns, link] of [
    [router, 'far'],
    [server, 'eth0'],
  ] as const) {
    await netns.run('ip', 'link', 'set', link, 'mtu', '1300');
    scope.defer(() => netns.run('ip', 'link', 'set', link, 'mtu', '1500'));
  }
  for (const { address, local, iptables, ip } of families) {
    // What the kernel learned of a path stays for ten minutes.
    const forget = () => client.run(...ip, 'route', 'flush', 'cache');
    const largest = 1_300 - 8 - (address === server4 ? 20 : 40);
    const [large, small] = await Promise.all(
      [largest + 1, largest].map((size) => probe(client, { ...icmp, address, size })),
    );
    const error = 'EMSGSIZE: the path takes packets of 1300 bytes, this one has 1301';
    const gateway = address === server4 ? '192.0.2.1' : '2001:db8:1::1';
    t.match(large, { outcome: 'unreachable', error, reportedBy: gateway, localAddress: local });
    t.match(small, { outcome: 'answered' });
    const known = await probe(client, { ...icmp, address, size: 1_400 });
    t.match(known, { outcome: 'unreachable', error: /^EMSGSIZE: the path takes packets of 1300 bytes/ });
    t.equal(known.reportedBy, undefined, 'this kernel knows the path by now');
    t.match(await probe(client, { ...icmp, address, size: 1_500 }), { outcome: 'unreachable', error: /^EMSGSIZE/ });
    t.match(await probe(client, { ...tcp, address, size: 20_000 }), { outcome: 'connected' }, 'TCP adapts');
    await forget();
    // A firewall that drops the ICMP errors: a black hole.
    const type =
      iptables === 'iptables'
        ? ['icmp', '--icmp-type', 'fragmentation-needed']
        : ['icmpv6', '--icmpv6-type', 'packet-too-big'];
    await addRule(router, iptables, scope, ['OUTPUT', '-p', ...type, '-j', 'DROP']);
    t.match(await probe(client, { ...icmp, address, size: 1_400, timeoutMs: silentMs }), { outcome: 'timeout' });
    t.match(await probe(client, { ...icmp, address, size: 1_000 }), { outcome: 'answered' });
  }
}

async function addRule(
  netns: ProbeLab['client'],
  iptables: string,
  scope: Scope,
  [chain, ...spec]: readonly string[],
): Promise<void> {
  await netns.run(iptables, '-w', '-A', chain!, ...spec);
  scope.defer(() => netns.run(iptables, '-w', '-D', chain!, ...spec));
}
