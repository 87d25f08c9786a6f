// A Service of type LoadBalancer from the first command to the answer, from this machine and from every node.
import type t from 'tap';
import { ask, type Cluster, run, until } from './cluster';

type Test = typeof t;
interface Balancer {
  readonly metadata: { readonly generation?: number };
  readonly spec: { readonly clusterIP: string };
  readonly status: {
    readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string; readonly ipMode: string }[] };
    readonly conditions?: readonly {
      readonly type: string;
      readonly message: string;
      readonly observedGeneration: number;
    }[];
  };
}

export function loadBalancerTests(t: Test, cluster: Cluster): void {
  const kubectl = (...args: readonly string[]) => cluster.kubectl('-n', 'codereview', ...args);
  const wait = (name: string) => kubectl('wait', '--for=condition=Programmed', `service/${name}`, '--timeout=60s');
  const read = (name: string) => cluster.json<Balancer>('-n', 'codereview', 'get', 'service', name);
  const expose = (name: string, ...args: readonly string[]) =>
    kubectl('expose', 'deployment', 'codereviewapi', `--name=${name}`, '--port=80', '--target-port=8080', ...args);

  t.test('kubectl expose, kubectl wait, curl: at the first try, here and on every node', async (t) => {
    t.teardown(() => kubectl('delete', 'service', 'lb', '--ignore-not-found'));
    await expose('lb', '--type=LoadBalancer');
    await wait('lb');
    const { spec, status, metadata } = await read('lb');
    const address = status.loadBalancer.ingress?.[0]?.ip ?? '';
    t.match(status.loadBalancer.ingress, [{ ip: /^192\.168\.\d+\.24\d$/, ipMode: 'VIP' }]);
    const condition = status.conditions?.find(({ type }) => type === 'Programmed');
    t.match(condition, { message: '3 of 3 nodes', observedGeneration: metadata.generation });
    t.match(
      await kubectl('get', 'service', 'lb'),
      new RegExp(`LoadBalancer +\\S+ +${address.replaceAll('.', '\\.')} `),
    );
    t.match((await ask(`http://${address}/`)).pod, /^codereviewapi-/);
    for (const { name } of cluster.plan.nodes) {
      for (const ip of [spec.clusterIP, address]) {
        const text = await cluster.inNode(name, 'curl', '-sS', '--max-time', '5', `http://${ip}/`);
        t.match(JSON.parse(text).pod, /^codereviewapi-/, `${ip} from ${name}`);
      }
    }
    const described = await kubectl('describe', 'service', 'lb');
    t.match(described, new RegExp(`IPAllocated .*${address.replaceAll('.', '\\.')}`));
    t.match(described, /nodeAssigned .* from node "(control|worker-[12])" on eth0/);
  });

  t.test('externalTrafficPolicy Local shows the pod the address of this machine', async (t) => {
    t.teardown(() => kubectl('delete', 'service', 'lb-local', '--ignore-not-found'));
    await expose('lb-local', '--type=LoadBalancer', '--overrides={"spec":{"externalTrafficPolicy":"Local"}}');
    await wait('lb-local');
    const address = (await read('lb-local')).status.loadBalancer.ingress?.[0]?.ip;
    t.equal((await ask(`http://${address}/`)).client.split(':')[0], cluster.plan.gateway);
  });

  t.test('a deleted Service answers no more, and its address is free', async (t) => {
    t.teardown(() => kubectl('delete', 'service', 'first', 'second', '--ignore-not-found'));
    await expose('first', '--type=LoadBalancer');
    await wait('first');
    const address = (await read('first')).status.loadBalancer.ingress?.[0]?.ip;
    await kubectl('delete', 'service', 'first');
    // kubectl returns when the object is removed; kube-proxy removes the rules a moment later.
    await until(`an end of answers from ${address}`, async () => {
      const { code } = await run(['curl', '-sS', '-o', '/dev/null', '--max-time', '5', `http://${address}/`]);
      return code === 0 ? undefined : code;
    });
    await expose('second', '--type=LoadBalancer');
    await wait('second');
    t.equal((await read('second')).status.loadBalancer.ingress?.[0]?.ip, address);
  });
}
