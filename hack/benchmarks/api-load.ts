// The load of the API benchmark on one server: each verb over 16 connections, lists, the time from a write to a hundred watchers,
// custom resources, protobuf, a webhook that does not match, and the memory afterwards.
import { Unavailable } from '../../controlplane/base/errors';
import type { ConnectionOptions } from '../../controlplane/client/kubeconfig';
import { ApiConnection, type Call, openWatch } from './api-connection';
import {
  configMap,
  configMaps,
  custom,
  customPath,
  definition,
  definitionsPath,
  namespace,
  ProtobufCalls,
  patch,
  pod,
  podsPath,
  webhook,
  webhooksPath,
} from './api-objects';

const connections = 16;
const lists = 64;
export const watchers = 100;
export const marks = 200;
/** Objects of one namespace when the server is filled before the load. */
const filledNamespace = 5_000;

/** A server under load. */
export interface ApiTarget {
  readonly connection: ConnectionOptions;
  /** CPU time so far of all its processes, the store included; 0 when unknown. */
  cpuMicros(): number;
  /** Resident memory in MB. */
  memory(): { readonly now: number; readonly peak: number };
}

export interface LoadSize {
  readonly objects: number;
  readonly pods: number;
  /** ConfigMaps that exist before the load, in other namespaces. */
  readonly fill: number;
}

export interface Figure {
  readonly perSecond: number;
  /** Of the server, for each request. */
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** In the order in which they are measured. */
export interface ApiFigures {
  readonly create: Figure;
  readonly get: Figure;
  readonly patch: Figure;
  readonly list: Figure;
  readonly listAfterWrite: Figure;
  readonly watch: Figure;
  readonly delete: Figure;
  readonly createPods: Figure;
  readonly listPods: Figure;
  readonly memory: { readonly now: number; readonly peak: number };
  readonly createCustom: Figure;
  readonly getCustom: Figure;
  readonly listCustom: Figure;
  readonly createProtobuf: Figure;
  readonly getProtobuf: Figure;
  readonly listProtobuf: Figure;
  readonly createBesideWebhook: Figure;
}

/** @throws Unavailable when the server refuses a request or a connection ends */
export async function measure(target: ApiTarget, size: LoadSize): Promise<ApiFigures> {
  const all = await Promise.all(Array.from({ length: connections }, () => ApiConnection.open(target.connection)));
  try {
    return await new ApiLoad(target, all, size).run();
  } finally {
    for (const one of all) one.close();
  }
}

class ApiLoad {
  private readonly protobuf = new ProtobufCalls();

  constructor(
    private readonly target: ApiTarget,
    private readonly connections: readonly ApiConnection[],
    private readonly size: LoadSize,
  ) {}

  async run(): Promise<ApiFigures> {
    await this.prepare();
    return { ...(await this.configMaps()), ...(await this.pods()), ...(await this.others()) };
  }

  private async configMaps() {
    const { objects } = this.size;
    const create = await this.load(objects, (i) => post(configMaps, configMap(`c${i}`, i)));
    const get = await this.load(objects * 4, (i) => read(`${configMaps}/c${i % objects}`));
    const patched = await this.load(objects, (i) => patch(`${configMaps}/c${i}`, `${i}`));
    const list = await this.load(lists, () => read(configMaps));
    const listAfterWrite = await this.listsAfterWrites();
    const watch = await this.watch();
    const deleted = await this.load(objects, (i) => ({ method: 'DELETE', path: `${configMaps}/c${i}` }));
    return { create, get, patch: patched, list, listAfterWrite, watch, delete: deleted };
  }

  private async pods() {
    const createPods = await this.load(this.size.pods, (i) => post(podsPath, pod(i)));
    const listPods = await this.load(10, () => read(podsPath), 1);
    return { createPods, listPods, memory: this.target.memory() };
  }

  private async others() {
    const { objects } = this.size;
    await this.first.send(post(definitionsPath, definition));
    await this.until(read(customPath));
    const createCustom = await this.load(objects, (i) => post(customPath, custom(i)));
    const getCustom = await this.load(objects * 4, (i) => read(`${customPath}/b${i % objects}`));
    const listCustom = await this.load(lists, () => read(customPath));
    const createProtobuf = await this.load(objects, (i) => this.protobuf.create(configMaps, `p${i}`, i));
    const getProtobuf = await this.load(objects * 4, (i) => this.protobuf.get(`${configMaps}/p${i % objects}`));
    const listProtobuf = await this.load(lists, () => this.protobuf.get(configMaps));
    await this.first.send(post(webhooksPath, webhook));
    const createBesideWebhook = await this.load(objects, (i) => post(configMaps, configMap(`w${i}`, i)));
    await this.first.send({ method: 'DELETE', path: `${webhooksPath}/${webhook.metadata.name}` });
    return {
      ...{ createCustom, getCustom, listCustom },
      ...{ createProtobuf, getProtobuf, listProtobuf, createBesideWebhook },
    };
  }

  private get first(): ApiConnection {
    return this.connections[0]!;
  }

  private async prepare(): Promise<void> {
    await this.first.send(post('/api/v1/namespaces', namespaceObject(namespace)));
    // Pods are refused until a controller has created it.
    await this.until(read(`/api/v1/namespaces/${namespace}/serviceaccounts/default`));
    for (let from = 0; from < this.size.fill; from += filledNamespace) {
      const name = `filled-${from / filledNamespace}`;
      await this.first.send(post('/api/v1/namespaces', namespaceObject(name)));
      const path = `/api/v1/namespaces/${name}/configmaps`;
      const count = Math.min(filledNamespace, this.size.fill - from);
      await this.load(count, (i) => post(path, configMap(`f${i}`, i)));
    }
  }

  /** @throws Unavailable when the request is still refused after 10 s */
  private async until(call: Call): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await this.first.send(call);
        return;
      } catch (error) {
        if (!(error instanceof Unavailable) || tries === 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** `count` requests, shared by the first `width` connections. */
  private async load(count: number, call: (i: number) => Call, width = connections): Promise<Figure> {
    const latencies: number[] = [];
    let next = 0;
    const cpuBefore = this.target.cpuMicros();
    const before = performance.now();
    const work = async (connection: ApiConnection) => {
      while (next < count) {
        const sent = performance.now();
        await connection.send(call(next++));
        latencies.push(performance.now() - sent);
      }
    };
    await Promise.all(this.connections.slice(0, width).map(work));
    return figure(latencies, performance.now() - before, this.target.cpuMicros() - cpuBefore);
  }

  /** No two of these lists are equal: the server cannot answer with the bytes of the previous list. */
  private async listsAfterWrites(): Promise<Figure> {
    const writer = this.connections[1]!;
    const latencies: number[] = [];
    let micros = 0;
    for (let i = 0; i < lists; i++) {
      await writer.send(patch(`${configMaps}/c0`, `list ${i}`));
      const cpuBefore = this.target.cpuMicros();
      const sent = performance.now();
      await this.first.send(read(configMaps));
      latencies.push(performance.now() - sent);
      micros += this.target.cpuMicros() - cpuBefore;
    }
    const ms = latencies.reduce((sum, one) => sum + one, 0);
    return figure(latencies, ms, micros);
  }

  /** From sending a write until the last watcher has its event. */
  private async watch(): Promise<Figure> {
    let missing = 0;
    let done = () => {};
    const onMark = () => {
      if (--missing === 0) done();
    };
    const path = `${configMaps}?watch=1&resourceVersion=${await this.revision()}`;
    const open = Array.from({ length: watchers }, () => openWatch(this.target.connection, path, onMark));
    const watches = await Promise.all(open);
    const latencies: number[] = [];
    const cpuBefore = this.target.cpuMicros();
    const before = performance.now();
    for (let i = 0; i < marks; i++) {
      const sent = performance.now();
      missing = watchers;
      const delivered = new Promise<void>((resolve) => {
        done = resolve;
      });
      await Promise.all([this.first.send(patch(`${configMaps}/c1`, `${i}`)), delivered]);
      latencies.push(performance.now() - sent);
    }
    for (const watch of watches) watch.close();
    return figure(latencies, performance.now() - before, this.target.cpuMicros() - cpuBefore);
  }

  /** The revision of now, so that the watches begin without the objects that exist. */
  private async revision(): Promise<string> {
    const { text } = await this.first.send(read(`${configMaps}?limit=1`), true);
    return /"resourceVersion":"(\d+)"/.exec(text)![1]!;
  }
}

const read = (path: string): Call => ({ method: 'GET', path });
const post = (path: string, body: object): Call => ({ method: 'POST', path, body });
const namespaceObject = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

function figure(latencies: number[], ms: number, micros: number): Figure {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]!;
  const count = latencies.length;
  return { perSecond: (count / ms) * 1_000, cpuMicros: micros / count, p50Ms: at(0.5), p99Ms: at(0.99) };
}
