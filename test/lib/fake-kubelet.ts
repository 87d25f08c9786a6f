// Simulates the kubelets of all nodes: bound pods run and become ready at once, deleted pods end at once.
import { type Node, nodes, objectKey, type Pod, pods } from '../../controlplane/api/index';
import { formatTime } from '../../controlplane/base/clock';
import { isConflict, isNotFound } from '../../controlplane/base/errors';
import { silentLogger } from '../../controlplane/base/logger';
import type { Client } from '../../controlplane/client/client';
import { createInformer } from '../../controlplane/client/informer';

export interface FakeKubeletOptions {
  /** Whether a pod becomes ready; all do by default. */
  readonly becomesReady?: (pod: Pod) => boolean;
  /** How a pod ends as soon as it has started; undefined (the default): the pod runs on. */
  readonly ends?: (pod: Pod) => 'Succeeded' | 'Failed' | undefined;
  /** The exit code of the containers of a pod that ends; none is reported by default. */
  readonly exitCode?: (pod: Pod) => number;
}

/** Registers nodes that are ready and take pods at once: a test need not wait until a controller has removed the taint of new nodes. */
export async function createNodes(client: Client, ...names: string[]): Promise<void> {
  for (const name of names) {
    await client.create(nodes, { metadata: { name, labels: { 'kubernetes.io/hostname': name } } } as Node);
    await reportReady(client, name);
    await client.patch(nodes, name, 'merge', { spec: { taints: null } });
  }
}

/** Writes the first status of a node's kubelet: ready, with 4 cpu and 8 GiB. */
export async function reportReady(client: Client, name: string): Promise<void> {
  const resources = { cpu: '4', memory: '8Gi', pods: '110' };
  const time = formatTime(Date.now());
  const ready = { type: 'Ready', status: 'True', lastHeartbeatTime: time, lastTransitionTime: time };
  const status = { capacity: resources, allocatable: resources, conditions: [ready] };
  await client.patch(nodes, name, 'merge', { status }, { subresource: 'status' });
}

/** Resolves when the signal is aborted and the work in hand is done. */
export async function runFakeKubelets(
  client: Client,
  signal: AbortSignal,
  options: FakeKubeletOptions = {},
): Promise<void> {
  const { becomesReady = () => true, ends = () => undefined, exitCode } = options;
  const informer = createInformer<Pod>(client, pods, { log: silentLogger });
  const started = new Set<string>();
  const work = new Set<Promise<void>>();
  const run = (task: Promise<unknown>) => {
    const done = task.then(
      () => {
        work.delete(done);
      },
      (err: unknown) => {
        work.delete(done);
        if (!isNotFound(err) && !isConflict(err) && !signal.aborted) throw err;
      },
    );
    work.add(done);
  };
  informer.onChange(({ type, object: pod }) => {
    const { uid = '', deletionTimestamp } = pod.metadata ?? {};
    if (type === 'deleted' || !pod.spec?.nodeName) return;
    if (deletionTimestamp !== undefined) {
      run(client.delete(pods, objectKey(pod), { gracePeriodSeconds: 0, preconditions: { uid } }));
    } else if (!started.has(uid)) {
      started.add(uid);
      const end = ends(pod);
      const codes = end && exitCode ? terminated(pod, exitCode(pod)) : {};
      const body = startedPod(pod, started.size, becomesReady(pod), end, codes);
      run(client.patch(pods, objectKey(pod), 'strategic', body, { subresource: 'status' }));
    }
  });
  await informer.run(signal);
  await Promise.all(work);
}

function terminated({ spec }: Pod, exitCode: number) {
  const time = formatTime(Date.now());
  const state = { terminated: { exitCode, startedAt: time, finishedAt: time } };
  const image = { image: '', imageID: '' };
  const containers = spec?.containers ?? [];
  return {
    containerStatuses: containers.map(({ name }) => ({ name, ready: false, restartCount: 0, state, ...image })),
  };
}

function startedPod(
  pod: Pod,
  sequence: number,
  becomesReady: boolean,
  end: 'Succeeded' | 'Failed' | undefined,
  ended: object,
) {
  const ready = becomesReady && end === undefined;
  const podIP = `10.244.${sequence >> 8}.${sequence & 255}`;
  const lastTransitionTime = formatTime(Date.now());
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime }];
  return {
    metadata: { uid: pod.metadata?.uid },
    status: { phase: end ?? 'Running', podIP, podIPs: [{ ip: podIP }], conditions, ...ended },
  };
}
