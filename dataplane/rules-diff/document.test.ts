// What kube-proxy writes is what the command reads.
import t from 'tap';
import { endpoint, service, servicePort } from '../../test/lib/service-fixture';
import { jumps } from '../netfilter/names';
import { ServiceCompiler } from '../service/iptables/compiler';
import { NftCompiler } from '../service/nft/compiler';
import { type DesiredPart, DesiredReader, desiredLines, stateLines } from './document';

const facts = { clusterCidr: '10.244.0.0/16' };
const endpoints = Array.from({ length: 700 }, (_, i) => endpoint(`10.244.${2 + (i >> 8)}.${i & 255}`, 8080));
const web = service('shop/web', '10.96.3.7', { ports: [servicePort({ endpoints })] });

function parts(): readonly DesiredPart[] {
  const state = { writes: 3, pending: false, writtenAt: 5 };
  const [chains, table] = [new ServiceCompiler(4, facts), new NftCompiler(6, facts)];
  for (const compiler of [chains, table]) compiler.set(web.key, web);
  return [
    {
      part: 'services',
      mode: 'iptables',
      state,
      known: true,
      notes: [],
      iptables: [{ family: 4, backend: 'nft', jumps, chains: chains.take().plan }],
      nft: [{ table: { family: 'ip6', name: 'k8ts' }, plan: table.take().plan }],
    },
    { part: 'policies', mode: 'nftables', state, known: false, notes: ['a note'], iptables: [], nft: [] },
  ];
}

function read(lines: Iterable<string>) {
  const reader = new DesiredReader();
  for (const line of lines) reader.take(line);
  return reader.done();
}

t.test('there and back, in lines of a limited length', async (t) => {
  const lines = [...desiredLines(parts)];
  t.ok(lines.length > 30);
  t.ok(lines.every((line) => line.endsWith('\n') && line.length < 64 * 1024));
  t.strictSame(read(lines).parts, parts());
  t.strictSame(read(stateLines(parts)).end, read(lines).end);
});

t.test('an answer that is cut, or is none', async (t) => {
  const lines = [...desiredLines(parts)];
  for (const wrong of [lines.slice(0, -1), [], ['ok\n'], ['1\n'], ['{"version":2}\n'], [lines[2]!], ['{"x":1}\n']]) {
    t.throws(() => read(wrong), { code: 'Unavailable' }, wrong.join('').slice(0, 40));
  }
});
