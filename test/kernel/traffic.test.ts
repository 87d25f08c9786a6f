// What the collector reports of real connections through a router: translated, dropped and refused, by IPv4 and IPv6.
//
//   client 192.0.2.2, 2001:db8:1::2 ── router (the node) ── server 198.51.100.2, 2001:db8:2::2
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Scope } from '../../controlplane/base/scope';
import type { NodeTrafficStatus, TrafficEdge } from '../../controlplane/base/traffic';
import { startLineProgram } from '../../dataplane/exec/line-program';
import { SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import { readSysctl } from '../../dataplane/link/sysctl';
import { connectInNetns } from '../../dataplane/netns/connect';
import { inNetns } from '../../dataplane/netns/named';
import { probe } from '../../dataplane/probe/probe';
import { TrafficCollector } from '../../dataplane/traffic/collector';
import type { TrafficPod } from '../../dataplane/traffic/pods';
import { skipWithoutKernel, type TestNetns } from '../lib/netns';
import { ask, scopedNetns, serve, withScope } from '../lib/pod-lab';
import { client4, client6, openProbeLab, server4, server6 } from '../lib/probe-lab';
import { NetnsExec } from '../lib/service-lab';

const skip = skipWithoutKernel();
const exec = new SystemExec();
const acct = 'net.netfilter.nf_conntrack_acct';

/** Services by hand, a policy as kube-proxy writes it, and the firewall of an administrator. */
const rules = `
table inet nat {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ip daddr 10.96.0.10 tcp dport 80 dnat ip to ${server4}:8080
    ip6 daddr fd00:96::10 tcp dport 80 dnat ip6 to [${server6}]:8080
    ip daddr 10.96.0.10 udp dport 53 dnat ip to ${server4}:5353
    ip6 daddr fd00:96::10 udp dport 53 dnat ip6 to [${server6}]:5353
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    meta l4proto udp masquerade
  }
}
table inet k8ts-policy {
  map entering4 { type ipv4_addr : verdict; }
  map entering6 { type ipv6_addr : verdict; }
  chain in/shop/web { tcp dport 8080 accept comment "shop/web: ingress[0]"; udp dport 5353 accept comment "shop/web: ingress[0]"; }
  chain to-AB {
    jump in/shop/web comment "shop/web"
    counter drop comment "ingress not allowed by shop/web"
  }
  chain enter {
    ip daddr vmap @entering4
    ip6 daddr vmap @entering6
  }
  chain ingress {
    type filter hook forward priority filter + 12; policy accept;
    ct state established,related accept
    goto enter
  }
}
table inet mine {
  chain forward {
    type filter hook forward priority filter; policy accept;
    tcp dport 22 counter reject with tcp reset
  }
}
add element inet k8ts-policy entering4 { ${server4} : goto to-AB }
add element inet k8ts-policy entering6 { ${server6} : goto to-AB }
`;

async function openLab(scope: Scope) {
  const lab = await openProbeLab(scope);
  await exec.run(inNetns(lab.router, ['nft', '-f', '-']), { input: rules });
  await serve(scope, lab.server, 'x'.repeat(5_000));
  const keep = async (netns: TestNetns, key: string, addresses: readonly string[]): Promise<TrafficPod> => {
    const { pid, kill, exited } = await startProgram(inNetns(netns, ['sleep', '600']));
    scope.defer(async () => {
      kill('SIGKILL');
      await exited;
    });
    const identity = (await netns.run('readlink', '/proc/self/ns/net')).trim();
    // nsenter becomes the program by exec; until then /proc/PID/ns/net is the starter's.
    while (readlinkSync(`/proc/${pid}/ns/net`) !== identity) await new Promise((resolve) => setImmediate(resolve));
    return { key, pid, addresses };
  };
  const pods = [
    await keep(lab.client, 'shop/client', [client4, client6]),
    await keep(lab.server, 'shop/server', [server4, server6]),
  ];
  return { ...lab, pods };
}

/** Reads each part each time: nothing costs CPU time here. */
function collect(scope: Scope, node: TestNetns): TrafficCollector {
  const collector = new TrafficCollector({
    id: 'test',
    netns: node,
    exec: new NetnsExec(node),
    clock: { now: () => Date.now(), elapsed: () => performance.now() },
    cpuMs: () => 0,
    requests: async () => [],
    startedMs: performance.now(),
  });
  scope.defer(async () => collector.close());
  return collector;
}

/** Sends a datagram and waits for the answer. */
async function askUdp(scope: Scope, from: TestNetns, host: string, port: number): Promise<void> {
  const socket = await udp(scope, from, host.includes(':') ? 6 : 4, 0);
  const answer = once(socket, 'message');
  socket.send('question', port, host);
  await answer;
}

async function udp(scope: Scope, netns: TestNetns, family: 4 | 6, port: number): Promise<Socket> {
  // Node opens the socket in bind(), which is synchronous only when the look-up is.
  const socket = createSocket({
    type: `udp${family}`,
    ipv6Only: family === 6,
    lookup: (host, _options, done) => done(null, host, family),
  });
  const bound = once(socket, 'listening');
  netns.enter(() => socket.bind(port, family === 4 ? '0.0.0.0' : '::'));
  scope.defer(() => socket.close());
  await bound;
  return socket;
}

const edge = ({ edges }: NodeTrafficStatus, protocol: string, destination: string): TrafficEdge | undefined =>
  edges.find((one) => one.protocol === protocol && one.destination.address === destination);

t.test('connections, pods and stopped packets', { skip }, (t) =>
  withScope(async (scope) => {
    const { client, router, server, pods } = await openLab(scope);
    const collector = collect(scope, router);
    const first = await collector.read(pods);
    t.match(first, { accounting: true, edges: [], problems: [], stopped: [] });
    t.same(
      first.pods.map(({ pod }) => pod),
      ['shop/client', 'shop/server'],
    );
    for (const family of [4, 6] as const) {
      const socket = await udp(scope, server, family, 5353);
      socket.on('message', (_, { port, address }) => socket.send('answer', port, address));
    }

    await t.test('TCP to a Service', async (t) => {
      for (const [service, from, to] of [
        ['10.96.0.10', client4, server4],
        ['fd00:96::10', client6, server6],
      ] as const) {
        t.match(await ask(client, service, 80), `seen from ${from}`);
        const found = edge(await collector.read(pods), 'tcp', service)!;
        t.match(found, {
          source: from,
          destination: { address: service, port: 80 },
          backend: { address: to, port: 8080 },
          opened: 1,
          unanswered: 0,
          translatedSource: undefined,
        });
        t.ok(found.answer.bytes > 5_000, `${found.answer.bytes} bytes of answers`);
        t.ok(found.request.packets >= 3);
        await ask(client, service, 80);
        const again = edge(await collector.read(pods), 'tcp', service)!;
        t.equal(again.opened, 2);
        t.ok(again.answer.bytes > found.answer.bytes + 5_000);
      }
    });

    await t.test('an open connection', async (t) => {
      const before = edge(await collector.read(pods), 'tcp', server4);
      t.equal(before, undefined);
      const socket = await connectInNetns(client, { host: server4, port: 8080 });
      t.match(edge(await collector.read(pods), 'tcp', server4), { source: client4, open: 1, opened: 1 });
      socket.destroy();
    });

    await t.test('UDP to a Service, with another source', async (t) => {
      for (const [service, from, to, seenAs] of [
        ['10.96.0.10', client4, server4, '198.51.100.1'],
        ['fd00:96::10', client6, server6, '2001:db8:2::1'],
      ] as const) {
        await askUdp(scope, client, service, 53);
        t.match(edge(await collector.read(pods), 'udp', service), {
          source: from,
          backend: { address: to, port: 5353 },
          translatedSource: seenAs,
          opened: 1,
          request: { packets: 1 },
          answer: { packets: 1 },
        });
      }
    });

    const ping = { protocol: 'icmp', address: '192.0.2.1', timeoutMs: 5_000 } as const;
    t.match(await probe(client, ping, new AbortController().signal), { outcome: 'answered' });
    t.match(edge(await collector.read(pods), 'icmp', '192.0.2.1'), {
      source: client4,
      destination: { port: undefined },
      request: { packets: 1 },
      answer: { packets: 1 },
    });

    await t.test('the counters of pods, from their side', async (t) => {
      const before = (await collector.read(pods)).pods.find(({ pod }) => pod === 'shop/client')!;
      await ask(client, '10.96.0.10', 80);
      const after = (await collector.read(pods)).pods.find(({ pod }) => pod === 'shop/client')!;
      t.ok(after.received.bytes - before.received.bytes > 5_000, 'it receives the answer');
      t.ok(after.sent.packets - before.sent.packets >= 3);
      t.ok(after.sent.bytes - before.sent.bytes < 5_000);
      const gone = { key: 'shop/gone', pid: 2 ** 22 + 1, addresses: ['10.0.0.1'] };
      const lost = { ...pods[0]!, key: 'shop/lost', addresses: ['10.0.0.2'] };
      const { pods: some, problems } = await collector.read([gone, lost, pods[1]!]);
      t.same(
        some.map(({ pod }) => pod),
        ['shop/server'],
      );
      t.same(problems, ['pod shop/lost: none of its links leads to this node']);
    });

    await t.test('a policy drops', async (t) => {
      for (const host of [server4, server6]) {
        const before = await dropped(collector, pods);
        const abort = new AbortController();
        const connecting = connectInNetns(client, { host, port: 9999, signal: abort.signal });
        // The kernel drops it when it comes by; the next reading may be earlier.
        while ((await dropped(collector, pods)) <= before);
        abort.abort();
        await t.rejects(connecting);
      }
      const { stopped } = await collector.read(pods);
      t.match(
        stopped.find(({ cause }) => cause === 'policy'),
        { verdict: 'drop', direction: 'ingress', objects: ['shop/web'], pods: [server4, server6] },
      );
      t.equal(edge(await collector.read(pods), 'tcp', server6), undefined, 'what is dropped is no connection');
    });

    await t.test('the rule of another program refuses', async (t) => {
      await t.rejects(connectInNetns(client, { host: server4, port: 22 }), { cause: { code: 'ECONNREFUSED' } });
      const { stopped } = await collector.read(pods);
      t.match(
        stopped.find(({ cause }) => cause === 'other'),
        { verdict: 'reject', packets: 1, rule: 'nft inet mine forward: tcp dport 22 reject with tcp reset' },
      );
    });

    const last = await collector.read(pods);
    t.same(last.problems, []);
    t.ok(last.connections.count > 0 && last.connections.max > 0);
  }),
);

const dropped = async (collector: TrafficCollector, pods: readonly TrafficPod[]): Promise<number> =>
  (await collector.read(pods)).stopped.find(({ cause }) => cause === 'policy')?.packets ?? 0;

t.test('a connection that began before the kernel counted', { skip }, (t) =>
  withScope(async (scope) => {
    const { client, router } = await openLab(scope);
    const old = await connectInNetns(client, { host: server4, port: 8080 });
    // The server does not read: it would not see another end.
    scope.defer(() => void old.resetAndDestroy());
    const collector = collect(scope, router);
    t.match(edge(await collector.read([]), 'tcp', server4), { open: 1, uncounted: 1 });
    const young = await connectInNetns(client, { host: server4, port: 8080 });
    scope.defer(() => young.destroy());
    // Its packets reach the server, and nothing of them is counted.
    old.write('x'.repeat(1_000));
    const found = edge(await collector.read([]), 'tcp', server4)!;
    t.match(found, { opened: 1, open: 2, uncounted: 1 });
    t.ok(found.request.packets > 0 && found.request.bytes < 1_000, 'only of the one that it counts');
  }),
);

t.test('counting is switched on, and off again', { skip }, (t) =>
  withScope(async (scope) => {
    const node = await scopedNetns(scope);
    const counts = () => readSysctl(node, acct);
    const own = new Scope();
    const first = collect(own, node);
    t.equal(counts(), '1');
    // A second one, by a person: it ends first, and must not end the counting of the first one for good.
    await node.run('sysctl', '-qw', `${acct}=0`);
    t.equal((await first.read([])).accounting, true);
    t.equal(counts(), '1');
    await own.close();
    t.equal(counts(), '0');
    await node.run('sysctl', '-qw', `${acct}=1`);
    const other = new Scope();
    collect(other, node);
    await other.close();
    t.equal(counts(), '1', 'an administrator has switched it on');
  }),
);

t.test('the command', { skip }, async (t) => {
  const program = ['-r', 'ts-node/register/transpile-only', join(__dirname, '..', '..', 'agents', 'k8ts', 'main.ts')];
  const argv = [process.execPath, ...program, 'traffic'];

  await t.test('ends with its input', (t) =>
    withScope(async (scope) => {
      const node = await scopedNetns(scope);
      const lines: string[] = [];
      const ended = new Promise<string>((resolve) => {
        const child = startLineProgram(inNetns(node, argv), {
          onEnd: resolve,
          onLine: (line) => {
            lines.push(line);
            t.equal(readSysctl(node, acct), '1');
            if (lines.length === 2) child.end();
          },
        });
        child.send('{"nodeName":"n","pods":[]}');
        child.send('{"nodeName":"n"}');
      });
      t.equal(await ended, 'it ended with status 0');
      t.match(JSON.parse(lines[0]!), { accounting: true, edges: [], problems: [] });
      t.match(JSON.parse(lines[1]!), { error: /expected pods/ });
      t.equal(readSysctl(node, acct), '0');
    }),
  );

  await t.test('ends with SIGTERM', (t) =>
    withScope(async (scope) => {
      const node = await scopedNetns(scope);
      const fifo = join(t.testdir(), 'questions');
      await exec.run(['mkfifo', fifo]);
      // Both ends: so it never ends.
      const fd = openSync(fifo, 'r+');
      scope.defer(() => closeSync(fd));
      let answered = () => {};
      const answer = new Promise<void>((resolve) => {
        answered = resolve;
      });
      const child = await startProgram(inNetns(node, argv), { stdio: [fd], onOutput: () => answered() });
      writeSync(fd, '{"nodeName":"n","pods":[]}\n');
      await answer;
      t.equal(readSysctl(node, acct), '1');
      child.kill('SIGTERM');
      await child.exited;
      t.equal(readSysctl(node, acct), '0');
    }),
  );
});
