// What the console costs, and how smooth it is: a cluster with 3,000 pods, the page in Chromium, real connections.
//   hack/bench console [--pods=3000] [--flows=10000]
// The share of a core is that of all processes of one node that count its traffic; nothing runs when no page is open.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeTraffic } from '../../controlplane/api/node-traffic';
import { BadRequest } from '../../controlplane/base/errors';
import { Scope } from '../../controlplane/base/scope';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { ConsolePage, openBrowser } from '../../test/e2e/browser';
import { Cluster } from '../../test/e2e/cluster';
import { loginLink, serverOf } from '../../test/e2e/console-link';
import type { BenchRow } from './row';

const root = join(__dirname, '..', '..');
const exec = new SystemExec();
const name = 'bench-console';
const namespace = 'bench-console';
const scriptTimeoutMs = 600_000;
/** The page is watched for this time. */
const watchedMs = 30_000;
const podsOfDeployment = 100;
/** A collector without a reader ends after 15 s. */
const unwatchedMs = 25_000;

export async function run(options: readonly string[] = []): Promise<BenchRow[]> {
  const { pods, flows } = parse(options);
  const scope = new Scope();
  const directory = mkdtempSync(join(tmpdir(), 'k8ts-bench-'));
  scope.defer(() => rmSync(directory, { recursive: true, force: true }));
  const kubeconfig = join(directory, 'config');
  const env = { KUBECONFIG: kubeconfig, NO_COLOR: '1' };
  const script = (file: string, ...args: string[]) =>
    exec.run([join(root, 'hack', file), '--name', name, ...args], { env, timeoutMs: scriptTimeoutMs });
  try {
    scope.defer(() => script('down'));
    await script('up', '--nodes', '2', '--demo');
    const cluster = new Cluster(name, kubeconfig);
    await createPods(cluster, pods);
    const browser = await openBrowser();
    scope.defer(() => browser.close());
    const view = await ConsolePage.open(browser, { server: serverOf(cluster) });
    await view.page.goto(await loginLink(cluster));
    await view.see('.grid-row a');
    const list = await openedIn(view, `#/api/v1/namespaces/${namespace}/pods`, '.grid-row a[href*="/app-"]');
    const scrolled = await frameTimes(view, `document.querySelector('.grid').scrollTop += 400`);
    await openFlows(cluster, flows);
    const topology = await openedIn(view, '#/topology', '.graph .box');
    const drawn = await frameTimes(view, `document.querySelector('.graph-box').scrollTop += 20`);
    const before = await costs(cluster);
    await sleep(watchedMs);
    const after = await costs(cluster);
    await view.page.goto('about:blank');
    await sleep(unwatchedMs);
    const note = `${pods} pods, ${flows} connections tracked, Chromium ${browser.version()}, ${watchedMs / 1000} s`;
    const row = (what: string, unit: string, ours: number): BenchRow => ({ what, unit, ours, note });
    return [
      row('list of pods, until it is drawn', 'ms', list),
      row('list of pods, scrolled: median frame', 'ms', scrolled.median),
      row('list of pods, scrolled: 95th percentile', 'ms', scrolled.p95),
      row('topology, until it is drawn', 'ms', topology),
      row('topology with traffic: median frame', 'ms', drawn.median),
      row('topology with traffic: 95th percentile', 'ms', drawn.p95),
      row('topology with traffic: longest frame', 'ms', drawn.longest),
      row('collector of the busiest node, share of a core', '%', busiest(before, after)),
      row('collectors while no page is open', 'processes', collectors()),
    ];
  } finally {
    await scope.close();
  }
}

function parse(options: readonly string[]): { readonly pods: number; readonly flows: number } {
  const given = new Map(options.map((option) => option.replace(/^--/, '').split('=') as [string, string]));
  const odd = [...given.keys()].find((one) => one !== 'pods' && one !== 'flows');
  if (odd !== undefined) throw new BadRequest(`console has no option --${odd}; there are: pods, flows`);
  const numberOf = (option: string, absent: string) => {
    const text = given.get(option) ?? absent;
    if (!/^[1-9]\d*$/.test(text))
      throw new BadRequest(`--${option}: expected a positive whole number, not ${JSON.stringify(text)}`);
    return Number(text);
  };
  return { pods: numberOf('pods', '3000'), flows: numberOf('flows', '10000') };
}

/** Pods that no node takes: the page draws them as it draws all others, and no engine has to run them. */
async function createPods(cluster: Cluster, count: number): Promise<void> {
  const deployments = Array.from({ length: Math.ceil(count / podsOfDeployment) }, (_, i) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `app-${i}`, namespace },
    spec: {
      replicas: Math.min(podsOfDeployment, count - i * podsOfDeployment),
      selector: { matchLabels: { app: `app-${i}` } },
      template: {
        metadata: { labels: { app: `app-${i}` } },
        spec: { nodeSelector: { none: 'such' }, containers: [{ name: 'c', image: 'none.invalid/app:1' }] },
      },
    },
  }));
  const services = deployments.map(({ metadata, spec }) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { selector: spec.template.metadata.labels, ports: [{ port: 80 }] },
  }));
  await cluster.kubectl('create', 'namespace', namespace);
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [...deployments, ...services] });
  await exec.run(['kubectl', 'create', '-f', '-'], { env: cluster.env, input: list, timeoutMs: scriptTimeoutMs });
  for (;;) {
    const made = await cluster.kubectl('get', 'pods', '-n', namespace, '-o', 'name', '--chunk-size=0');
    if (made.split('\n').filter(Boolean).length >= count) return;
    await sleep(1_000);
  }
}

/** Entries of the connection tracking table, of one node: a datagram from each of so many ports. */
async function openFlows(cluster: Cluster, count: number): Promise<void> {
  const ports = `for p in $(seq 1 ${count}); do echo x >/dev/udp/10.96.0.10/53 2>/dev/null; done`;
  await cluster.kubectl('-n', 'codereview', 'exec', 'toolbox', '--', 'bash', '-c', ports);
}

async function openedIn(view: ConsolePage, hash: string, selector: string): Promise<number> {
  const start = performance.now();
  await view.go(hash);
  await view.see(selector);
  return performance.now() - start;
}

interface Frames {
  readonly median: number;
  readonly p95: number;
  readonly longest: number;
}

/** Milliseconds between frames while the page moves for five seconds. */
async function frameTimes(view: ConsolePage, move: string): Promise<Frames> {
  const times = await view.page.evaluate<number[]>(`new Promise((resolve) => {
    const times = [];
    let last = performance.now();
    const until = last + 5000;
    const frame = (now) => {
      times.push(now - last);
      last = now;
      ${move};
      if (now < until) requestAnimationFrame(frame); else resolve(times);
    };
    requestAnimationFrame(frame);
  })`);
  const sorted = times.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { median: at(0.5), p95: at(0.95), longest: at(1) };
}

type Costs = ReadonlyMap<string, { readonly cpuMs: number; readonly ageMs: number }>;

async function costs(cluster: Cluster): Promise<Costs> {
  const { items } = JSON.parse(await cluster.kubectl('get', 'nodetraffics', '-o', 'json')) as {
    items: readonly NodeTraffic[];
  };
  return new Map(
    items.flatMap(({ metadata, status }) => (status ? [[metadata?.name ?? '', status.cost] as const] : [])),
  );
}

function busiest(before: Costs, after: Costs): number {
  const shares = [...after].map(([node, { cpuMs, ageMs }]) => {
    const old = before.get(node) ?? { cpuMs: 0, ageMs: 0 };
    return ((cpuMs - old.cpuMs) / Math.max(1, ageMs - old.ageMs)) * 100;
  });
  return Math.max(0, ...shares);
}

/** Processes of this machine that count traffic. */
const collectors = (): number =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => /\/k8ts\.js\0traffic\0/.test(`${commandOf(pid)}\0`)).length;

/** A process may end between being listed and being read. */
function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
