// `vagrant up` with three machines, and the later life of the machines. `hack/test vagrant` runs it inside hack/vm/lab. Emulated
// machines are slow, so it is not part of the default run. Prints how long each step took.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { until } from '../e2e/cluster';
import {
  curl,
  inMachine,
  kubeconfig,
  kubectl,
  kubectlJson,
  nodeNames,
  nodes,
  patienceMs,
  toolbox,
  vagrant,
} from './machines';

t.setTimeout(6 * 3600_000);

interface NodeList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly podCIDR: string };
    readonly status: {
      readonly addresses: readonly { readonly type: string; readonly address: string }[];
      readonly conditions: readonly { readonly type: string; readonly status: string }[];
      readonly nodeInfo: { readonly bootID: string; readonly machineID: string };
    };
  }[];
}
interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly uid: string };
    readonly spec: { readonly nodeName: string };
    readonly status: {
      readonly podIP?: string;
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
      readonly containerStatuses?: readonly { readonly containerID?: string }[];
    };
  }[];
}

const times: string[] = [];
async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  try {
    return await work();
  } finally {
    times.push(`${String(Math.round((Date.now() - startedAt) / 1000)).padStart(5)} s  ${what}`);
    process.stderr.write(`${times.at(-1)}\n`);
  }
}
const eventually = <T>(what: string, probe: () => Promise<T | undefined | false>) => until(what, probe, patienceMs);

/** A pod on every node, so that the tour tests each node's part of the pod network. */
const perNode = `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: per-node, namespace: codereview }
spec:
  selector: { matchLabels: { app: per-node } }
  template:
    metadata: { labels: { app: per-node } }
    spec:
      containers:
        - name: web
          image: busybox:1.35
          command: [sh, -c, 'mkdir /tmp/www; hostname > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www']
          readinessProbe: { httpGet: { path: /, port: 8080 }, periodSeconds: 2, timeoutSeconds: 30 }
`;

const podsPerNode = async () =>
  (await kubectlJson<PodList>('-n', 'codereview', 'get', 'pods', '-l', 'app=per-node')).items;
const listNodes = async () => (await kubectlJson<NodeList>('get', 'nodes')).items;
const isTrue = (conditions: readonly { type: string; status: string }[] | undefined, type: string) =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') === true;
const bootIds = async () =>
  new Map((await listNodes()).map(({ metadata, status }) => [metadata.name, status.nodeInfo.bootID]));

/** Repeats everything that a user tries after `vagrant up` until it works; the state of nodes from before a restart does not count. */
async function tour(t: Test, bootedBefore: ReadonlyMap<string, string> = new Map()): Promise<void> {
  const list = await eventually('all nodes are Ready and have reported since they booted', async () => {
    const found = await listNodes();
    const fresh = found.filter(
      ({ metadata, status }) =>
        isTrue(status.conditions, 'Ready') && status.nodeInfo.bootID !== bootedBefore.get(metadata.name),
    );
    return fresh.length === nodes.length && found;
  });
  t.strictSame(
    list.map(({ metadata, status }) => ({
      name: metadata.name,
      ip: status.addresses.find(({ type }) => type === 'InternalIP')?.address,
    })),
    nodes,
    'names and addresses, and no address of the shared NAT network',
  );
  for (const { name, ip } of nodes) {
    const answer = await eventually(`the NodePort answers on ${name}`, () => curl(`http://${ip}:30080/`));
    t.match(JSON.parse(answer), { namespace: 'codereview' }, `NodePort on ${name}`);
  }
  const ingress = await eventually('the Ingress answers by its name', () => curl('http://codereview.local/'));
  t.match(JSON.parse(ingress), { headers: { host: 'codereview.local' } });
  const names = await eventually('a pod resolves a Service', async () => {
    const answer = await toolbox('dig', '+search', '+short', 'codereviewapi');
    return answer.trim() !== '' && answer.trim();
  });
  t.match(names, /^10\.9[6-9]\.|^10\.1[01]\d\./, 'dig in a pod');
  const pods = await eventually('there is a Ready pod of the DaemonSet on every node', async () => {
    const found = (await podsPerNode()).filter(({ status }) => isTrue(status.conditions, 'Ready'));
    return found.length === nodes.length && found;
  });
  t.strictSame(pods.map(({ spec }) => spec.nodeName).sort(), nodeNames);
  for (const { metadata, spec, status } of pods) {
    const answer = await eventually(`a pod reaches the pod on ${spec.nodeName}`, () =>
      toolbox('curl', '-sS', '--fail', '--max-time', '30', `http://${status.podIP}:8080/`),
    );
    t.equal(answer.trim(), metadata.name, `pod to pod, on ${spec.nodeName}`);
  }
}

t.test('vagrant up: three machines and the demo', async (t) => {
  await vagrant('box', 'add', '--force', '--name', 'k8ts-debian12', '.k8ts/vm/box/k8ts-debian12.box');
  t.match(await vagrant('validate'), /validated successfully/);
  try {
    await timed('vagrant up, three machines from nothing', () => vagrant('up'));
  } catch (err) {
    return t.bailout(err instanceof Error ? err.message : String(err));
  }
  t.equal(statSync(kubeconfig).mode & 0o777, 0o600);
  t.match(
    readFileSync('/etc/hosts', 'utf8'),
    /^# BEGIN k8ts-vagrant .*\n192\.168\.56\.10 codereview\.local\n# END k8ts-vagrant$/m,
  );
  await kubectl('apply', '-f', write(perNode));
  await timed('the tour, from vagrant up on', () => tour(t));
});

t.test("the user's own container with a published port still works next to pods", async (t) => {
  await inMachine(
    'worker-1',
    "docker run -d --name own -p 8088:8080 busybox:1.35 sh -c 'mkdir /tmp/w; echo own > /tmp/w/index.html; httpd -f -p 8080 -h /tmp/w'",
  );
  t.equal(await eventually('it answers', () => curl('http://192.168.56.11:8088/')), 'own\n');
  t.match(JSON.parse((await curl('http://192.168.56.11:30080/')) ?? '{}'), { namespace: 'codereview' });
  await inMachine('worker-1', 'docker rm -f own');
});

t.test('vagrant provision again changes nothing', async (t) => {
  const running = async () =>
    (await podsPerNode()).map(({ metadata, status }) => [metadata.uid, status.containerStatuses?.[0]?.containerID]);
  const units = () => inMachine('worker-1', 'systemctl show -p MainPID k8ts-kubelet k8ts-kube-proxy docker');
  const before = [await running(), await units()];
  await timed('vagrant provision, a second time', () => vagrant('provision'));
  t.strictSame([await running(), await units()], before, 'no container and no process was started again');
});

t.test('vagrant halt and vagrant up', async (t) => {
  const before = await bootIds();
  const said = await timed('vagrant halt', () => vagrant('halt'));
  t.notMatch(said, 'Halting domain', 'each machine shuts down by itself, before Vagrant powers it off');
  await timed('vagrant up, three machines that were halted', () => vagrant('up'));
  await timed('the tour, from there on', () => tour(t, before));
});

t.test('one worker destroyed and created again', async (t) => {
  const before = await listNodes();
  const old = before.find(({ metadata }) => metadata.name === 'worker-2')!;
  await timed('vagrant destroy worker-2', () => vagrant('destroy', '-f', 'worker-2'));
  await timed('vagrant up worker-2', () => vagrant('up', 'worker-2'));
  await timed('the tour, from there on', () => tour(t, new Map([['worker-2', old.status.nodeInfo.bootID]])));
  const now = (await listNodes()).find(({ metadata }) => metadata.name === 'worker-2')!;
  t.equal(now.spec.podCIDR, old.spec.podCIDR, 'the same range of pod addresses');
  t.not(now.status.nodeInfo.machineID, old.status.nodeInfo.machineID, 'the worker is another machine');
  for (const name of ['control', 'worker-1']) {
    const routes = await inMachine(name, `ip route show ${now.spec.podCIDR}`);
    t.equal(routes.trim().split('\n').length, 1, `${name} has one route to its pods`);
  }
});

t.test('vagrant reload of one machine', async (t) => {
  const before = new Map([...(await bootIds())].filter(([name]) => name === 'worker-1'));
  await timed('vagrant reload worker-1', () => vagrant('reload', 'worker-1'));
  await timed('the tour, from there on', () => tour(t, before));
});

t.test('vagrant destroy leaves nothing on the host', async (t) => {
  await timed('vagrant destroy', () => vagrant('destroy', '-f'));
  t.notOk(existsSync(kubeconfig));
  t.notMatch(readFileSync('/etc/hosts', 'utf8'), 'k8ts-vagrant');
});

t.teardown(() => {
  process.stderr.write(`\n${times.join('\n')}\n`);
});

function write(yaml: string): string {
  const dir = t.testdir({ 'per-node.yaml': yaml });
  return join(dir, 'per-node.yaml');
}
