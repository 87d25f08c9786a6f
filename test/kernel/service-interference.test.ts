// kube-proxy's loop on a real kernel repairs foreign changes of the rules.
import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { type EndpointSlice, endpointSlices, type Node, nodes, type Service, services } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { MemoryClient } from '../lib/memory-client';
import { skipWithoutKernel } from '../lib/netns';
import { runProxy } from '../lib/running-proxy';
import { addresses, ServiceLab, serverPort } from '../lib/service-lab';

t.setTimeout(600_000);
const nodeName = 'worker-1';
const clusterIp = '10.96.3.7';
const node: Node = { metadata: { name: nodeName }, spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] } };
const web: Service = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    type: 'NodePort',
    clusterIP: clusterIp,
    clusterIPs: [clusterIp],
    ports: [{ port: 80, protocol: 'TCP', nodePort: 30080 }],
  },
};
const slice: EndpointSlice = {
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ port: serverPort, protocol: 'TCP' }],
  endpoints: [{ addresses: [addresses.a], nodeName, conditions: { ready: true } }],
};

/** Commands that damage the rules; `chain` is the chain that leads to the endpoint. */
const interferences: Readonly<Record<string, (iptables: string, chain: string) => readonly string[]>> = {
  'table nat is flushed': (p) => [`${p} -t nat -F`],
  'table filter is flushed': (p) => [`${p} -F`],
  'all chains of a table are removed': (p) => [`${p} -t nat -F`, `${p} -t nat -X`],
  'one chain is emptied': (p, chain) => [`${p} -t nat -F ${chain}`],
  'one rule is changed': (p, chain) => [`${p} -t nat -R ${chain} 1 -s 192.0.2.1 -j RETURN`],
  'one rule is inserted first': (p, chain) => [`${p} -t nat -I ${chain} -j RETURN`],
  'a jump to our chains is removed': (p) => [`${p} -t nat -D PREROUTING 1`],
  'a firewall starts again: it flushes everything and writes its own rules': (p) => [
    `${p} -F`,
    `${p} -X`,
    `${p} -t nat -F`,
    `${p} -t nat -X`,
    `${p} -P FORWARD DROP`,
    `${p} -N FWD_ZONE`,
    `${p} -A FORWARD -j FWD_ZONE`,
    `${p} -A FWD_ZONE -s 192.0.2.0/24 -j ACCEPT`,
  ],
};

t.test('interference', { skip: skipWithoutKernel() }, async (t) => {
  for (const [name, commands] of Object.entries(interferences)) {
    await t.test(name, async (t) => {
      const scope = new Scope();
      try {
        const lab = await ServiceLab.open(scope);
        const client = new MemoryClient();
        await client.create(nodes, node);
        await client.create(services, web);
        await client.create(endpointSlices, slice);
        const { drift, drifts } = await runProxy(lab, client, { nodeName });
        const works = async () =>
          (await lab.ask('b', clusterIp, 80, 300)) === `a ${addresses.b}` &&
          (await lab.ask('outside', addresses.node, 30080, 300)).startsWith('a ');
        while (!(await works()));
        const saved = async () =>
          (await lab.at.node.run('iptables-save'))
            .split('\n')
            .filter((line) => line.startsWith('-A ') && line.includes('K8TS-'))
            .sort();
        const before = await saved();
        const chain = before.map((line) => /^-A (K8TS-SVC-\S+)/.exec(line)?.[1]).find(Boolean)!;
        const reported = drift();
        for (const command of commands('iptables', chain)) await lab.at.node.run(...command.split(' '));
        await reported;
        while (!isDeepStrictEqual(await saved(), before));
        t.ok(await works(), 'every rule is written again, and packets pass');
        t.ok(drifts.flat().length > 0, 'and the change is reported');
      } finally {
        await scope.close();
      }
    });
  }
});
