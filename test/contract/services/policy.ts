// Traffic policies: endpoints of this node only, and terminating endpoints.
import { addresses } from '../../lib/service-lab';
import { at, type ServiceCases, web } from './cases';

export const policyCases: ServiceCases = {
  'a terminating backend serves while there is no other: everywhere, and on this node': async (t, lab, rules) => {
    const leaving = { ready: false, terminating: true };
    const gone = { ready: false, serving: false, terminating: true };
    const local = { externalLocal: true, internalLocal: true };
    const port = { nodePort: 30080 };
    const all = async (from: 'b' | 'outside') => {
      const places = new Set<string>();
      for (let i = 0; i < 12; i++) {
        const answer = await lab.ask(
          from,
          from === 'b' ? '10.96.3.7' : addresses.node,
          from === 'b' ? 80 : 30080,
          2_000,
        );
        places.add(answer.split(' ')[0]!);
      }
      return [...places].join();
    };
    await rules.apply(web([at('a', leaving), at('far')], {}, port));
    t.equal(await all('b'), 'far', 'a ready backend comes first');
    t.equal(await all('outside'), 'far');
    await rules.apply(web([at('a', leaving), at('far', gone)], {}, port));
    t.equal(await all('b'), 'a', 'no backend is ready: the terminating one serves');
    t.equal(await all('outside'), 'a');
    await rules.apply(web([at('a', leaving), at('far')], local, port));
    t.equal(await all('b'), 'a', 'policy Local: the last backend of this node, although others are ready elsewhere');
    t.equal(await all('outside'), 'a');
    await rules.apply(web([at('a', gone), at('far')], local, port));
    t.equal(await lab.ask('outside', addresses.node, 30080, 300), 'TIMEOUT', 'no backend on this node');
    await rules.apply(web([at('a', gone), at('far', gone)], local, port));
    t.equal(await lab.ask('outside', addresses.node, 30080), 'ECONNREFUSED', 'no backend on any node');
  },

  'an address of the load balancer is short-circuited from inside, and its source ranges hold there too': async (
    t,
    lab,
    rules,
  ) => {
    const vip = '192.168.57.240';
    const balanced = { loadBalancerIps: [vip], externalLocal: true };
    await rules.apply(web([at('far')], balanced, { nodePort: 30080 }));
    t.equal(await lab.ask('b', vip, 80), `far ${addresses.b}`, 'a pod reaches a backend under every external policy');
    t.match(await lab.ask('node', vip, 80), /^far /);
    t.equal(await lab.ask('outside', vip, 80, 300), 'TIMEOUT');
    await rules.apply(web([at('far')], { ...balanced, sourceRanges: ['198.51.100.0/24'] }, { nodePort: 30080 }));
    t.equal(await lab.ask('b', vip, 80, 300), 'TIMEOUT', 'pods are not in the range');
    await rules.apply(web([at('far')], { ...balanced, sourceRanges: ['10.244.0.0/16'] }, { nodePort: 30080 }));
    t.equal(await lab.ask('b', vip, 80), `far ${addresses.b}`);
  },

  'policy Local': async (t, lab, rules) => {
    const both = { internalLocal: true, externalLocal: true };
    await rules.apply(web([at('a'), at('far')], both, { nodePort: 30080 }));
    for (let i = 0; i < 10; i++) {
      t.equal(await lab.ask('b', '10.96.3.7', 80), `a ${addresses.b}`);
      t.equal(await lab.ask('outside', addresses.node, 30080), `a ${addresses.outside}`);
    }
    await rules.apply(web([at('far')], both, { nodePort: 30080 }));
    t.equal(await lab.ask('b', '10.96.3.7', 80, 300), 'TIMEOUT', 'dropped, not refused: other nodes may answer');
    t.equal(await lab.ask('outside', addresses.node, 30080, 300), 'TIMEOUT');
    t.match(await lab.ask('b', addresses.node, 30080), /^far /, 'pods reach backends through outside addresses too');
  },
};
