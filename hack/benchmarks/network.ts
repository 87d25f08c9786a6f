// The time to wire one pod: ours by rtnetlink, next to the same wire created by `ip` processes, in namespaces of its own.

import { setImmediate } from 'node:timers/promises';
import { vethName } from '../../agents/kubelet/network/names';
import { NetlinkPodNetwork } from '../../agents/kubelet/network/netlink-pod-network';
import { silentLogger } from '../../controlplane/base/logger';
import { Scope } from '../../controlplane/base/scope';
import { SystemExec, startProgram } from '../../dataplane/exec/system-exec';
import { ensureNamedNetns, inNetns, removeNamedNetns } from '../../dataplane/netns/named';
import { netnsIdentity, netnsOfProcess } from '../../dataplane/netns/system-netns';
import type { BenchRow } from './row';

const pods = 100;

export async function run(): Promise<BenchRow[]> {
  const exec = new SystemExec();
  const scope = new Scope();
  const netnsOf = async (name: string) => {
    const netns = await ensureNamedNetns(exec, name);
    scope.defer(() => removeNamedNetns(exec, name));
    return netns;
  };
  try {
    const name = `k8ts-bench-${process.pid}`;
    const node = await netnsOf(name);
    const network = new NetlinkPodNetwork({ log: silentLogger, netns: node });
    await network.open(['10.244.1.0/24']);
    scope.defer(() => network.close());
    const pod = await netnsOf(`${name}-pod`);
    const holder = await startProgram(inNetns(pod, ['sleep', '600']));
    scope.defer(async () => {
      holder.kill('SIGKILL');
      await holder.exited;
    });

    // nsenter becomes the program by exec; until then the process is still in our namespace.
    const inside = netnsIdentity(pod);
    while (netnsIdentity(netnsOfProcess(holder.pid)) !== inside) await setImmediate();

    const attachMs: number[] = [];
    const detachMs: number[] = [];
    for (let i = 0; i < pods; i++) {
      const ips = network.allocate();
      attachMs.push(await timed(() => network.attach({ pid: holder.pid, ips, interfaceName: 'eth0' })));
      detachMs.push(await timed(() => network.detach({ ips })));
      network.release(ips);
    }
    const peerMs: number[] = [];
    for (let i = 0; i < pods / 5; i++) peerMs.push(await timed(() => attachByIp(exec, name, network.allocate()[0]!)));

    const peer = '`ip` processes';
    const note = `median of ${pods}, one at a time`;
    return [
      {
        what: 'wire a pod',
        unit: 'ms',
        ours: median(attachMs),
        peer,
        theirs: median(peerMs),
        budget: { max: 0.35 },
        note,
      },
      { what: 'wire a pod, 99 of 100', unit: 'ms', ours: percentile(attachMs, 0.99), note },
      { what: 'unwire a pod', unit: 'ms', ours: median(detachMs), note },
    ];
  } finally {
    await scope.close();
  }
}

async function attachByIp(exec: SystemExec, node: string, ip: string): Promise<void> {
  const near = vethName(ip);
  const pod = `${node}-pod`;
  const commands = [
    ['-n', node, 'link', 'add', near, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pod],
    ['-n', node, 'link', 'set', near, 'master', 'cni0', 'up'],
    ['-n', node, 'link', 'set', near, 'type', 'bridge_slave', 'hairpin', 'on'],
    ['-n', pod, 'address', 'add', `${ip}/32`, 'dev', 'eth0'],
    ['-n', pod, 'link', 'set', 'eth0', 'up'],
    ['-n', pod, 'route', 'add', '10.244.1.1', 'dev', 'eth0'],
    ['-n', pod, 'route', 'add', 'default', 'via', '10.244.1.1'],
  ];
  for (const args of commands) await exec.run(['ip', ...args]);
  await exec.run(['ip', '-n', node, 'link', 'del', near]);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const median = (values: readonly number[]): number => percentile(values, 0.5);
