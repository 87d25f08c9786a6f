// SCTP: the kernel may lack SCTP sockets, but conntrack and NAT know the protocol. So the test builds the packets itself.
import { receiveRaw, sctpInit, sendRaw } from '../../lib/raw-packets';
import { service, servicePort } from '../../lib/service-fixture';
import { addresses } from '../../lib/service-lab';
import { at, type ServiceCases } from './cases';

export const sctpCases: ServiceCases = {
  'an SCTP packet reaches a backend': async (t, lab, rules) => {
    const port = servicePort({ protocol: 'sctp', port: 38412, nodePort: 30412, endpoints: [at('a', { port: 36412 })] });
    await rules.apply(service('shop/core', '10.96.3.7', { ports: [port] }));
    const inner = sctpInit(addresses.b, 5000, '10.96.3.7', 38412);
    const fromPod = await receiveRaw(lab.at.a, 'sctp', () => sendRaw(lab.at.b, inner));
    t.equal(fromPod.source, addresses.b);
    t.equal(fromPod.destination, addresses.a);
    t.equal(fromPod.payload.readUInt16BE(2), 36412);
    const outer = sctpInit(addresses.outside, 5001, addresses.node, 30412);
    const fromOutside = await receiveRaw(lab.at.a, 'sctp', () => sendRaw(lab.at.outside, outer));
    t.equal(fromOutside.source, '10.244.1.1', 'masqueraded');
    t.equal(fromOutside.payload.readUInt16BE(2), 36412);
    t.same(await rules.check(), []);
  },
};
