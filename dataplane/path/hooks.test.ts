// The order of hooks and of chains at one hook, without a rule language.
import t from 'tap';
import type { BaseChain, Evaluator, Verdict } from './evaluator';
import { priorities, Tracer } from './hooks';
import type { Hook } from './journey';
import type { Traveller } from './packet';

interface Listed {
  readonly hook: Hook;
  readonly priority: number;
  readonly name: string;
  readonly type?: BaseChain['type'];
  readonly family?: 4 | 6;
  readonly act?: (packet: Traveller) => Verdict | undefined;
}

/** Chains that write their names into `met`. */
function tracerOf(met: string[], ...chains: readonly Listed[]): Tracer {
  const evaluator: Evaluator = {
    at: (hook) =>
      chains
        .filter((chain) => chain.hook === hook)
        .map(({ priority, name, type = 'filter', family, act }) => ({
          priority,
          type,
          ...(family === undefined ? {} : { family }),
          evaluate: (packet) => {
            met.push(name);
            return act?.(packet) ?? { kind: 'accept' };
          },
        })),
  };
  return new Tracer([evaluator]);
}

const hooks: readonly Hook[] = ['postrouting', 'output', 'forward', 'input', 'prerouting', 'bridge prerouting'];
const everywhere = hooks.map((hook) => ({ hook, priority: 0, name: hook }));
const around = { localAddresses: new Set(['192.168.57.11']), route: () => 'eth0', random: () => 0 };
const packet = { source: '10.244.1.5', destination: '10.244.2.9', protocol: 'tcp', destinationPort: 80 };
const node = '192.168.57.11';

const ways = [
  {
    name: 'through this node',
    packet: { ...packet, inInterface: 'cni0' },
    way: ['prerouting', 'forward', 'postrouting'],
  },
  {
    name: 'from a port of a bridge',
    packet: { ...packet, inInterface: 'cni0', frame: { port: 'veth1', sourceMac: '02:00:00:00:00:01' } },
    way: ['bridge prerouting', 'prerouting', 'forward', 'postrouting'],
  },
  {
    name: 'to a process on this node',
    packet: { ...packet, destination: node, inInterface: 'eth0' },
    way: ['prerouting', 'input'],
  },
  { name: 'from a process on this node', packet, way: ['output', 'postrouting'] },
  {
    name: 'from a process on this node to another',
    packet: { ...packet, destination: node },
    way: ['output', 'postrouting', 'prerouting', 'input'],
  },
] as const;

for (const { name, packet: sent, way } of ways) {
  t.test(name, async (t) => {
    const met: string[] = [];
    const journey = tracerOf(met, ...everywhere).trace(sent, around);
    t.strictSame(met, way);
    t.equal(journey.verdict, 'accept');
    t.equal(journey.local, sent.destination === node);
  });
}

t.test('at one hook the lower priority comes first; accept ends one chain, drop ends all', async (t) => {
  const met: string[] = [];
  const tracer = tracerOf(
    met,
    { hook: 'forward', priority: priorities.filter + 10, name: 'after' },
    { hook: 'forward', priority: priorities.mangle, name: 'mangle' },
    { hook: 'forward', priority: priorities.filter, name: 'filter', act: () => ({ kind: 'drop' }) },
  );
  t.equal(tracer.trace({ ...packet, inInterface: 'eth0' }, around).verdict, 'drop');
  t.strictSame(met, ['mangle', 'filter']);
});

t.test('the address after DNAT determines the way', async (t) => {
  const met: string[] = [];
  const act = (one: Traveller): undefined => one.translateDestination({ address: node, port: 53 }) as undefined;
  const dnat = { hook: 'prerouting', priority: priorities.dstnat, name: 'dnat', type: 'nat', act } as const;
  const journey = tracerOf(met, dnat, ...everywhere).trace({ ...packet, inInterface: 'cni0' }, around);
  t.strictSame(met, ['dnat', 'prerouting', 'input']);
  t.match(journey, { local: true, destination: node, destinationPort: 53, dnat: { address: node, port: 53 } });
});

t.test('chains of type nat: only the first packet, and only until one chain has translated', async (t) => {
  const met: string[] = [];
  const act = (one: Traveller): undefined => one.translateDestination({ address: '10.244.2.10' }) as undefined;
  const nat = { hook: 'prerouting', priority: priorities.dstnat, type: 'nat' } as const;
  const tracer = tracerOf(met, { ...nat, name: 'first', act }, { ...nat, name: 'second', act });
  tracer.trace({ ...packet, inInterface: 'eth0' }, around);
  t.strictSame(met, ['first']);
  tracer.trace({ ...packet, inInterface: 'eth0', states: ['ESTABLISHED'] }, around);
  t.strictSame(met, ['first'], 'conntrack knows the translation of later packets');
});

t.test('a process that connects to its own node is not translated again after loopback', async (t) => {
  const met: string[] = [];
  const nat = { priority: 0, type: 'nat' } as const;
  const tracer = tracerOf(met, ...hooks.map((hook) => ({ ...nat, hook, name: hook })));
  tracer.trace({ ...packet, destination: node }, around);
  t.strictSame(met, ['output', 'postrouting']);
});

t.test('chains of one family get only packets of that family', async (t) => {
  const met: string[] = [];
  const tracer = tracerOf(
    met,
    { hook: 'forward', priority: 0, name: 'four', family: 4 },
    { hook: 'forward', priority: 0, name: 'six', family: 6 },
    { hook: 'forward', priority: 0, name: 'both' },
  );
  tracer.trace({ ...packet, inInterface: 'eth0' }, around);
  tracer.trace({ ...packet, source: 'fd00::1', destination: 'fd00::2', inInterface: 'eth0' }, around);
  t.strictSame(met, ['four', 'both', 'six', 'both']);
});
