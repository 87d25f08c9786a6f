// The kernel's listing evaluates like the written plan: the same packets take the same path, rule by rule.
import t from 'tap';
import { Applier } from '../../dataplane/netfilter/applier';
import { programsOf } from '../../dataplane/netfilter/backend';
import type { Tracer } from '../../dataplane/path/hooks';
import type { Journey, Step } from '../../dataplane/path/journey';
import type { Packet } from '../../dataplane/path/packet';
import { tracerOfListings, tracerOfPlans } from '../../dataplane/path/tracers';
import { sourcesText } from '../../dataplane/pod-sources/text';
import { compilePolicies } from '../../dataplane/policy/compile';
import type { PodRecord } from '../../dataplane/policy/input';
import { renderUpdate } from '../../dataplane/policy/update';
import type { ServiceInput } from '../../dataplane/service/input';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { NftCompiler } from '../../dataplane/service/nft/compiler';
import { tableOf } from '../../dataplane/service/nft/names';
import { renderTransaction } from '../../dataplane/service/nft/transaction';
import { watchText } from '../../dataplane/traffic/watch-table';
import { skipWithoutKernel, withNetns } from '../lib/netns';
import {
  clusterCidr,
  nodeAddresses,
  podCidr,
  randomCluster,
  randomHostPorts,
  randomPacket,
  seededRandom,
} from '../lib/service-fixture';
import { NetnsExec } from '../lib/service-lab';

const facts = { clusterCidr, podCidr, serviceCidrs: ['10.96.0.0/12'] };
const services = [...randomCluster(seededRandom(11), 40), ...randomHostPorts(seededRandom(12), 10)];
const packets = 2_000;

function fill<T extends { set(key: string, input: ServiceInput): void }>(compiler: T): T {
  for (const service of services) compiler.set(service.key, service);
  return compiler;
}

/** Both tracers get the same random numbers and the same time. */
function goBoth(packet: Packet, seed: number, tracers: readonly Tracer[]): readonly Journey[] {
  return tracers.map((tracer) =>
    tracer.trace(packet, {
      localAddresses: nodeAddresses,
      route: (destination) => (destination.startsWith('10.244.1.') ? 'cni0' : 'eth0'),
      random: seededRandom(seed),
      now: () => 0,
      recent: new Map(),
    }),
  );
}

t.test('path', { skip: skipWithoutKernel() }, async (t) => {
  for (const backend of programsOf(4)) {
    await t.test(`iptables, ${backend.mode}: iptables-save gives the same journeys as the plan`, async (t) => {
      await withNetns(1, async (netns) => {
        const { plan, dirty } = fill(new ServiceCompiler(4, facts)).take();
        await new Applier({ exec: new NetnsExec(netns), backend }).apply(plan, dirty);
        const dump = await netns.run(backend.save);
        const tracers = [
          tracerOfPlans({ iptables: { family: 4, chains: plan } }),
          tracerOfListings({ iptables: [{ family: 4, dump }] }),
        ];
        const random = seededRandom(13);
        const verdicts = new Set<string>();
        for (let i = 0; i < packets; i++) {
          const packet = randomPacket(random, services);
          const [planned, listed] = goBoth(packet, i, tracers);
          verdicts.add(planned!.verdict);
          if (JSON.stringify(listed) !== JSON.stringify(planned)) {
            t.strictSame(listed, planned, JSON.stringify(packet));
            return;
          }
        }
        t.strictSame([...verdicts].sort(), ['accept', 'drop', 'reject']);
      });
    });
  }

  await t.test("iptables: a rule of another program is part of the kernel's journey", async (t) => {
    await withNetns(1, async (netns) => {
      const [backend] = programsOf(4);
      const { plan, dirty } = fill(new ServiceCompiler(4, facts)).take();
      await new Applier({ exec: new NetnsExec(netns), backend: backend! }).apply(plan, dirty);
      const packet = { source: '10.244.1.5', destination: '8.8.8.8', protocol: 'tcp', inInterface: 'cni0' };
      const trace = async () => {
        const dump = await netns.run(backend!.save);
        return goBoth(packet, 1, [tracerOfListings({ iptables: [{ family: 4, dump }] })])[0]!;
      };
      t.equal((await trace()).verdict, 'accept');
      await netns.run(`iptables-${backend!.mode}`, '-I', 'FORWARD', '-d', '8.8.8.8', '-j', 'DROP');
      const dropped = await trace();
      t.equal(dropped.verdict, 'drop');
      t.match(dropped.steps.at(-1), {
        chain: 'FORWARD',
        line: 1,
        rule: '-A FORWARD -d 8.8.8.8/32 -j DROP',
        objects: [],
      });
    });
  });

  for (const backend of programsOf(4)) {
    await t.test(
      `iptables, ${backend.mode}, with the tables of policies and pods: every rule counts once`,
      async (t) => {
        await withNetns(1, async (netns) => {
          const { plan, dirty } = fill(new ServiceCompiler(4, facts)).take();
          const exec = new NetnsExec(netns);
          await new Applier({ exec, backend }).apply(plan, dirty);
          const nft = [policies(), sources()];
          for (const input of nft) await exec.run(['nft', '-f', '-'], { input });
          const tracers = [
            tracerOfPlans({ iptables: { family: 4, chains: plan }, nft }),
            tracerOfListings({
              iptables: [{ family: 4, dump: await netns.run(backend.save) }],
              nft: await netns.run('nft', '-n', '-s', 'list', 'ruleset'),
            }),
          ];
          const random = seededRandom(15);
          let both = 0;
          for (let i = 0; i < packets; i++) {
            const packet = framed(randomPacket(random, services), random);
            const [planned, listed] = goBoth(packet, i, tracers).map(inWordsOfNone);
            const met = new Set(planned!.steps.flatMap((step) => (step.step === 'rule' ? [step.table] : [])));
            if (met.has('nat') && met.has('inet k8ts-policy')) both++;
            if (JSON.stringify(listed) !== JSON.stringify(planned)) {
              t.strictSame(listed, planned, JSON.stringify(packet));
              return;
            }
          }
          t.ok(both > 100, `${both} packets met both`);
        });
      },
    );
  }

  await t.test('nftables: the listing of all tables gives the same journeys as the transactions', async (t) => {
    await withNetns(1, async (netns) => {
      const { plan, dirty } = fill(new NftCompiler(4, facts)).take();
      const transactions = [renderTransaction(tableOf(4), plan, dirty), policies(), sources()];
      const exec = new NetnsExec(netns);
      // The table that counts while somebody looks at traffic is no part of a packet's way.
      for (const input of [...transactions, watchText(true)]) await exec.run(['nft', '-f', '-'], { input });
      const listing = await netns.run('nft', '-n', '-s', 'list', 'ruleset');
      const tracers = [tracerOfPlans({ nft: transactions }), tracerOfListings({ nft: listing })];
      const random = seededRandom(14);
      const seen = new Map<string, number>();
      for (let i = 0; i < packets; i++) {
        const packet = framed(randomPacket(random, services), random);
        const [planned, listed] = goBoth(packet, i, tracers).map(inWordsOfNone);
        for (const step of planned!.steps)
          if (step.step === 'rule') seen.set(step.table, (seen.get(step.table) ?? 0) + 1);
        if (JSON.stringify(listed) !== JSON.stringify(planned)) {
          t.strictSame(listed, planned, JSON.stringify(packet));
          return;
        }
      }
      t.strictSame([...seen.keys()].sort(), ['bridge k8ts-pod-sources', 'inet k8ts-policy', 'ip k8ts']);
    });
  });
});

/** Removes the texts of rules, since nft prints rules in its own form; all other parts are compared. */
function inWordsOfNone({ steps, ...journey }: Journey): Omit<Journey, 'steps'> & { readonly steps: readonly Step[] } {
  return { ...journey, steps: steps.map((step) => (step.step === 'rule' ? { ...step, rule: '' } : step)) };
}

const macOf = (address: string): string =>
  `0a:58:${address
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'))
    .join(':')}`;
const ownPods = Array.from({ length: 6 }, (_, i) => `10.244.1.${i + 2}`);
const linkOf = (address: string): string => `veth${macOf(address).slice(6).replaceAll(':', '')}`;

/** Packets from pods of this node arrive through the pods' ports; some pods send under a false address. */
function framed(packet: Packet, random: () => number): Packet {
  if (packet.inInterface !== 'cni0') return packet;
  const sender = random() < 0.1 ? ownPods[0]! : packet.source;
  return { ...packet, frame: { port: linkOf(sender), sourceMac: macOf(sender) } };
}

const sources = (): string =>
  sourcesText(
    ownPods.map((address) => ({ link: linkOf(address), mac: macOf(address), addresses: [address] })),
    { targets: true, tunnelPort: 8472 },
  );

function policies(): string {
  const pods = [...ownPods, '10.244.2.2', '10.244.2.3'].map(
    (address, i): PodRecord => ({
      key: `shop/pod-${i}`,
      namespace: 'shop',
      labels: { odd: String(i % 2) },
      addresses: [address],
      local: address.startsWith('10.244.1.'),
      ports: [{ name: 'http', protocol: 'tcp', port: 8080 }],
      ending: false,
    }),
  );
  const odd = (value: string) => [{ key: 'odd', operator: 'In', values: [value] } as const];
  return renderUpdate(
    undefined,
    compilePolicies({
      families: [4, 6],
      podRanges: [podCidr],
      namespaces: [{ name: 'shop', labels: {} }],
      servers: [],
      pods,
      policies: [
        {
          key: 'shop/out',
          namespace: 'shop',
          pods: odd('0'),
          egress: [
            { peers: [{ pods: odd('1') }], ports: [{ protocol: 'tcp', port: 'http' }] },
            {
              peers: [{ cidr: '198.51.100.0/24', except: ['198.51.100.0/28', '198.51.100.16/28'] }],
              ports: [{ protocol: 'udp' }, { protocol: 'tcp', port: 80, endPort: 9_000 }],
            },
          ],
        },
        {
          key: 'shop/in',
          namespace: 'shop',
          pods: odd('1'),
          ingress: [{ peers: [{ cidr: '0.0.0.0/0', except: [] }], ports: [{ protocol: 'tcp' }] }],
        },
      ],
    })!,
  );
}
