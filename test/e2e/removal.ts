// Deleted objects leave nothing: containers, links, rules, DNS records and endpoints are removed within seconds.
import type t from 'tap';
import { requestJson } from '../../hack/dev/unix-http';
import { type Cluster, podsOf, run, until } from './cluster';

type Test = typeof t;

const app = (namespace: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${namespace} }
spec:
  replicas: 3
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: k8ts/codereviewapi:1.0
          ports: [{ containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /readyz, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: ${namespace} }
spec:
  selector: { app: web }
  ports: [{ port: 80, targetPort: 8080 }]
---
apiVersion: v1
kind: Service
metadata: { name: web-headless, namespace: ${namespace} }
spec:
  clusterIP: None
  selector: { app: web }
  ports: [{ port: 8080 }]
`;

/** Long enough for a slow machine; each wait ends as soon as its condition is true. */
const waitMs = 20_000;

export function removalTests(t: Test, cluster: Cluster): void {
  t.test('scale to 0, delete a pod, delete the Deployment', async (t) => {
    const namespace = 'e2e-removal';
    t.teardown(() => cluster.kubectl('delete', 'namespace', namespace, '--ignore-not-found', '--timeout=60s'));
    await cluster.apply(app(namespace));
    const inNamespace = (...args: readonly string[]) => cluster.kubectl('-n', namespace, ...args);
    await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
    const names = ['control', 'worker-1', 'worker-2'];
    const containers = async () =>
      (await Promise.all(names.map((node) => containersOf(cluster, node, namespace)))).flat();
    const links = async () => (await Promise.all(names.map((node) => podLinks(cluster, node)))).flat().length;
    const rules = async () =>
      (await Promise.all(names.map((node) => rulesNaming(cluster, node, `${namespace}/web`)))).flat();
    const records = async () =>
      (await cluster.toolbox('dig', '+short', `web-headless.${namespace}.svc.cluster.local`))
        .trim()
        .split('\n')
        .filter(Boolean);
    const endpoints = async () => {
      type Slice = { endpoints: unknown[] | null };
      const { items } = await cluster.json<{ items: Slice[] }>(
        '-n',
        namespace,
        'get',
        'endpointslices',
        '-l',
        'kubernetes.io/service-name=web',
      );
      return items.flatMap((slice) => slice.endpoints ?? []);
    };

    await t.test('a deleted pod is replaced and its address leaves DNS', async (t) => {
      const [victim] = await podsOf(cluster, namespace);
      await until('three records', async () => (await records()).length === 3, waitMs);
      await inNamespace('delete', 'pod', victim!.metadata.name);
      await until(
        'three ready pods without the old pod, in DNS too',
        async () => {
          const pods = await podsOf(cluster, namespace);
          const ips = pods.map(({ status }) => status.podIP).sort();
          return (
            pods.length === 3 &&
            !pods.some(({ metadata }) => metadata.uid === victim!.metadata.uid) &&
            JSON.stringify(ips) === JSON.stringify((await records()).sort())
          );
        },
        waitMs,
      );
      t.equal((await containers()).length, 6, 'one pause and one app container each');
    });

    await t.test('scaled to 0, the Service refuses at once', async (t) => {
      const linksBefore = await links();
      await inNamespace('scale', 'deployment', 'web', '--replicas=0');
      await until('no container is left', async () => (await containers()).length === 0, waitMs);
      await until('no endpoint is left', async () => (await endpoints()).length === 0, waitMs);
      await until('no record is left', async () => (await records()).length === 0, waitMs);
      await until('three links are removed', async () => (await links()) === linksBefore - 3, waitMs);
      const ip = await inNamespace('get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}');
      const argv = ['-n', 'codereview', 'exec', 'toolbox', '--', 'curl', '-sS', '--max-time', '5', `http://${ip}/`];
      // curl ends with 7 when it is refused, with 28 without an answer.
      await until(
        'the Service refuses connections',
        async () => (await run(['kubectl', ...argv], { env: cluster.env })).code === 7,
        waitMs,
      );
      t.strictSame(await endpoints(), []);
    });

    await t.test('after the deletion no rules remain', async (t) => {
      t.ok((await rules()).length > 0, 'the Service has rules');
      await inNamespace('delete', 'deployment', 'web');
      await inNamespace('delete', 'service', 'web', 'web-headless');
      await until('no rule names the Service', async () => (await rules()).length === 0, waitMs);
      const text = await cluster.toolbox('dig', `web.${namespace}.svc.cluster.local`);
      t.match(text, /status: NXDOMAIN/);
    });
  });
}

async function containersOf(cluster: Cluster, node: string, namespace: string): Promise<readonly string[]> {
  const { dockerSocket } = cluster.plan.nodes.find(({ name }) => name === node)!;
  const filter = JSON.stringify({ label: [`io.kubernetes.pod.namespace=${namespace}`] });
  const path = `/containers/json?all=1&filters=${encodeURIComponent(filter)}`;
  return (await requestJson<{ Id: string }[]>({ socketPath: dockerSocket, path })).map(({ Id }) => Id);
}

async function podLinks(cluster: Cluster, node: string): Promise<readonly string[]> {
  const text = await cluster.inNode(node, 'ip', '-o', 'link', 'show', 'type', 'veth');
  return text
    .trim()
    .split('\n')
    .filter((line) => line.includes('master'));
}

async function rulesNaming(cluster: Cluster, node: string, name: string): Promise<readonly string[]> {
  const text = await cluster.inNode(node, 'iptables-save');
  return text.split('\n').filter((line) => line.includes(name));
}
