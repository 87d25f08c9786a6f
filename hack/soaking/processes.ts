// Reads memory, open files and CPU time of all processes of a cluster: those that the supervisor runs, whatever their number and
// names, the supervisor itself, and the containerd of each engine.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { type RequestOptions, request } from 'node:http';
import { join } from 'node:path';
import { connectInNetns } from '../../dataplane/netns/connect';
import { namedNetns } from '../../dataplane/netns/system-netns';
import type { Api } from '../dev/api';
import { agents, type ClusterPlan, type NodePlan } from '../dev/plan';
import { healthPorts } from '../dev/processes';
import { processStatus, supervisorPid } from '../dev/supervisor-control';
import { type Sample, storeName } from './samples';

/** sysconf(_SC_CLK_TCK) of Linux. */
const ticksPerSecond = 100;
const metricsTimeoutMs = 5_000;
/** kube-proxy serves its metrics on another port than its health. */
const metricsPorts = { ...healthPorts, 'kube-proxy': 10249 } as const;

export interface ReadOptions {
  readonly plan: ClusterPlan;
  readonly atSeconds: number;
  /** Also asks each process of k8ts for its heap. */
  readonly heap?: Api;
  /** Folders below the state directory that hold the store. */
  readonly stores: readonly string[];
}

/** Processes that end meanwhile are left out. @throws Unavailable when the supervisor does not answer */
export async function readProcesses({ plan, atSeconds, heap, stores }: ReadOptions): Promise<readonly Sample[]> {
  const running = (await processStatus(plan.runDir)).flatMap(({ name, pid }) =>
    pid === undefined ? [] : [{ name, pid }],
  );
  const supervisor = supervisorPid(plan.runDir);
  const all = [
    ...running.flatMap(({ name, pid }) => {
      const inner = name.endsWith('/docker') ? childNamed(pid, 'containerd') : undefined;
      const own = { name, pid };
      return inner === undefined ? [own] : [own, { name: name.replace(/docker$/, 'containerd'), pid: inner }];
    }),
    ...(supervisor === undefined ? [] : [{ name: 'supervisor', pid: supervisor }]),
  ];
  const heaps = heap ? await readHeaps(plan, heap) : new Map<string, number>();
  const store: Sample = {
    atSeconds,
    process: storeName,
    pid: 0,
    residentBytes: stores.reduce((sum, dir) => sum + sizeOf(join(plan.stateDir, dir)), 0),
    files: 0,
    cpuSeconds: 0,
  };
  return [
    ...all.flatMap(({ name, pid }): Sample[] => {
      const used = readProcess(pid);
      const heapBytes = heaps.get(name);
      return used
        ? [{ atSeconds, process: name, pid, ...used, ...(heapBytes === undefined ? {} : { heapBytes }) }]
        : [];
    }),
    store,
  ];
}

/** undefined when it has ended. */
function readProcess(pid: number): Pick<Sample, 'residentBytes' | 'files' | 'cpuSeconds'> | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // From the third field on: the name of the program, the second, may contain blanks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (kibibytes === undefined) return undefined;
    return {
      residentBytes: Number(kibibytes) * 1024,
      files: readdirSync(`/proc/${pid}/fd`).length,
      cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond,
    };
  } catch {
    return undefined;
  }
}

function childNamed(pid: number, name: string): number | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .concat(...threadsOf(pid).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')))
      .trim()
      .split(/\s+/)
      .map(Number)
      .find((child) => readFileSync(`/proc/${child}/comm`, 'utf8').trim() === name);
  } catch {
    return undefined; // It ended while it was read, or the kernel does not list children.
  }
}
/** A child belongs to the thread that started it. */
const threadsOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/task`).filter((thread) => thread !== String(pid));

function sizeOf(dir: string): number {
  try {
    return readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .map((path) => statSync(join(dir, path)))
      .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
  } catch {
    return 0; // There is no such folder, or a file was removed meanwhile.
  }
}

/** Used heap by process name; a process that does not answer is left out. */
async function readHeaps(plan: ClusterPlan, api: Api): Promise<ReadonlyMap<string, number>> {
  const texts = [
    { name: 'server', text: api.send('GET', '/metrics').then(({ text }) => text) },
    ...plan.nodes.flatMap((node) =>
      agents.map((agent) => ({ name: `${node.name}/${agent}`, text: metricsOf(node, metricsPorts[agent]) })),
    ),
  ];
  const found = await Promise.all(
    texts.map(async ({ name, text }): Promise<[string, number] | undefined> => {
      const value = /^nodejs_heap_size_used_bytes (\d+)/m.exec(await text.catch(() => ''))?.[1];
      return value === undefined ? undefined : [name, Number(value)];
    }),
  );
  return new Map(found.filter((entry) => entry !== undefined));
}

/** /metrics of an agent, which listens on the loopback of its node. */
function metricsOf(node: NodePlan, port: number): Promise<string> {
  const netns = namedNetns(node.netns);
  const options: RequestOptions = {
    path: '/metrics',
    headers: { host: 'localhost', connection: 'close' },
    timeout: metricsTimeoutMs,
    // Only without an agent, false included, Node.js uses this function.
    createConnection: (_, done) => {
      connectInNetns(netns, { host: '127.0.0.1', port }).then(
        (socket) => done(null, socket),
        (err: Error) => done(err, undefined as never),
      );
      return undefined;
    },
  };
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
    call.once('timeout', () => call.destroy(new Error('no answer in time')));
    call.once('error', reject);
    call.end();
  });
}
