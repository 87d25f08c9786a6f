// Traffic policies: endpoints of this node, and those on their way out.
import { addresses } from '../../lib/service-lab';
import { at, type ServiceCases, web } from './cases';

export const policyCases: ServiceCases = {
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
    t.match(await lab.ask('b', addresses.node, 30080), /^far /, 'pods are led on from outside addresses too');
  },
};
