// UDP flows follow their backends.
import { changedFrontends } from '../../../dataplane/conntrack/frontends';
import type { Endpoint, ServiceInput } from '../../../dataplane/service/input';
import { service, servicePort } from '../../lib/service-fixture';
import { addresses } from '../../lib/service-lab';
import { at, type ServiceCases } from './cases';

export const udpCases: ServiceCases = {
  'UDP follows its backends, and only flows without one are forgotten': async (t, lab, rules) => {
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
  },

  'a UDP flow from before the Service finds it': async (t, lab, rules) => {
    await rules.apply();
    // Forwarded outside with nothing to answer: conntrack keeps the flow untranslated.
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
