// Services on a real kernel, with real packets between namespaces.
import t from 'tap';
import { Scope } from '../../controlplane/base/scope';
import { changedFrontends } from '../../dataplane/conntrack/frontends';
import { connectInNetns } from '../../dataplane/netns/connect';
import type { Endpoint, ServiceInput } from '../../dataplane/service/input';
import { skipWithoutKernel } from '../lib/netns';
import { endpoint, service, servicePort } from '../lib/service-fixture';
import { addresses, NodeRules, type Place, ServiceLab, serverPort } from '../lib/service-lab';

const at = (place: Exclude<Place, 'outside'>, changes: Partial<Endpoint> = {}): Endpoint =>
  endpoint(addresses[place], serverPort, { local: place !== 'far', ...changes });

const web = (endpoints: readonly Endpoint[], changes: Partial<ServiceInput> = {}, port: { nodePort?: number } = {}) =>
  service('shop/web', '10.96.3.7', { ports: [servicePort({ endpoints, ...port })], ...changes });

async function withLab(fn: (lab: ServiceLab, rules: NodeRules) => Promise<void>): Promise<void> {
  const scope = new Scope();
  try {
    const lab = await ServiceLab.open(scope);
    await fn(lab, await NodeRules.open(lab.exec));
  } finally {
    await scope.close();
  }
}

t.test('services', { skip: skipWithoutKernel() }, async (t) => {
  await t.test('who sees which source address', async (t) => {
    await withLab(async (lab, rules) => {
      const clusterIp = '10.96.3.7';
      const vip = '192.168.57.240';
      await rules.apply(
        web([at('a')], { loadBalancerIps: [vip], externalIps: ['203.0.113.9'] }, { nodePort: 30080 }),
        service('shop/far', '10.96.3.8', { ports: [servicePort({ endpoints: [at('far')], nodePort: 30081 })] }),
        service('shop/local', '10.96.3.9', {
          externalLocal: true,
          loadBalancerIps: ['192.168.57.241'],
          ports: [servicePort({ endpoints: [at('a'), at('far')], nodePort: 30082 })],
        }),
        service('shop/node', '10.96.3.10', { ports: [servicePort({ endpoints: [at('node')] })] }),
      );
      const gateway = '10.244.1.1';
      const cases: readonly (readonly [Place, string, number, string])[] = [
        ['b', clusterIp, 80, `a ${addresses.b}`],
        ['a', clusterIp, 80, `a ${gateway}`],
        ['far', clusterIp, 80, `a ${addresses.far}`],
        ['node', clusterIp, 80, `a ${gateway}`],
        ['outside', clusterIp, 80, `a ${gateway}`],
        ['b', '10.96.3.8', 80, `far ${addresses.b}`],
        ['b', '10.96.3.10', 80, `node ${addresses.b}`],
        ['b', addresses.node, 30080, `a ${addresses.b}`],
        ['a', addresses.node, 30080, `a ${gateway}`],
        ['far', addresses.node, 30080, `a ${gateway}`],
        ['node', addresses.node, 30080, `a ${gateway}`],
        ['outside', addresses.node, 30080, `a ${gateway}`],
        ['outside', addresses.node, 30081, `far ${gateway}`],
        ['outside', vip, 80, `a ${gateway}`],
        ['outside', '203.0.113.9', 80, `a ${gateway}`],
        ['b', vip, 80, `a ${addresses.b}`],
        ['outside', addresses.node, 30082, `a ${addresses.outside}`],
        ['outside', '192.168.57.241', 80, `a ${addresses.outside}`],
        ['outside', addresses.b, serverPort, `b ${addresses.outside}`],
        ['b', addresses.far, serverPort, `far ${addresses.b}`],
        ['node', '127.0.0.1', 30080, 'ECONNREFUSED'],
      ];
      for (const [from, host, port, seen] of cases) {
        t.equal(await lab.ask(from, host, port), seen, `${from} to ${host}:${port}`);
      }
      t.same(await rules.applier.check(rules.compiler.take().plan), [], 'the kernel holds exactly the plan');
    });
  });

  await t.test('a pod that leaves the cluster shows the address of its node', async (t) => {
    await withLab(async (lab, rules) => {
      await rules.apply();
      const seen = new Promise<string>((resolve) => {
        void lab.udp('outside').then((socket) => {
          socket.once('message', (_data, from) => resolve(from.address));
          void lab.udp('a').then((sender) => sender.send('?', socket.address().port, '192.168.57.1'));
        });
      });
      t.equal(await seen, addresses.node);
    });
  });

  await t.test('connections are spread evenly', async (t) => {
    await withLab(async (lab, rules) => {
      await rules.apply(web([at('a'), at('b'), at('far')]));
      const draws = 450;
      const sigma = Math.sqrt(draws * (1 / 3) * (2 / 3));
      // Three sigma are missed by chance once in a hundred samples of three counts, twice in a row once in ten thousand.
      let worst = Number.POSITIVE_INFINITY;
      for (let sample = 0; sample < 2 && worst > 3 * sigma; sample++) {
        const counts = new Map([
          ['a', 0],
          ['b', 0],
          ['far', 0],
        ]);
        for (let i = 0; i < draws; i++) {
          const place = (await lab.ask('node', '10.96.3.7', 80)).split(' ')[0]!;
          counts.set(place, (counts.get(place) ?? 0) + 1);
        }
        t.equal(counts.size, 3);
        worst = Math.max(...[...counts.values()].map((count) => Math.abs(count - draws / 3)));
      }
      t.ok(worst <= 3 * sigma, `largest deviation ${worst}`);
    });
  });

  await t.test('affinity holds until its time is over', async (t) => {
    await withLab(async (lab, rules) => {
      await rules.apply(web([at('a'), at('b'), at('far')], { affinitySeconds: 1 }));
      const first = await lab.ask('node', '10.96.3.7', 80);
      for (let i = 0; i < 20; i++) t.equal(await lab.ask('node', '10.96.3.7', 80), first);
      // The kernel's own clock decides, and every look at it through a connection would start the time anew.
      const places = new Set([first]);
      for (let i = 0; i < 12 && places.size === 1; i++) {
        await new Promise((resolve) => setTimeout(resolve, 2_100));
        places.add(await lab.ask('node', '10.96.3.7', 80));
      }
      t.ok(places.size > 1, 'after a pause longer than the time, chance decides again');
    });
  });

  await t.test('refused at once: no endpoints, no such port', async (t) => {
    await withLab(async (lab, rules) => {
      await rules.apply(
        web([], { loadBalancerIps: ['192.168.57.240'] }, { nodePort: 30080 }),
        service('shop/live', '10.96.3.8', { ports: [servicePort({ endpoints: [at('a')] })] }),
      );
      for (const from of ['a', 'node', 'outside'] as const) {
        t.equal(await lab.ask(from, '10.96.3.7', 80), 'ECONNREFUSED', `${from}: no endpoints`);
        t.equal(await lab.ask(from, '10.96.3.8', 81), 'ECONNREFUSED', `${from}: no such port`);
        t.equal(await lab.ask(from, addresses.node, 30080), 'ECONNREFUSED', `${from}: node port`);
        t.equal(await lab.ask(from, '192.168.57.240', 80), 'ECONNREFUSED', `${from}: load balancer`);
      }
      await rules.apply(web([at('b')]));
      t.equal(await lab.ask('a', '10.96.3.7', 80), `b ${addresses.a}`, 'from none to one');
      await rules.apply(web([at('b', { ready: false, terminating: true })]));
      t.equal(await lab.ask('a', '10.96.3.7', 80), `b ${addresses.a}`, 'terminating but serving');
    });
  });

  await t.test('policy Local', async (t) => {
    await withLab(async (lab, rules) => {
      const both = { internalLocal: true, externalLocal: true };
      await rules.apply(web([at('a'), at('far')], both, { nodePort: 30080 }));
      for (let i = 0; i < 10; i++) {
        t.equal(await lab.ask('b', '10.96.3.7', 80), `a ${addresses.b}`);
        t.equal(await lab.ask('outside', addresses.node, 30080), `a ${addresses.outside}`);
      }
      await rules.apply(web([at('far')], both, { nodePort: 30080 }));
      t.equal(await lab.ask('b', '10.96.3.7', 80, 300), 'TIMEOUT', 'dropped, not refused: other nodes may answer');
      t.equal(await lab.ask('outside', addresses.node, 30080, 300), 'TIMEOUT');
      t.match(await lab.ask('b', addresses.node, 30080), /^far /, 'pods are led on from outside addresses too');
    });
  });

  await t.test('source ranges of a load balancer', async (t) => {
    await withLab(async (lab, rules) => {
      const balanced = { loadBalancerIps: ['192.168.57.240'] };
      await rules.apply(web([at('a')], { ...balanced, sourceRanges: ['198.51.100.0/24'] }));
      t.match(await lab.ask('outside', '192.168.57.240', 80), /^a /);
      await rules.apply(web([at('a')], { ...balanced, sourceRanges: ['192.0.2.0/24'] }));
      t.equal(await lab.ask('outside', '192.168.57.240', 80, 300), 'TIMEOUT');
      t.match(await lab.ask('outside', '10.96.3.7', 80), /^a /, 'the ClusterIP is not restricted');
    });
  });

  await t.test('UDP follows its backends, and only flows without one are forgotten', async (t) => {
    await withLab(async (lab, rules) => {
      const dns = (endpoints: readonly Endpoint[]) =>
        service('shop/dns', '10.96.3.7', {
          ports: [servicePort({ protocol: 'udp', port: 53, nodePort: 30053, endpoints })],
        });
      const go = async (before: ServiceInput | undefined, after: ServiceInput, first = false) => {
        await rules.apply(after);
        return await rules.cleaner.clean(changedFrontends(before, after, first));
      };
      await go(undefined, dns([at('a')]));
      const sockets = { inner: await lab.udp('b'), outer: await lab.udp('outside') };
      t.equal(await lab.askUdp(sockets.inner, '10.96.3.7', 53), `a ${addresses.b}`);
      t.match(await lab.askUdp(sockets.outer, addresses.node, 30053), /^a /);
      t.equal(await go(dns([at('a')]), dns([at('a'), at('far')])), 0, 'an added backend forgets nothing');
      t.equal(await go(undefined, dns([at('a'), at('far')]), true), 0, 'a restart forgets nothing that is alive');
      t.equal(await go(dns([at('a'), at('far')]), dns([at('far')])), 2, 'the flows of the removed backend');
      t.equal(await lab.askUdp(sockets.inner, '10.96.3.7', 53), `far ${addresses.b}`, 'the same socket goes on');
      t.match(await lab.askUdp(sockets.outer, addresses.node, 30053), /^far /);
      t.equal(await go(undefined, dns([at('a')]), true), 1, 'a restart forgets what lost its backend meanwhile');
      t.equal(await lab.askUdp(sockets.inner, '10.96.3.7', 53), `a ${addresses.b}`);
    });
  });

  await t.test('a UDP flow from before the Service finds it', async (t) => {
    await withLab(async (lab, rules) => {
      await rules.apply();
      // Forwarded outside with nothing to answer: conntrack keeps the flow untranslated.
      const socket = await lab.udp('b');
      socket.send('?', 53, '10.96.3.7');
      const listed = async () =>
        (await lab.exec.run(['conntrack', '-L', '-p', 'udp', '--orig-dst', '10.96.3.7'])).stdout;
      while (!(await listed()).includes('dport=53')) await new Promise((resolve) => setImmediate(resolve));
      const dns = service('shop/dns', '10.96.3.7', {
        ports: [servicePort({ protocol: 'udp', port: 53, endpoints: [at('a')] })],
      });
      await rules.apply(dns);
      t.equal(await rules.cleaner.clean(changedFrontends(undefined, dns, false)), 1);
      t.equal(await lab.askUdp(socket, '10.96.3.7', 53), `a ${addresses.b}`);
    });
  });

  await t.test('a new process adopts the rules it finds; connections do not notice', async (t) => {
    await withLab(async (lab, rules) => {
      await rules.apply(web([at('a'), at('far')], {}, { nodePort: 30080 }));
      const socket = await connectInNetns(lab.at.b, { host: '10.96.3.7', port: 80 });
      const next = await NodeRules.open(lab.exec);
      const written = await next.apply(web([at('a'), at('far')], {}, { nodePort: 30080 }));
      t.match(written, { full: true, chains: 0, bytes: 0 }, 'nothing is written');
      let text = '';
      for await (const chunk of socket) text += chunk;
      t.match(text, / 10\.244\.1\.6$/);
      socket.destroy();
      const changed = await next.apply(
        service('shop/other', '10.96.9.9', { ports: [servicePort({ endpoints: [at('b')] })] }),
      );
      t.match(changed, { full: false });
      t.ok(changed.chains <= 4, 'a new Service writes its chain and its group');
    });
  });

  await t.test('removal leaves the namespace as it was', async (t) => {
    await withLab(async (lab, rules) => {
      const dump = async () =>
        (await lab.exec.run(['iptables-save'])).stdout
          .split('\n')
          .filter((line) => /^[*:-]/.test(line))
          .map((line) => line.replace(/\[.*/, ''));
      await lab.exec.run(['iptables', '-t', 'nat', '-A', 'PREROUTING', '-s', '192.0.2.1', '-j', 'RETURN']);
      await lab.exec.run(['iptables', '-A', 'FORWARD', '-s', '192.0.2.1', '-j', 'DROP']);
      const before = await dump();
      await rules.apply(web([at('a')], {}, { nodePort: 30080 }));
      t.not((await dump()).length, before.length);
      await rules.applier.removeAll();
      t.same(await dump(), before);
      await rules.applier.removeAll();
      t.same(await dump(), before, 'twice is once');
    });
  });
});
