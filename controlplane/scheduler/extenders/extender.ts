// A scheduler extender: a program outside that refuses nodes, rates them, changes preemptions or binds, asked by HTTP. Source: "Scheduler
// extender" (kube-scheduler, extender/v1).
import { readFile } from 'node:fs/promises';
import type { Node } from '../../api/node';
import { goDurationMs } from '../../base/duration';
import { BadRequest, describeError, Unavailable } from '../../base/errors';
import { eventLoop } from '../../base/event-loop';
import { parseJsonInSteps } from '../../base/json-steps';
import type { Transport } from '../../client/client';
import { HttpsTransport } from '../../client/https-transport';
import type { ConnectionOptions } from '../../client/kubeconfig';
import type { ExtenderSettings } from '../config/types';
import type { NodeInfo } from '../node-info';
import type { PodInfo } from '../pod-info';
import type { Candidate } from '../preemption';

const defaultTimeoutMs = 5000;
/** A larger answer is an error. 5,000 whole nodes have 25 MB; their names, of an extender that is nodeCacheCapable, 250 kB. */
const maxAnswerBytes = 32 * 1024 * 1024;
/** Scores of extenders are from 0 to 10. */
const scoreFactor = 10;

/** The bodies of extender/v1, whose fields have Go's names. */
interface FilterAnswer {
  readonly Nodes?: { readonly items?: readonly Node[] | null } | null;
  readonly NodeNames?: readonly string[] | null;
  readonly FailedNodes?: Readonly<Record<string, string>> | null;
  readonly FailedAndUnresolvableNodes?: Readonly<Record<string, string>> | null;
  readonly Error?: string;
}
interface PreemptAnswer {
  readonly NodeNameToMetaVictims?: Readonly<Record<string, MetaVictims | null>> | null;
}
interface MetaVictims {
  readonly Pods?: readonly { readonly UID?: string }[] | null;
  readonly NumPDBViolations?: number;
}

export interface Filtered {
  /** In the order of the given nodes. */
  readonly nodes: readonly NodeInfo[];
  /** Node → why; removing pods may help. */
  readonly refused: ReadonlyMap<string, string>;
  /** Node → why; removing pods cannot help. */
  readonly unresolvable: ReadonlyMap<string, string>;
}

export class HttpExtender {
  readonly name: string;
  readonly ignorable: boolean;
  private readonly timeoutMs: number;
  private readonly managed: ReadonlySet<string>;

  constructor(
    private readonly settings: ExtenderSettings,
    private readonly transport: Transport,
  ) {
    this.name = settings.urlPrefix ?? '';
    this.ignorable = settings.ignorable ?? false;
    this.timeoutMs = goDurationMs(settings.httpTimeout ?? '') || defaultTimeoutMs;
    this.managed = new Set((settings.managedResources ?? []).map(({ name = '' }) => name));
  }

  get filters(): boolean {
    return Boolean(this.settings.filterVerb);
  }
  get rates(): boolean {
    return Boolean(this.settings.prioritizeVerb);
  }
  get preempts(): boolean {
    return Boolean(this.settings.preemptVerb);
  }
  get binds(): boolean {
    return Boolean(this.settings.bindVerb);
  }

  /** An extender with resources of its own is asked only about pods that want one of them. */
  isInterested({ pod }: PodInfo): boolean {
    if (this.managed.size === 0) return true;
    return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].some(({ resources }) =>
      [...Object.keys(resources?.requests ?? {}), ...Object.keys(resources?.limits ?? {})].some((name) =>
        this.managed.has(name),
      ),
    );
  }

  /** @throws Unavailable when the extender cannot be asked, or answers something else */
  async filter({ pod }: PodInfo, nodes: readonly NodeInfo[], signal: AbortSignal): Promise<Filtered> {
    const text = await this.aboutNodes(pod, nodes);
    const answer = await this.ask<FilterAnswer>(this.settings.filterVerb!, text, signal);
    if (answer.Error) throw new Unavailable(answer.Error);
    const names = this.settings.nodeCacheCapable
      ? (answer.NodeNames ?? undefined)
      : answer.Nodes?.items?.map(({ metadata }) => metadata?.name ?? '');
    const left = new Set(names ?? []);
    const known = new Set(nodes.map(({ name }) => name));
    const foreign = [...left].find((name) => !known.has(name));
    if (foreign !== undefined) {
      const why = `claims a filtered node "${foreign}" which is not found in the input node list`;
      throw new Unavailable(`extender "${this.name}" ${why}`);
    }
    return {
      nodes: nodes.filter(({ name }) => left.has(name)),
      refused: textMap(answer.FailedNodes),
      unresolvable: textMap(answer.FailedAndUnresolvableNodes),
    };
  }

  /** Node → what to add to its score. @throws Unavailable */
  async rate({ pod }: PodInfo, nodes: readonly NodeInfo[], signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const text = await this.aboutNodes(pod, nodes);
    const answer = await this.ask<unknown>(this.settings.prioritizeVerb!, text, signal);
    const list = Array.isArray(answer) ? (answer as { Host?: unknown; Score?: unknown }[]) : [];
    const weight = this.settings.weight ?? 0;
    return new Map(list.map(({ Host, Score }) => [String(Host), (Number(Score) || 0) * weight * scoreFactor]));
  }

  /** The candidates that the extender leaves, with the victims that it wants. @throws Unavailable */
  async preempt(
    { pod }: PodInfo,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<readonly Candidate[]> {
    const { nodeCacheCapable, preemptVerb } = this.settings;
    const victims = Object.fromEntries(
      candidates.map(({ node, victims, violations }) => [
        node.name,
        {
          Pods: victims.map((victim) => (nodeCacheCapable ? { UID: victim.uid } : victim.pod)),
          NumPDBViolations: violations,
        },
      ]),
    );
    const key = nodeCacheCapable ? 'NodeNameToMetaVictims' : 'NodeNameToVictims';
    const answer = await this.ask<PreemptAnswer>(preemptVerb!, JSON.stringify({ Pod: pod, [key]: victims }), signal);
    return Object.entries(answer.NodeNameToMetaVictims ?? {}).flatMap(([name, chosen]) => {
      const candidate = candidates.find(({ node }) => node.name === name);
      if (!candidate) throw new Unavailable(`extender "${this.name}" names node "${name}", which is no candidate`);
      const pods = (chosen?.Pods ?? []).map(({ UID = '' }) => this.podOn(candidate.node, UID));
      if (pods.length > 0) return [{ node: candidate.node, victims: pods, violations: chosen?.NumPDBViolations ?? 0 }];
      if (this.ignorable) return [];
      throw new Unavailable(`expected at least one victim pod on node "${name}"`);
    });
  }

  private podOn(node: NodeInfo, uid: string): PodInfo {
    const pod = node.pods.get(uid);
    if (pod) return pod;
    const why = `claims to preempt pod (UID: ${uid}) on node: ${node.name}, but the pod is not found on that node`;
    throw new Unavailable(`extender: ${this.name} ${why}`);
  }

  /** @throws Unavailable when the extender did not bind the pod */
  async bind({ pod, uid }: PodInfo, node: string, signal: AbortSignal): Promise<void> {
    const { name, namespace } = pod.metadata ?? {};
    const body = JSON.stringify({ PodName: name, PodNamespace: namespace, PodUID: uid, Node: node });
    const answer = await this.ask<{ readonly Error?: string }>(this.settings.bindVerb!, body, signal);
    if (answer.Error) throw new Unavailable(answer.Error);
  }

  close(): void {
    this.transport.close();
  }

  /** ExtenderArgs. Many nodes are written in steps, between which the process does other work. */
  private async aboutNodes(pod: object, nodes: readonly NodeInfo[]): Promise<string> {
    const head = `{"Pod":${JSON.stringify(pod)},`;
    if (this.settings.nodeCacheCapable) {
      return `${head}"Nodes":null,"NodeNames":${JSON.stringify(nodes.map(({ name }) => name))}}`;
    }
    const items: string[] = [];
    for (const { node } of nodes) {
      items.push(JSON.stringify(node));
      const pause = eventLoop.pause();
      if (pause) await pause;
    }
    return `${head}"Nodes":{"metadata":{},"items":[${items.join(',')}]},"NodeNames":null}`;
  }

  private async ask<A>(verb: string, body: string, signal: AbortSignal): Promise<A> {
    const end = AbortSignal.any([signal, AbortSignal.timeout(this.timeoutMs)]);
    const headers = { 'content-type': 'application/json' };
    try {
      const answer = await this.transport.send({ method: 'POST', path: `/${verb}`, headers, body, signal: end });
      const text = await readBounded(answer.body);
      if (answer.status !== 200) {
        throw new Unavailable(`failed ${verb} with extender at URL ${this.name}, code ${answer.status}`);
      }
      return ((await parseJsonInSteps(text)) ?? {}) as A;
    } catch (cause) {
      signal.throwIfAborted();
      throw new Unavailable(describeError(cause), { cause });
    }
  }
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > maxAnswerBytes) throw new Unavailable(`the answer is larger than ${maxAnswerBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

const textMap = (texts: Readonly<Record<string, string>> | null | undefined): ReadonlyMap<string, string> =>
  new Map(Object.entries(texts ?? {}).map(([name, why]) => [name, String(why)]));

/** The caller closes it. @throws BadRequest when its TLS settings contradict each other, or a file of them cannot be read */
export async function openExtender(settings: ExtenderSettings): Promise<HttpExtender> {
  return new HttpExtender(settings, new HttpsTransport(await connectionOf(settings)));
}

/** Data comes before files. With enableHTTPS and without an authority the server's certificate is not checked, as upstream. */
async function connectionOf({
  urlPrefix = '',
  enableHTTPS = false,
  tlsConfig = {},
}: ExtenderSettings): Promise<ConnectionOptions> {
  const { insecure = false, serverName } = tlsConfig;
  const read = async (data: string | undefined, file: string | undefined): Promise<string | undefined> => {
    if (data) return Buffer.from(data, 'base64').toString('utf8');
    if (!file) return undefined;
    try {
      return await readFile(file, 'utf8');
    } catch (cause) {
      throw new BadRequest(`extender ${urlPrefix}: cannot read ${file}: ${describeError(cause)}`, { cause });
    }
  };
  const ca = await read(tlsConfig.caData, tlsConfig.caFile);
  const cert = await read(tlsConfig.certData, tlsConfig.certFile);
  const key = await read(tlsConfig.keyData, tlsConfig.keyFile);
  const refuse = (why: string) => new BadRequest(`extender ${urlPrefix}: ${why}`);
  if (insecure && ca) throw refuse('specifying a root certificates file with the insecure flag is not allowed');
  if (Boolean(cert) !== Boolean(key)) throw refuse('a certificate and its key must be given together');
  return {
    server: urlPrefix,
    insecureSkipTlsVerify: insecure || (enableHTTPS && ca === undefined),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(serverName ? { tlsServerName: serverName } : {}),
  };
}
