// The local network: a bridge on the host, a network namespace with one veth pair per node, and the route to other networks.
// Every step names the desired state and skips what exists already; `ip` does it in one batch.
import { CommandFailed } from '../../controlplane/base/errors';
import type { Exec } from '../../dataplane/exec/exec';
import { ensureNamedNetns, removeNamedNetns } from '../../dataplane/netns/named';
import type { ClusterPlan, NodePlan } from './plan';

/** Creates what is missing; returns the names of the links and namespaces it created. */
export async function ensureNetwork(exec: Exec, plan: ClusterPlan): Promise<readonly string[]> {
  const made: string[] = [];
  const links = await linkNames(exec);
  if (!links.has(plan.bridge)) {
    await ipBatch(exec, [`link add name ${plan.bridge} address ${plan.bridgeMac} type bridge`]);
    made.push(plan.bridge);
  }
  await ipBatch(exec, [
    `addr replace ${plan.gateway}/${plan.prefixLength} dev ${plan.bridge}`,
    ...(plan.ipv6 ? [`addr replace ${plan.ipv6.gateway}/64 dev ${plan.bridge} nodad`] : []),
    `link set ${plan.bridge} up`,
  ]);
  for (const node of plan.nodes) {
    const names = await netnsNames(exec);
    if (!names.has(node.netns)) made.push(node.netns);
    await ensureNamedNetns(exec, node.netns);
    if (await ensureUplink(exec, plan, node, links)) made.push(node.veth);
  }
  for (const rule of hostRules(plan)) await ensureRule(exec, rule);
  return made;
}

async function ensureUplink(
  exec: Exec,
  plan: ClusterPlan,
  node: NodePlan,
  links: ReadonlySet<string>,
): Promise<boolean> {
  const missing = !links.has(node.veth);
  if (missing) {
    await ipBatch(exec, [`link add name ${node.veth} type veth peer name eth0 netns ${node.netns}`]);
  }
  await ipBatch(exec, [`link set ${node.veth} master ${plan.bridge} up`]);
  await exec.run(['ip', '-n', node.netns, '-batch', '-'], {
    input: [
      `addr replace ${node.ip}/${plan.prefixLength} dev eth0`,
      // No other machine has the address: it can be used at once, without duplicate address detection.
      ...(node.ip6 ? [`addr replace ${node.ip6}/64 dev eth0 nodad`] : []),
      'link set eth0 up',
      `route replace default via ${plan.gateway} dev eth0`,
      ...(plan.ipv6 ? [`route replace default via ${plan.ipv6.gateway} dev eth0`] : []),
      '',
    ].join('\n'),
  });
  await exec.run([
    'nsenter',
    `--net=/run/netns/${node.netns}`,
    '--',
    'sh',
    '-c',
    ['echo 1 > /proc/sys/net/ipv4/ip_forward', ...(node.ip6 ? ipv6Settings : [])].join('; '),
  ]);
  return missing;
}

const ipv6Settings = [
  'echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6',
  'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding',
];

export interface HostRule {
  readonly program: 'iptables' | 'ip6tables';
  readonly table: 'nat' | 'filter';
  readonly chain: string;
  readonly insert: boolean;
  readonly spec: readonly string[];
}

/**
 * The host's own rules, each with the cluster's name in its comment. Traffic between nodes stays on the bridge and must pass
 * even if Docker has set FORWARD to DROP; packets that leave the bridge get the host's address. `! -o bridge`
 * and not `! -d subnet`: with br_netfilter pods' frames between nodes pass POSTROUTING too, and must keep their source.
 * IPv6 does not leave the bridge: a host that forwards it would stop listening to its own router's advertisements.
 */
export function hostRules(plan: ClusterPlan): readonly HostRule[] {
  const comment = ['-m', 'comment', '--comment', plan.context];
  const accept = (program: HostRule['program']): readonly HostRule[] =>
    ['-i', '-o'].map((side) => ({
      program,
      table: 'filter',
      chain: 'FORWARD',
      insert: true,
      spec: [side, plan.bridge, ...comment, '-j', 'ACCEPT'],
    }));
  return [
    // -A POSTROUTING -s 192.168.57.0/24 ! -o k8ts -m comment --comment k8ts -j MASQUERADE
    {
      program: 'iptables',
      table: 'nat',
      chain: 'POSTROUTING',
      insert: false,
      spec: ['-s', plan.subnet, '!', '-o', plan.bridge, ...comment, '-j', 'MASQUERADE'],
    },
    // -I FORWARD -i k8ts -m comment --comment k8ts -j ACCEPT   and   -o k8ts …
    ...accept('iptables'),
    ...(plan.ipv6 ? accept('ip6tables') : []),
  ];
}

async function ensureRule(exec: Exec, rule: HostRule): Promise<void> {
  if (await hasRule(exec, rule)) return;
  await exec.run([rule.program, '-w', '-t', rule.table, rule.insert ? '-I' : '-A', rule.chain, ...rule.spec]);
}

async function hasRule(exec: Exec, { program, table, chain, spec }: HostRule): Promise<boolean> {
  try {
    await exec.run([program, '-w', '-t', table, '-C', chain, ...spec]);
    return true;
  } catch (err) {
    if (err instanceof CommandFailed) return false;
    throw err;
  }
}

/** Removes rules, links and namespaces of the plan; skips missing ones. */
export async function removeNetwork(exec: Exec, plan: ClusterPlan): Promise<void> {
  for (const program of ['iptables', 'ip6tables']) {
    for (const table of ['nat', 'filter']) {
      const { stdout } = await exec.run([`${program}-save`, '-t', table]);
      for (const spec of rulesCommented(stdout, plan.context)) {
        await exec.run([program, '-w', '-t', table, '-D', ...spec]);
      }
    }
  }
  const links = await linkNames(exec);
  const ours = [...new Set(plan.nodes.map((node) => node.veth)), plan.bridge].filter((name) => links.has(name));
  await ipBatch(
    exec,
    ours.map((name) => `link delete ${name}`),
  );
  const namespaces = await netnsNames(exec);
  for (const { netns } of plan.nodes) if (namespaces.has(netns)) await removeNamedNetns(exec, netns);
}

/** The arguments after -A of each rule whose comment is exactly `comment`, chain first. */
export function rulesCommented(save: string, comment: string): readonly (readonly string[])[] {
  return save
    .split('\n')
    .filter((line) => line.startsWith('-A '))
    .map((line) => line.slice(3).split(' '))
    .filter((words) => words[words.indexOf('--comment') + 1]?.replace(/^"(.*)"$/, '$1') === comment);
}

export async function linkNames(exec: Exec): Promise<ReadonlySet<string>> {
  const { stdout } = await exec.run(['ip', '-json', 'link', 'show']);
  return new Set((JSON.parse(stdout || '[]') as { ifname: string }[]).map((link) => link.ifname));
}

export async function netnsNames(exec: Exec): Promise<ReadonlySet<string>> {
  const { stdout } = await exec.run(['ip', 'netns', 'list']);
  return new Set(
    stdout
      .split('\n')
      .map((line) => line.split(' ')[0]!)
      .filter((name) => name !== ''),
  );
}

async function ipBatch(exec: Exec, lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await exec.run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
