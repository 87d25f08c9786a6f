// Ports: several ports of a Service, backends with ports of their own, node ports, host ports of pods.
import type { ServiceInput, ServicePort } from '../../../dataplane/service/input';
import { service, servicePort } from '../../lib/service-fixture';
import { addresses } from '../../lib/service-lab';
import { at, type ServiceCases, web } from './cases';

const pod = (name: string, ...ports: readonly ServicePort[]): ServiceInput => ({
  key: `pod/shop/${name}`,
  externalIps: [],
  loadBalancerIps: [],
  internalLocal: false,
  externalLocal: false,
  ports,
});

export const portCases: ServiceCases = {
  'several ports, and a backend with a port of its own': async (t, lab, rules) => {
    await lab.serve('b', 9090);
    await rules.apply(
      service('shop/web', '10.96.3.7', {
        ports: [
          servicePort({ name: 'http', port: 80, endpoints: [at('a')] }),
          servicePort({ name: 'admin', port: 81, endpoints: [at('b', { port: 9090 })] }),
          servicePort({ name: 'both', port: 82, endpoints: [at('a'), at('b', { port: 9090 })] }),
        ],
      }),
    );
    t.equal(await lab.ask('node', '10.96.3.7', 80), 'a 10.244.1.1');
    t.equal(await lab.ask('node', '10.96.3.7', 81), 'b 10.244.1.1');
    const places = new Set<string>();
    // Forty connections miss one of two backends by chance once in 10^12 runs.
    for (let i = 0; i < 40 && places.size < 2; i++) {
      places.add((await lab.ask('node', '10.96.3.7', 82)).split(' ')[0]!);
    }
    t.same([...places].sort(), ['a', 'b'], 'each backend by its own port');
  },

  'node ports on chosen addresses only': async (t, lab, rules) => {
    const other = '192.168.57.12';
    await lab.at.node.run('ip', 'address', 'add', `${other}/32`, 'dev', 'eth0');
    await lab.at.outside.run('ip', 'route', 'add', `${other}/32`, 'dev', 'eth0', 'src', addresses.outside);
    await rules.apply(web([at('a')], {}, { nodePort: 30080 }));
    for (const ip of [addresses.node, other]) t.match(await lab.ask('outside', ip, 30080), /^a /, ip);
    rules.setFacts({ nodePortAddresses: [`${addresses.node}/32`] });
    await rules.write();
    t.match(await lab.ask('outside', addresses.node, 30080), /^a /);
    t.equal(await lab.ask('outside', other, 30080), 'ECONNREFUSED', 'no process listens there');
    t.equal(await lab.ask('b', '10.244.1.1', 30080), 'ECONNREFUSED');
    t.match(await lab.ask('b', '10.96.3.7', 80), /^a /);
    t.same(await rules.check(), []);
  },

  'node ports never answer on loopback, and route_localnet stays off': async (t, lab, rules) => {
    await rules.apply(web([at('a')], {}, { nodePort: 30080 }));
    t.equal(await lab.ask('node', '127.0.0.1', 30080), 'ECONNREFUSED');
    const settings = await lab.at.node.run('sh', '-c', 'cat /proc/sys/net/ipv4/conf/*/route_localnet');
    t.match(settings, /^(0\n)+$/);
  },

  'a host port leads to its pod': async (t, lab, rules) => {
    await rules.apply(pod('web-0', servicePort({ hostPort: 8443, endpoints: [at('a')] })));
    t.equal(
      await lab.ask('outside', addresses.node, 8443),
      `a ${addresses.outside}`,
      'the pod sees the client address',
    );
    t.equal(await lab.ask('b', addresses.node, 8443), `a ${addresses.b}`);
    t.equal(await lab.ask('far', addresses.node, 8443), `a ${addresses.far}`);
    t.equal(await lab.ask('a', addresses.node, 8443), 'a 10.244.1.1', 'the pod reaches itself');
    t.match(await lab.ask('node', addresses.node, 8443), /^a /);
    t.equal(await lab.ask('node', '127.0.0.1', 8443), 'ECONNREFUSED');
    t.same(await rules.check(), []);
    await rules.change('pod/shop/web-0', undefined);
    t.equal(await lab.ask('outside', addresses.node, 8443), 'ECONNREFUSED', 'removed with the pod');
  },

  'a host port on one address of the node, over UDP too': async (t, lab, rules) => {
    const other = '192.168.57.12';
    await lab.at.node.run('ip', 'address', 'add', `${other}/32`, 'dev', 'eth0');
    await lab.at.outside.run('ip', 'route', 'add', `${other}/32`, 'dev', 'eth0', 'src', addresses.outside);
    await rules.apply(
      pod(
        'web-0',
        servicePort({ hostPort: 8443, hostIp: other, endpoints: [at('a')] }),
        servicePort({ name: 'dns', protocol: 'udp', hostPort: 5300, hostIp: other, endpoints: [at('a')] }),
      ),
      pod('web-1', servicePort({ hostPort: 8443, hostIp: addresses.node, endpoints: [at('b')] })),
    );
    t.match(await lab.ask('outside', other, 8443), /^a /);
    t.match(await lab.ask('outside', addresses.node, 8443), /^b /, 'the same port for another pod on another address');
    t.match(await lab.askUdp(await lab.udp('outside'), other, 5300), /^a /);
  },

  'a host port on loopback answers processes of the node that come from another of its addresses': async (
    t,
    lab,
    rules,
  ) => {
    const connect =
      'require("node:net").connect({ host: "127.0.0.1", port: 8443, localAddress: process.argv[1] }).pipe(process.stdout)';
    const fromNode = () => lab.at.node.run(process.execPath, '-e', connect, addresses.node);
    await rules.apply(
      pod('web-0', servicePort({ hostPort: 8443, hostIp: '127.0.0.1', endpoints: [at('a')] })),
      pod('web-1', servicePort({ hostPort: 8443, hostIp: addresses.node, endpoints: [at('b')] })),
    );
    t.match(await fromNode(), /^a /);
    t.match(await lab.ask('node', addresses.node, 8443), /^b /);
    t.equal(await lab.ask('node', '127.0.0.1', 8443), 'ECONNREFUSED', 'from loopback it would need route_localnet');
    t.same(await rules.check(), []);
  },

  'forwarded traffic to other machines keeps its destination, on every port': async (t, lab, rules) => {
    await rules.apply(
      pod('web-0', servicePort({ hostPort: 8080, endpoints: [at('a')] })),
      web([at('a')], {}, { nodePort: 9090 }),
    );
    await lab.serve('far', 9090);
    for (const port of [8080, 9090]) {
      t.equal(await lab.ask('outside', addresses.far, port), `far ${addresses.outside}`, `from outside, ${port}`);
      t.equal(await lab.ask('b', addresses.far, port), `far ${addresses.b}`, `from a pod, ${port}`);
      t.match(await lab.ask('outside', addresses.node, port), /^a /, `the node's own ${port}`);
    }
  },
};
