// A lab: one fault of a real kind in a running cluster, the question about it, and the answer that `k8ts path` must give.
import { type Cluster, output } from '../e2e/cluster';

export interface Lab {
  readonly name: string;
  /** The fault, as a person would tell it afterwards. */
  readonly fault: string;
  readonly from: string;
  readonly to: string | ((cluster: Cluster) => Promise<string>);
  /** Further options of the command. */
  readonly options?: (cluster: Cluster) => readonly string[];
  /** Codes that name the guilty hop; absent: the path is healthy, and must not be blamed. */
  readonly codes?: readonly string[];
  /** What the sentence, or the hop's facts, must contain: the name of the guilty object. */
  readonly says?: RegExp;
  /** Objects that exist from the start of the run: they break nothing for others. */
  readonly objects?: readonly object[];
  /** Breaks something for the time of this lab only; returns what repairs it. */
  readonly breaks?: (cluster: Cluster) => Promise<() => Promise<unknown>>;
}

export const space = 'labs';
export const otherSpace = 'labs-other';
/** Where the base pods are. */
export const near = 'worker-1';
export const far = 'worker-2';

const image = 'k8ts/toolbox:1.0';

export interface PodOptions {
  readonly node?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** Further fields of the container, and of the pod. */
  readonly container?: object;
  readonly spec?: object;
}

export const pod = (name: string, command: readonly string[], options: PodOptions = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: options.namespace ?? space, labels: options.labels ?? { app: name } },
  spec: {
    terminationGracePeriodSeconds: 0,
    ...(options.node ? { nodeSelector: { 'kubernetes.io/hostname': options.node } } : {}),
    containers: [{ name: 'main', image, command, ...options.container }],
    ...options.spec,
  },
});

export const serving = (port = 8080, address = ''): readonly string[] => [
  'busybox',
  'httpd',
  '-f',
  '-p',
  address === '' ? `${port}` : `${address}:${port}`,
];
export const sleeping: readonly string[] = ['sleep', '1000000'];

export const service = (
  name: string,
  selector: Readonly<Record<string, string>> | undefined,
  port: object = {},
  more: object = {},
  namespace = space,
) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { ...(selector ? { selector } : {}), ports: [{ port: 80, targetPort: 8080, ...port }], ...more },
});

/** A Service that is another name for `target`. */
export const externalName = (name: string, target: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: space },
  spec: { type: 'ExternalName', externalName: target, ...more },
});

export const policy = (name: string, pods: Readonly<Record<string, string>>, rules: object, namespace = space) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name, namespace },
  spec: { podSelector: { matchLabels: pods }, ...rules },
});

export const ingress = (name: string, host: string, path: object = {}, more: object = {}) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, namespace: space },
  spec: {
    ingressClassName: 'k8ts',
    rules: [
      {
        host,
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } }, ...path },
          ],
        },
      },
    ],
    ...more,
  },
});

/** Two servers and two clients, one of each on each worker; they stay healthy. */
export const baseObjects: readonly object[] = [
  ...[space, otherSpace].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
  pod('client', sleeping, { node: near }),
  pod('client-far', sleeping, { node: far }),
  pod('web-near', serving(), {
    node: near,
    labels: { app: 'web', place: 'near' },
    container: { ports: [{ name: 'http', containerPort: 8080 }] },
  }),
  pod('web-far', serving(), {
    node: far,
    labels: { app: 'web', place: 'far' },
    container: { ports: [{ name: 'http', containerPort: 8080 }] },
  }),
  service('web', { app: 'web' }),
  service('near', { place: 'near' }),
  service('far', { place: 'far' }),
];

export const addressOf = async (cluster: Cluster, name: string, namespace = space): Promise<string> =>
  (await cluster.kubectl('get', 'pod', '-n', namespace, name, '-o', 'jsonpath={.status.podIP}')).trim();
export const clusterIpOf = async (cluster: Cluster, name: string): Promise<string> =>
  (await cluster.kubectl('get', 'service', '-n', space, name, '-o', 'jsonpath={.spec.clusterIP}')).trim();
export const nodePortOf = async (cluster: Cluster, name: string): Promise<string> =>
  (await cluster.kubectl('get', 'service', '-n', space, name, '-o', 'jsonpath={.spec.ports[0].nodePort}')).trim();
export const nodeIp = (cluster: Cluster, node: string): string =>
  cluster.plan.nodes.find(({ name }) => name === node)!.ip;

/** Runs a program in a node's namespace, and another one to undo it. */
export const inNode =
  (node: string, does: readonly string[], undoes: readonly string[]) =>
  async (cluster: Cluster): Promise<() => Promise<unknown>> => {
    await cluster.inNode(node, ...does);
    return () => cluster.inNode(node, ...undoes);
  };

/** The number of a container's first process, as this machine sees it. */
export async function pidOf(cluster: Cluster, container: string, name: string, node: string): Promise<string> {
  const { dockerSocket } = cluster.plan.nodes.find((one) => one.name === node)!;
  const docker = ['docker', '-H', `unix://${dockerSocket}`];
  const ids = await output([...docker, 'ps', '-q', '--filter', `name=k8s_${container}_${name}_${space}`]);
  const [id = ''] = ids.trim().split('\n');
  return (await output([...docker, 'inspect', '-f', '{{.State.Pid}}', id])).trim();
}

/** Runs programs in the network namespace of a pod. */
export async function inPod(cluster: Cluster, name: string, node: string) {
  const pid = await pidOf(cluster, 'POD', name, node);
  return (...argv: string[]) => output(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...argv]);
}

/** Lines run one after another in the namespace of the pod; words are between blanks. */
export const inside =
  (pod: string, node: string, does: readonly string[], undoes: readonly string[]) =>
  async (cluster: Cluster): Promise<() => Promise<unknown>> => {
    const run = await inPod(cluster, pod, node);
    const all = async (lines: readonly string[]) => {
      for (const line of lines) await run(...line.split(' '));
    };
    await all(does);
    return () => all(undoes);
  };

/** A link that leads nowhere, as a VPN makes it. */
export const vpn: readonly string[] = [
  'ip tuntap add dev tun0 mode tun',
  'ip address add 10.99.0.1/32 dev tun0',
  'ip link set tun0 up',
];

/** The port of the bridge that a pod has: its name follows from the address (agents/kubelet/network/names.ts). */
export async function portOf(cluster: Cluster, name: string): Promise<string> {
  const address = await addressOf(cluster, name);
  return `veth${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')}`;
}
