// UDP flows follow their backends.
import { changedFrontends } from '../../../dataplane/conntrack/frontends';
import type { Endpoint, ServiceInput, ServicePort } from '../../../dataplane/service/input';
import { service, servicePort } from '../../lib/service-fixture';
import { addresses } from '../../lib/service-lab';
import { at, type ServiceCases } from './cases';

export const udpCases: ServiceCases = {
  'UDP flows follow their backends, and only flows without a backend are deleted': async (t, lab, rules) => {
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
    t.equal(await go(dns([at('a')]), dns([at('a'), at('far')])), 0, 'an added backend deletes no flow');
    t.equal(await go(undefined, dns([at('a'), at('far')]), true), 0, 'a restart deletes no flow with a backend');
    t.equal(await go(dns([at('a'), at('far')]), dns([at('far')])), 2, 'the flows of the removed backend');
    t.equal(await lab.askUdp(sockets.inner, '10.96.3.7', 53), `far ${addresses.b}`, 'the same socket continues');
    t.match(await lab.askUdp(sockets.outer, addresses.node, 30053), /^far /);
    t.equal(await go(undefined, dns([at('a')]), true), 2, 'a restart deletes flows that lost their backend meanwhile');
    t.equal(await lab.askUdp(sockets.inner, '10.96.3.7', 53), `a ${addresses.b}`);
  },

  'every transition deletes exactly the flows without a backend, at every address': async (t, lab, rules) => {
    const key = 'shop/dns';
    const frontends = { cluster: '10.96.3.7', balancer: '192.168.57.240', external: '203.0.113.9' };
    const dns = (endpoints: readonly Endpoint[], changes: Partial<ServicePort> = {}) =>
      service(key, frontends.cluster, {
        loadBalancerIps: [frontends.balancer],
        externalIps: [frontends.external],
        ports: [servicePort({ protocol: 'udp', port: 53, nodePort: 30053, endpoints, ...changes })],
      });
    await lab.serve('a', 9090);
    await lab.serve('b', 5353);
    const clients = await Promise.all([
      lab.udp('b').then((socket) => ({ socket, host: frontends.cluster, port: 53 })),
      lab.udp('outside').then((socket) => ({ socket, host: frontends.balancer, port: 53 })),
      lab.udp('outside').then((socket) => ({ socket, host: frontends.external, port: 53 })),
      lab.udp('outside').then((socket) => ({ socket, host: addresses.node, port: 30053 })),
      lab.udp('node').then((socket) => ({ socket, host: frontends.cluster, port: 53 })),
    ]);
    const ask = () => Promise.all(clients.map(({ socket, host, port }) => lab.askUdp(socket, host, port)));
    const places = async () => new Set((await ask()).map((answer) => answer.split(' ')[0]));
    const other = await lab.udp('a');
    const stranger = () => lab.askUdp(other, addresses.b, 5353);
    await rules.change(key, dns([at('a')]));
    t.same(await places(), new Set(['a']));
    await stranger();
    t.equal(await rules.change(key, dns([at('a'), at('far')])), 0, 'N to M, none removed');
    t.same(await places(), new Set(['a']), 'clients keep their backend');
    t.equal(
      await rules.change(key, dns([at('a', { ready: false, terminating: true }), at('far')])),
      0,
      'still serving',
    );
    t.equal(await rules.change(key, dns([at('far')])), clients.length, 'N to M, one removed');
    t.same(await places(), new Set(['far']));
    t.equal(await rules.change(key, dns([])), clients.length, 'N to 0');
    t.equal(await rules.change(key, dns([at('a')])), 0, '0 to N: refused packets left no flow');
    t.same(await places(), new Set(['a']));
    t.equal(await rules.change(key, dns([at('a', { port: 9090 })])), clients.length, 'the port of the backend');
    t.same(await places(), new Set(['a']));
    t.equal(await rules.change(key, dns([at('a', { port: 9090 })], { nodePort: 30054 })), 1, 'the node port');
    clients[3]!.port = 30054;
    t.same(await places(), new Set(['a']));
    t.equal(
      await rules.cleaner.clean(changedFrontends(undefined, dns([at('a', { port: 9090 })], { nodePort: 30054 }), true)),
      0,
      'a restart',
    );
    t.equal(await rules.change(key, undefined), clients.length, 'the Service is deleted');
    const left = await lab.exec.run(['conntrack', '-L', '-p', 'udp', '--orig-dst', addresses.b]);
    t.match(left.stdout, 'dport=5353', 'a flow of no Service stays');
    t.match(await stranger(), /^b /);
  },

  'a UDP flow from before its Service reaches the Service': async (t, lab, rules) => {
    await rules.apply();
    // Forwarded outside without an answer: conntrack keeps the flow untranslated.
    const socket = await lab.udp('b');
    socket.send('?', 53, '10.96.3.7');
    const listed = async () => (await lab.exec.run(['conntrack', '-L', '-p', 'udp', '--orig-dst', '10.96.3.7'])).stdout;
    while (!(await listed()).includes('dport=53')) await new Promise((resolve) => setImmediate(resolve));
    const dns = service('shop/dns', '10.96.3.7', {
      ports: [servicePort({ protocol: 'udp', port: 53, endpoints: [at('a')] })],
    });
    await rules.apply(dns);
    t.equal(await rules.cleaner.clean(changedFrontends(undefined, dns, false)), 1);
    t.equal(await lab.askUdp(socket, '10.96.3.7', 53), `a ${addresses.b}`);
  },
};
