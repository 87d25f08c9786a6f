// What `k8ts traffic` costs: a reading of connection tables of several sizes, a reading of the rules of 5,000 Services, and the share of a
// core while somebody looks: a question every two seconds.
// usage: hack/bench traffic
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Scope } from '../../controlplane/base/scope';
import type { NodeTrafficStatus } from '../../controlplane/base/traffic';
import { startLineProgram } from '../../dataplane/exec/line-program';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { ensureNamedNetns, inNetns, removeNamedNetns } from '../../dataplane/netns/named';
import type { Netns } from '../../dataplane/netns/netns';
import { connectionCount, readConnections } from '../../dataplane/traffic/connections';
import { cpuTimeMs } from '../../dataplane/traffic/cpu-time';
import { Ledger } from '../../dataplane/traffic/ledger';
import { StoppedReader } from '../../dataplane/traffic/stopped-reader';
import type { BenchRow } from './row';

const bundle = join(__dirname, '../../dist/k8ts.js');
const exec = new SystemExec();
const sizes = [100, 10_000, 100_000];
const rounds = 10;
const services = 5_000;
const everyMs = 2_000;
const watchedMs = 40_000;

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const size of sizes) {
    await inScope(async (scope, netns) => {
      await fill(scope, netns, size);
      rows.push(await oneReading(netns, size));
      rows.push(...(await watched(netns, size)));
    });
  }
  await inScope(async (scope, netns) => {
    await fillRules(scope, netns);
    rows.push(await oneReadingOfRules(netns));
  });
  return rows;
}

async function inScope(fn: (scope: Scope, netns: Netns) => Promise<void>): Promise<void> {
  const scope = new Scope();
  try {
    const name = `k8ts-bench-${process.pid}-traffic`;
    scope.defer(() => removeNamedNetns(exec, name));
    await fn(scope, await ensureNamedNetns(exec, name));
  } finally {
    await scope.close();
  }
}

/** Connections of 50 clients to 20 Services with 5 backends each: 5,000 edges at most. */
async function fill(scope: Scope, netns: Netns, size: number): Promise<void> {
  const file = temporaryFile(scope);
  // Connection tracking is loaded by the first rule that needs it, and the entries get counters.
  await exec.run(inNetns(netns, ['nft', '-f', '-']), {
    input: 'table ip b { chain c { type nat hook prerouting priority 0; ct state new accept; }; }',
  });
  await exec.run(inNetns(netns, ['sysctl', '-qw', 'net.netfilter.nf_conntrack_acct=1']));
  const lines = Array.from({ length: size }, (_, i) => {
    const client = `10.244.1.${1 + (i % 50)}`;
    const service = Math.floor(i / 50) % 20;
    const backend = `10.244.2.${1 + service * 5 + (Math.floor(i / 1_000) % 5)}`;
    const port = 1_024 + Math.floor(i / 50);
    return `-I -p udp -s ${client} -d 10.96.0.${1 + service} --sport ${port} --dport 80 -r ${backend} -q ${client} --reply-port-src 8080 --reply-port-dst ${port} -t 3600 -u SEEN_REPLY`;
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
  await exec.run(inNetns(netns, ['conntrack', '--load-file', file]), { timeoutMs: 300_000 });
  const { count } = connectionCount(netns);
  if (count < size) throw new Error(`${count} of ${size} connections were made`);
}

function temporaryFile(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), 'k8ts-traffic-'));
  scope.defer(async () => rmSync(folder, { recursive: true }));
  return join(folder, 'input');
}

async function oneReading(netns: Netns, size: number): Promise<BenchRow> {
  const ledger = new Ledger();
  const read = async (i: number) => {
    await readConnections(netns, ledger, i);
    ledger.report();
  };
  await read(0);
  await read(1);
  const costs: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = cpuTimeMs();
    await read(2 + i);
    costs.push(cpuTimeMs() - before);
  }
  return {
    what: `CPU time to read ${size} connections`,
    unit: 'ms',
    ours: median(costs),
    note: `median of ${rounds}; ${ledger.size.edges} edges`,
  };
}

/** As the kubelet asks while a console is open. */
async function watched(netns: Netns, size: number): Promise<BenchRow[]> {
  let take = (_line: string) => {};
  let failed = (_error: Error) => {};
  const child = startLineProgram(inNetns(netns, [process.execPath, bundle, 'traffic']), {
    onLine: (line) => take(line),
    onEnd: (why) => failed(new Error(why)),
  });
  const ask = () =>
    new Promise<NodeTrafficStatus>((resolve, reject) => {
      take = (line) => resolve(JSON.parse(line) as NodeTrafficStatus);
      failed = reject;
      child.send('{"nodeName":"n","pods":[]}');
    });
  const first = await ask();
  let last = first;
  for (let ms = 0; ms < watchedMs; ms += everyMs) {
    await sleep(everyMs);
    last = await ask();
  }
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
  child.end();
  const spent = last.cost.cpuMs - first.cost.cpuMs;
  const age = last.cost.ageMs - first.cost.ageMs;
  return [
    {
      what: `share of a core, ${size} connections`,
      unit: '%',
      ours: (100 * spent) / age,
      note: `a question every ${everyMs / 1000} s for ${watchedMs / 1000} s; the start of the process took ${first.cost.cpuMs} ms with the first reading`,
    },
    { what: `largest memory, ${size} connections`, unit: 'MB', ours: Number(peak) / 1024 },
  ];
}

/** In the shape that kube-proxy gives them, with two endpoints each. */
async function fillRules(scope: Scope, netns: Netns): Promise<void> {
  const all = Array.from({ length: services }, (_, i) => ({
    chain: `K8TS-SVC-${i}`,
    name: `shop/service-${i}`,
    ip: `10.96.${i >> 8}.${i & 255}/32`,
  }));
  const lines = [
    '*nat',
    ':K8TS-D-0 - [0:0]',
    ...all.map(({ chain }) => `:${chain} - [0:0]`),
    ...all.flatMap(({ chain, name, ip }) => [
      `-A K8TS-D-0 -d ${ip} -p tcp -m comment --comment "${name}:http" -m tcp --dport 80 -j ${chain}`,
      `[3:180] -A K8TS-D-0 -d ${ip} -m comment --comment "${name}: no such port" -j MARK --set-xmark 0x2000/0x2000`,
      `-A ${chain} ! -s 10.244.0.0/16 -m comment --comment "${name}:http: from outside the pod network" -j MARK --set-xmark 0x4000/0x4000`,
      `-A ${chain} -p tcp -m comment --comment "${name}:http -> 10.244.1.2:80" -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.244.1.2:80`,
      `-A ${chain} -p tcp -m comment --comment "${name}:http -> 10.244.1.3:80" -j DNAT --to-destination 10.244.1.3:80`,
    ]),
    'COMMIT',
  ];
  const file = temporaryFile(scope);
  writeFileSync(file, `${lines.join('\n')}\n`);
  await exec.run(inNetns(netns, ['iptables-restore', '-c', file]), { timeoutMs: 300_000 });
}

async function oneReadingOfRules(netns: Netns): Promise<BenchRow> {
  const reader = new StoppedReader({ run: (argv, options) => exec.run(inNetns(netns, argv), options) });
  await reader.read();
  const costs: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = cpuTimeMs();
    await reader.read();
    costs.push(cpuTimeMs() - before);
  }
  return {
    what: `CPU time to read the rules of ${services} Services`,
    unit: 'ms',
    ours: median(costs),
    note: `iptables by nft, ${services * 5} rules, with the commands; median of ${rounds}`,
  };
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
