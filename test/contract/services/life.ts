// A new process adopts existing rules; cleanup removes all rules.
import { connectInNetns } from '../../../dataplane/netns/connect';
import { service, servicePort } from '../../lib/service-fixture';
import { NodeRules } from '../../lib/service-rules';
import { at, type ServiceCases, web } from './cases';

export const lifeCases: ServiceCases = {
  'a new process adopts existing rules; connections continue': async (t, lab, rules) => {
    await rules.apply(web([at('a'), at('far')], {}, { nodePort: 30080 }));
    const socket = await connectInNetns(lab.at.b, { host: '10.96.3.7', port: 80 });
    const next = NodeRules.open(lab);
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
    t.ok(changed.chains <= 8, 'a new Service writes only its own rules, and those of its group');
  },

  'removal leaves the namespace as it was': async (t, lab, rules) => {
    const program = lab.mode === 'nftables' ? 'iptables-nft' : lab.mode;
    const all = lab.mode === 'nftables' ? ['nft', '--stateless', 'list', 'ruleset'] : [`${program}-save`];
    const dump = async () =>
      (await lab.exec.run(all)).stdout
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .map((line) => line.replace(/\[.*/, ''));
    await lab.exec.run([program, '-t', 'nat', '-A', 'PREROUTING', '-s', '192.0.2.1', '-j', 'RETURN']);
    await lab.exec.run([program, '-A', 'FORWARD', '-s', '192.0.2.1', '-j', 'DROP']);
    // iptables-nft keeps a built-in chain once it has created it.
    await lab.exec.run([program, '-A', 'INPUT', '-s', '192.0.2.1', '-j', 'DROP']);
    const before = await dump();
    await rules.apply(web([at('a')], {}, { nodePort: 30080 }));
    t.not((await dump()).length, before.length);
    await rules.removeAll();
    t.same(await dump(), before);
    await rules.removeAll();
    t.same(await dump(), before, 'a second removal changes nothing');
  },
};
