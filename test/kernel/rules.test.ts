// `k8ts rules explain` on a node with real rules, in each mode: what it says about a packet is what the packet meets, and every line that
// the kernel lists is found again.
import t from 'tap';
import { explain } from '../../agents/rules/main';
import { commandOptions } from '../../agents/rules/options';
import { Scope } from '../../controlplane/base/scope';
import { parseOptions } from '../../controlplane/process/options';
import { readListings } from '../../dataplane/hops/listings';
import { Applier } from '../../dataplane/netfilter/applier';
import { programsOf } from '../../dataplane/netfilter/backend';
import { explainRule } from '../../dataplane/path/explain';
import { listedRules } from '../../dataplane/path/listed-rules';
import type { ServiceInput } from '../../dataplane/service/input';
import { ServiceCompiler } from '../../dataplane/service/iptables/compiler';
import { NftCompiler } from '../../dataplane/service/nft/compiler';
import { tableOf } from '../../dataplane/service/nft/names';
import { renderTransaction } from '../../dataplane/service/nft/transaction';
import { skipWithoutKernel } from '../lib/netns';
import {
  clusterCidr,
  endpoint,
  podCidr,
  randomCluster,
  seededRandom,
  service,
  servicePort,
} from '../lib/service-fixture';
import { addresses, type ProxyMode, ServiceLab, serverPort } from '../lib/service-lab';

// Dropped packets show by silence, and three machines are made; no assertion depends on time.
t.setTimeout(300_000);

const facts = { clusterCidr, podCidr, serviceCidrs: ['10.96.0.0/12'] };
const webIp = '10.96.200.7';
const services: readonly ServiceInput[] = [
  ...randomCluster(seededRandom(21), 20),
  service('shop/web', webIp, { ports: [servicePort({ endpoints: [endpoint(addresses.far, serverPort)] })] }),
  service('shop/empty', '10.96.200.8'),
];

function fill<T extends { set(key: string, input: ServiceInput): void }>(compiler: T): T {
  for (const input of services) compiler.set(input.key, input);
  return compiler;
}

async function write({ mode, exec }: ServiceLab): Promise<void> {
  if (mode === 'nftables') {
    const { plan, dirty } = fill(new NftCompiler(4, facts)).take();
    await exec.run(['nft', '-f', '-'], { input: renderTransaction(tableOf(4), plan, dirty) });
    return;
  }
  const backend = programsOf(4).find((one) => mode === `iptables-${one.mode}`)!;
  const { plan, dirty } = fill(new ServiceCompiler(4, facts)).take();
  await new Applier({ exec, backend }).apply(plan, dirty);
}

for (const mode of ['iptables-nft', 'iptables-legacy', 'nftables'] satisfies ProxyMode[]) {
  t.test(mode, { skip: skipWithoutKernel() }, async (t) => {
    const scope = new Scope();
    t.teardown(() => scope.close());
    const lab = await ServiceLab.open(scope, mode);
    await write(lab);
    const ask = async (lines: readonly string[], ...options: string[]) =>
      explain(lines, parseOptions(commandOptions, options, {}).options, lab.exec);
    const program = mode === 'iptables-legacy' ? 'iptables-legacy' : 'iptables-nft';

    await t.test('a packet: from the node, from a pod, from outside', async (t) => {
      for (const [from, place] of [
        ['', 'node'],
        [addresses.a, 'a'],
        [addresses.outside, 'outside'],
      ] as const) {
        const [text] = await ask([`${webIp}:80`], `--from=${from}`);
        t.match(text, /dnat, now \S+ to 10\.244\.2\.9:8080, Service shop\/web/, place);
        t.match(text, /^sent on: \S+ to 10\.244\.2\.9:8080/m);
        if (place !== 'outside') t.match(await lab.ask(place, webIp, 80), /^far /, 'as the kernel does');
      }
    });

    await t.test('a Service without endpoints', async (t) => {
      const [text] = await ask(['10.96.200.8:80'], `--from=${addresses.a}`);
      t.match(text, /Service shop\/empty\b.*\n.*\n.*refused with|refused with/s);
      t.equal(await lab.ask('a', '10.96.200.8', 80), 'ECONNREFUSED');
    });

    await t.test('a rule of another program', async (t) => {
      await lab.exec.run([program, '-I', 'FORWARD', '-d', addresses.far, '-j', 'DROP']);
      const [text] = await ask([`${webIp}:80`], `--from=${addresses.a}`);
      t.match(text, /filter FORWARD:1, drop\n +-A FORWARD -d 10\.244\.2\.9\/32 -j DROP\ndropped\n$/);
      t.equal(await lab.ask('a', webIp, 80, 500), 'TIMEOUT');
      const [whose] = await ask(['-A FORWARD -d 10.244.2.9/32 -j DROP']);
      t.match(whose, /by +a program or a person that is not known/);
      await lab.exec.run([program, '-D', 'FORWARD', '-d', addresses.far, '-j', 'DROP']);
    });

    // They are the same in each mode.
    if (mode === 'nftables')
      await t.test(
        'rules of another firewall in nftables: as the kernel does, or a clear error, and never a wrong answer',
        async (t) => {
          const sets =
            'set bad { type ipv4_addr; flags interval; elements = { 10.244.2.0/24, 198.51.100.7 } }\n' +
            'set ports { type inet_service; flags interval; elements = { 22, 8000-8090 } }\n' +
            'set slow { type ipv4_addr; flags timeout; elements = { 10.244.2.9 timeout 1h } }\n';
          const seen = { same: 0, error: 0 };
          // Rules with != name the way in: without it they would drop the answers, and the trace is of the request.
          for (const rule of [
            'ip daddr @bad drop',
            'iifname "to-a" ip daddr != @bad drop',
            'tcp dport @ports drop',
            'tcp dport < 9000 drop',
            'tcp dport >= 8080 drop',
            'tcp dport > 9000 drop',
            'iifname "to-a" tcp dport != 8080 drop',
            'tcp dport vmap { 8000-8090 : drop, 8100 : accept }',
            'tcp dport { 8080, 9000-9100 } drop',
            'ip daddr . tcp dport { 10.244.2.9 . 8080 } drop',
            'ip daddr . tcp dport { 10.244.2.9 . 8081 } drop',
            'ip daddr . tcp dport { 10.244.2.0/24 . 8080 } drop',
            'iifname "to-a" ip daddr != { 10.244.2.0-10.244.2.20 } drop',
            'ip daddr @slow drop',
            'iif "to-a" drop',
            'iifname "to-a" oif != "to-far" drop',
            'log prefix "drop " accept',
            'limit rate 1/second accept',
            'ip protocol udp drop',
            'meta l4proto tcp reject with icmpx type admin-prohibited',
            'ct state new drop',
          ]) {
            const chain = 'chain fw { type filter hook forward priority -10; policy accept;';
            await lab.exec.run(['nft', '-f', '-'], { input: `table inet fw {\n${sets}${chain}\n${rule}\n}\n}\n` });
            const real = (await lab.ask('a', addresses.far, serverPort, 300)).startsWith('far');
            const said = await ask([`${addresses.far}:${serverPort}`], `--from=${addresses.a}`).then(
              ([text]) => /^sent on: /m.test(text!),
              (error: Error) => error,
            );
            if (said instanceof Error) {
              t.match(said, { code: 'Unsupported', message: /^inet fw fw:1: the tracer does not know/ }, rule);
              seen.error++;
            } else {
              t.equal(said, real, `${rule}: ${real ? 'passes' : 'does not pass'}`);
              seen.same++;
            }
            await lab.exec.run(['nft', 'delete', 'table', 'inet', 'fw']);
          }
          t.ok(seen.same >= 14, `${seen.same} as in the kernel, ${seen.error} refused`);
        },
      );

    await t.test('every line of the listing', async (t) => {
      const listings = await readListings(lab.exec);
      const listed = listedRules(listings, listings.nftInNames);
      const byNft = async () =>
        (await lab.exec.run(['nft', '-a', 'list', 'ruleset'])).stdout
          .split('\n')
          .filter((line) => / # handle \d+$/.test(line) && !/[{]\s*# handle|^table/.test(line));
      const printed =
        mode === 'nftables'
          ? await byNft()
          : (await lab.exec.run([`${program}-save`, '-c'])).stdout.split('\n').filter((line) => line.includes(' -A '));
      t.ok(printed.length > 10, `${printed.length} lines`);
      const lost = printed.filter((line) => !explainRule(line, listed).exact);
      t.strictSame(lost, []);
      if (mode === 'iptables-nft') {
        const inOtherWords = (await byNft()).filter((line) => !explainRule(line, listed).exact);
        t.strictSame(inOtherWords, [], 'also as nft prints rules of iptables');
      }
      const unreached = printed.filter((line) => explainRule(line, listed).explanations.every(({ way }) => !way));
      t.strictSame(
        unreached.filter((line) => !/CANARY|canary/.test(line)),
        [],
        'packets reach each but the canaries',
      );
      const silent = printed.filter((line) => explainRule(line, listed).explanations.some(({ effect }) => !effect));
      t.strictSame(silent, [], 'each does something that has words');
    });
  });
}
