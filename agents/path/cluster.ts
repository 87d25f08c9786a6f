// What the caller may read: objects by the API as the user of the kubeconfig, and nodes by path.k8ts.io. Each object is read once.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  deployments,
  type EndpointSlice,
  endpointSlices,
  type Node,
  nodes,
  type Pod,
  pods,
  type Service,
  serviceKeyOf,
  services,
  statefulSets,
} from '../../controlplane/api';
import type { KindRef } from '../../controlplane/api/kind';
import { hopReports, packetProbes } from '../../controlplane/api/packet-path';
import type { KubeObject } from '../../controlplane/api/types';
import { describeError, hasCode, isNotFound } from '../../controlplane/base/errors';
import type { HopAnswer, HopQuestion, HopWhatIf, ProbeDone, ProbeOrder } from '../../controlplane/base/hops';
import type { Client } from '../../controlplane/client/client';
import type { WorkloadFacts } from './service-check';

interface ScaledSpec {
  readonly replicas?: number;
  readonly template?: { readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } };
}

interface Waiting {
  readonly question: HopQuestion;
  readonly resolve: (answer: HopAnswer | { readonly error: string }) => void;
  readonly reject: (error: unknown) => void;
}

const gatherMs = 5;
/** Of one HopReport. */
const maxQuestions = 16;

export class ClusterReader {
  private readonly waiting = new Map<string, Waiting[]>();
  private readonly lists = new Map<string, Promise<readonly KubeObject[]>>();

  constructor(
    readonly client: Client,
    /** Nodes answer with the rules that they would have. */
    private readonly whatIf?: HopWhatIf,
  ) {}

  /** True: objects stand in it that are not stored. */
  get isChanged(): boolean {
    return false;
  }

  /** Undefined when there is none. @throws Forbidden, Unavailable */
  async find<T extends KubeObject>(kind: KindRef<T>, key: string): Promise<T | undefined> {
    return this.client.get(kind, key).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  }

  /** @param namespace '' for all. @throws Forbidden, Unavailable */
  list<T extends KubeObject>(kind: KindRef<T>, namespace = ''): Promise<readonly T[]> {
    const key = `${kind.group}/${kind.plural}/${namespace}`;
    let listed = this.lists.get(key) as Promise<readonly T[]> | undefined;
    if (!listed) {
      listed = this.client.list(kind, namespace === '' ? {} : { namespace }).then(({ items }) => items);
      this.lists.set(key, listed);
    }
    return listed;
  }

  nodes(): Promise<readonly Node[]> {
    return this.list(nodes);
  }

  /** Of all namespaces. */
  services(): Promise<readonly Service[]> {
    return this.list(services);
  }

  pods(namespace: string): Promise<readonly Pod[]> {
    return this.list(pods, namespace);
  }

  async slicesOf(service: string): Promise<readonly EndpointSlice[]> {
    const [namespace = ''] = service.split('/');
    return (await this.list(endpointSlices, namespace)).filter((slice) => serviceKeyOf(slice) === service);
  }

  /** Deployments and StatefulSets; empty when the caller may not list them. */
  async workloads(namespace: string): Promise<readonly WorkloadFacts[]> {
    const of = async <T extends KubeObject>(kind: KindRef<T>) =>
      (await this.list(kind, namespace).catch(() => [])).map((object): WorkloadFacts => {
        const { replicas = 1, template } = ((object as { spec?: object }).spec ?? {}) as ScaledSpec;
        const labels = template?.metadata?.labels ?? {};
        return { kind: kind.kind.toLowerCase(), name: object.metadata?.name ?? '', replicas, labels };
      });
    return [...(await of(deployments)), ...(await of(statefulSets))];
  }

  /** The answer of a node, or why there is none. @throws Forbidden when the caller may not ask nodes */
  ask(node: string, question: HopQuestion): Promise<HopAnswer | { readonly error: string }> {
    return new Promise((resolve, reject) => {
      const waiting = this.waiting.get(node) ?? [];
      if (waiting.length === 0) {
        this.waiting.set(node, waiting);
        // Questions of one moment are one request: the node then reads its rules once.
        setTimeout(() => void this.flush(node), gatherMs);
      }
      waiting.push({ question, resolve, reject });
    });
  }

  private async flush(node: string): Promise<void> {
    const waiting = this.waiting.get(node) ?? [];
    this.waiting.delete(node);
    for (let i = 0; i < waiting.length; i += maxQuestions) {
      const part = waiting.slice(i, i + maxQuestions);
      try {
        const answers = await this.askAll(
          node,
          part.map(({ question }) => question),
        );
        for (const [at, { resolve }] of part.entries()) resolve(answers[at] ?? { error: 'the node gave no answer' });
      } catch (error) {
        for (const { reject } of part) reject(error);
      }
    }
  }

  private async askAll(
    node: string,
    questions: readonly HopQuestion[],
  ): Promise<readonly (HopAnswer | { readonly error: string })[]> {
    const report = await whenFree(() =>
      this.client.create(hopReports, {
        metadata: {},
        spec: { nodeName: node, questions, ...(this.whatIf ? { whatIf: this.whatIf } : {}) },
      }),
    ).catch((error: unknown) => {
      if (hasCode(error, 'Forbidden')) throw error;
      return { status: { answers: questions.map(() => ({ error: describeError(error) })) } };
    });
    return report.status?.answers ?? [];
  }

  /** @throws Forbidden when the caller may not send probes, and what the node says */
  async probe(node: string, order: ProbeOrder): Promise<ProbeDone> {
    const { status } = await whenFree(() =>
      this.client.create(packetProbes, { metadata: {}, spec: { nodeName: node, ...order } }),
    );
    return status ?? { results: [], sightings: [], lost: 0 };
  }
}

/** A kubelet answers a few questions at once, and says so when it is busy. */
async function whenFree<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries >= maxTries || !/questions about packets already/.test(describeError(error))) throw error;
      await sleep(500);
    }
  }
}
const maxTries = 8;

export const addressesOf = (node: Node): readonly string[] =>
  (node.status?.addresses ?? []).flatMap(({ type, address }) =>
    type === 'InternalIP' || type === 'ExternalIP' ? [address] : [],
  );

export const podAddresses = ({ status }: Pod): readonly string[] =>
  [...new Set([...(status?.podIPs ?? []).map(({ ip }) => ip), status?.podIP])].filter((ip): ip is string =>
    Boolean(ip),
  );
