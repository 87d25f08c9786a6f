// The demo as users see it: nodes, spread replicas, NodePort on every node, Ingress.
import { readFileSync } from 'node:fs';
import type t from 'tap';
import { ask, type Cluster, kubectls, output, podsOf } from './cluster';

type Test = typeof t;

export function demoTests(t: Test, cluster: Cluster): void {
  for (const { label, path } of kubectls()) {
    t.test(`three nodes are Ready: ${label}`, async (t) => {
      const text = await output([path, 'get', 'nodes', '--no-headers'], { env: cluster.env });
      t.match(text, /^control +Ready +control-plane /m);
      t.match(text, /^worker-1 +Ready /m);
      t.match(text, /^worker-2 +Ready /m);
    });
  }

  t.test('three replicas, one on each node', async (t) => {
    const pods = await podsOf(cluster, 'codereview', 'app=codereviewapi');
    t.strictSame(pods.map(({ spec }) => spec.nodeName).sort(), ['control', 'worker-1', 'worker-2']);
    t.ok(pods.every(({ status }) => status.containerStatuses?.every(({ ready }) => ready)));
  });

  t.test('Services of four types', async (t) => {
    type Service = {
      metadata: { name: string };
      spec: { type: string; clusterIP?: string; ports?: { nodePort?: number }[] };
    };
    const { items } = await cluster.json<{ items: Service[] }>('-n', 'codereview', 'get', 'services');
    const byName = new Map(items.map(({ metadata, spec }) => [metadata.name, spec]));
    t.match(byName.get('codereviewapi'), { type: 'ClusterIP', clusterIP: /^10\.(9[6-9]|10\d|11[01])\./ });
    t.match(byName.get('codereviewapi-nodeport'), { type: 'NodePort', ports: [{ nodePort: 30080 }] });
    t.match(byName.get('codereviewapi-headless'), { type: 'ClusterIP', clusterIP: 'None' });
    t.match(byName.get('upstream'), { type: 'ExternalName' });
  });

  t.test('NodePort 30080 on every node reaches all replicas', async (t) => {
    for (const ip of cluster.nodeIps) {
      const nodes = new Set<string>();
      for (let i = 0; i < 200 && nodes.size < 3; i++) nodes.add((await ask(`http://${ip}:30080/`)).node);
      t.strictSame([...nodes].sort(), ['control', 'worker-1', 'worker-2'], `through ${ip}`);
    }
  });

  t.test('the Ingress answers on port 80 of every node and by name', async (t) => {
    for (const ip of cluster.nodeIps) {
      const answer = await ask(`http://${ip}/some/path`, { host: 'codereview.local' });
      t.equal(answer.path, '/some/path');
      t.equal(answer.headers['x-forwarded-host'], 'codereview.local');
      t.equal(answer.headers['x-forwarded-proto'], 'http');
    }
    const block =
      readFileSync('/etc/hosts', 'utf8').split(`# BEGIN ${cluster.plan.context} `)[1]?.split('# END')[0] ?? '';
    if (!block.includes('codereview.local')) {
      t.comment('another cluster on this host has the name codereview.local in /etc/hosts');
      return;
    }
    t.equal((await ask('http://codereview.local/')).namespace, 'codereview');
  });

  t.test('the Ingress has addresses in its status, and answers 404 for other hosts', async (t) => {
    type Ingress = { status: { loadBalancer: { ingress: { ip: string }[] } } };
    const { status } = await cluster.json<Ingress>('-n', 'codereview', 'get', 'ingress', 'codereview');
    t.strictSame(status.loadBalancer.ingress.map(({ ip }) => ip).sort(), [...cluster.nodeIps].sort());
    const url = `http://${cluster.nodeIps[0]}/`;
    const code = await output(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'host: other.local', url]);
    t.equal(code, '404');
  });
}
