// Which source address a backend sees, and where packets are masqueraded.
import { service, servicePort } from '../../lib/service-fixture';
import { addresses, type Place, serverPort } from '../../lib/service-lab';
import { at, type ServiceCases, web } from './cases';

export const sourceAddressCases: ServiceCases = {
  'backends see the right source address on every path': async (t, lab, rules) => {
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
    t.same(await rules.check(), [], 'the kernel holds exactly the plan');
  },

  'a pod that leaves the cluster shows the address of its node': async (t, lab, rules) => {
    await rules.apply();
    const seen = new Promise<string>((resolve) => {
      void lab.udp('outside').then((socket) => {
        socket.once('message', (_data, from) => resolve(from.address));
        void lab.udp('a').then((sender) => sender.send('?', socket.address().port, '192.168.57.1'));
      });
    });
    t.equal(await seen, addresses.node);
  },
};
