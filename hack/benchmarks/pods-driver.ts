// The load of the pods benchmark, run inside its network namespace: pairs of the same work through the API and straight
// through Docker. Prints Figures as JSON.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { deployments, isReady, namespaces, nodes, type Pod, pods, serviceAccounts } from '../../controlplane/api';
import { systemClock } from '../../controlplane/base/clock';
import { isNotFound } from '../../controlplane/base/errors';
import { silentLogger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { connect } from '../../controlplane/client/connect';
import { createInformer } from '../../controlplane/client/informer';

export interface Pair {
  readonly ours: number;
  readonly theirs: number;
}
export interface Figures {
  readonly single: readonly Pair[];
  readonly burst: readonly Pair[];
  readonly teardown: readonly Pair[];
  readonly burstSize: number;
  /** Of server and kubelet together, for each burst. */
  readonly cpuMsPerPod: readonly number[];
  readonly docker: string;
  /** Load average of the machine before each round. */
  readonly load: readonly number[];
}

const rounds = 3;
const singlesPerRound = 4;
const burstSize = 30;
const namespace = 'bench';
/** One tick of /proc/PID/stat. */
const tickMs = 10;

interface Made {
  readonly readyMs: number;
  readonly goneMs: number;
  readonly cpuMsPerPod?: number;
}
interface Maker {
  /** Creates so many at once and removes them again. */
  make(count: number): Promise<Made>;
}

async function main([kubeconfig, dockerHost, image, pauseImage, ...pids]: readonly string[]): Promise<Figures> {
  const engine = new Engine(dockerHost!.slice('unix://'.length));
  const theirs = new RawPods(engine, image!, pauseImage!);
  const ours = await ApiPods.open(await connect(kubeconfig!), engine, image!, pids.map(Number));
  const { Version: docker } = await engine.call<{ Version: string }>('GET', '/version');
  await ours.make(1);
  await theirs.make(1);
  const single: Pair[] = [];
  const burst: Pair[] = [];
  const teardown: Pair[] = [];
  const cpuMsPerPod: number[] = [];
  const load: number[] = [];
  for (let round = 0; round < rounds; round++) {
    load.push(Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]));
    for (let i = 0; i < singlesPerRound; i++) {
      const [mine, raw] = await inTurn(i, ours, theirs, 1);
      single.push({ ours: mine.readyMs, theirs: raw.readyMs });
    }
    const [mine, raw] = await inTurn(round, ours, theirs, burstSize);
    burst.push({ ours: mine.readyMs, theirs: raw.readyMs });
    teardown.push({ ours: mine.goneMs, theirs: raw.goneMs });
    if (mine.cpuMsPerPod !== undefined) cpuMsPerPod.push(mine.cpuMsPerPod);
  }
  return { single, burst, teardown, burstSize, cpuMsPerPod, docker, load };
}

/** The first of a pair meets a colder Docker, so the two take turns at being first. */
async function inTurn(turn: number, ours: Maker, theirs: Maker, count: number): Promise<[Made, Made]> {
  if (turn % 2 === 0) return [await ours.make(count), await theirs.make(count)];
  const raw = await theirs.make(count);
  return [await ours.make(count), raw];
}

class ApiPods implements Maker {
  private serial = 0;
  private readonly changed = new Set<() => void>();
  private readonly present = new Map<string, boolean>();

  private constructor(
    private readonly client: Client,
    private readonly engine: Engine,
    private readonly image: string,
    private readonly pids: readonly number[],
  ) {}

  static async open(client: Client, engine: Engine, image: string, pids: readonly number[]): Promise<ApiPods> {
    const self = new ApiPods(client, engine, image, pids);
    await eventually(async () => isReady(await client.get(nodes, 'n1')));
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    await eventually(async () => (await client.get(serviceAccounts, `${namespace}/default`)) !== undefined);
    const informer = createInformer(client, pods, { params: { namespace }, log: silentLogger });
    informer.onChange(({ type, object }) => {
      const name = object.metadata?.name ?? '';
      if (type === 'deleted') self.present.delete(name);
      else self.present.set(name, isReady(object));
      for (const handler of self.changed) handler();
    });
    void informer.run(new AbortController().signal);
    await informer.synced(new AbortController().signal);
    return self;
  }

  async make(count: number): Promise<Made> {
    const cpuBefore = this.cpuMs();
    const name = `b${this.serial++}`;
    const spec = {
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'c', image: this.image, imagePullPolicy: 'IfNotPresent', command: ['/bin/sleep', '100000'] },
      ],
    };
    const began = performance.now();
    if (count === 1) {
      const metadata = { name, namespace };
      await this.client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec } as Pod);
    } else {
      const labels = { app: name };
      await this.client.create(deployments, {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace },
        spec: { replicas: count, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
      } as never);
    }
    await this.until(() => [...this.present.values()].filter((ready) => ready).length === count);
    const ready = performance.now();
    if (count === 1) await this.client.delete(pods, `${namespace}/${name}`);
    else await this.client.delete(deployments, `${namespace}/${name}`, { propagationPolicy: 'Background' });
    await this.until(() => this.present.size === 0);
    await this.engine.untilNone('io.kubernetes.pod.uid');
    const gone = performance.now();
    return { readyMs: ready - began, goneMs: gone - ready, cpuMsPerPod: (this.cpuMs() - cpuBefore) / count };
  }

  private until(test: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!test()) return;
        this.changed.delete(look);
        resolve();
      };
      this.changed.add(look);
      look();
    });
  }

  private cpuMs(): number {
    const ticks = this.pids.map((pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return Number(fields[11]) + Number(fields[12]);
    });
    return ticks.reduce((sum, each) => sum + each, 0) * tickMs;
  }
}

class RawPods implements Maker {
  private serial = 0;

  constructor(
    private readonly engine: Engine,
    private readonly image: string,
    private readonly pauseImage: string,
  ) {}

  async make(count: number): Promise<Made> {
    const began = performance.now();
    const ids = await Promise.all(Array.from({ length: count }, () => this.makeOne(this.serial++)));
    const ready = performance.now();
    await Promise.all(ids.flat().map((id) => this.engine.call('DELETE', `/containers/${id}?force=1&v=1`)));
    return { readyMs: ready - began, goneMs: performance.now() - ready };
  }

  private async makeOne(serial: number): Promise<[string, string]> {
    const pause = await this.create(`raw-pause-${serial}`, {
      Image: this.pauseImage,
      HostConfig: { NetworkMode: 'none', IpcMode: 'shareable', LogConfig: { Type: 'none' } },
    });
    await this.engine.call('POST', `/containers/${pause}/start`);
    const joined = `container:${pause}`;
    const app = await this.create(`raw-app-${serial}`, {
      Image: this.image,
      Entrypoint: ['/bin/sleep', '100000'],
      HostConfig: { NetworkMode: joined, IpcMode: joined },
    });
    await this.engine.call('POST', `/containers/${app}/start`);
    return [pause, app];
  }

  private async create(name: string, body: object): Promise<string> {
    const { Id } = await this.engine.call<{ Id: string }>('POST', `/containers/create?name=${name}`, body);
    return Id;
  }
}

/** Calls Docker's Engine API directly. */
class Engine {
  private readonly agent = new Agent({ keepAlive: true });

  constructor(private readonly socketPath: string) {}

  /** The API removes a pod without grace at once; the pod has ended when its containers have. */
  async untilNone(label: string): Promise<void> {
    const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
    while ((await this.call<unknown[]>('GET', `/containers/json?all=1&filters=${filters}`)).length > 0) {
      await systemClock.sleep(100);
    }
  }

  call<T>(method: string, path: string, body?: object): Promise<T> {
    const { socketPath, agent } = this;
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    return new Promise((resolve, reject) => {
      const sent = request({ socketPath, agent, method, path, headers }, async (response) => {
        let answer = '';
        for await (const chunk of response.setEncoding('utf8')) answer += chunk;
        if ((response.statusCode ?? 500) < 300) resolve((answer === '' ? undefined : JSON.parse(answer)) as T);
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${answer}`));
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }
}

/** Repeats until the answer is right: no event says when the cluster has started. */
async function eventually(test: () => Promise<boolean>): Promise<void> {
  for (;;) {
    try {
      if (await test()) return;
    } catch (err) {
      if (!isNotFound(err) && !/ECONNREFUSED|connect/.test(String(err))) throw err;
    }
    await systemClock.sleep(100);
  }
}

void main(process.argv.slice(2)).then(
  (figures) => {
    process.stdout.write(JSON.stringify(figures));
    process.exit(0);
  },
  (err: unknown) => {
    process.stderr.write(`${err instanceof Error ? err.stack : String(err)}\n`);
    process.exit(1);
  },
);
