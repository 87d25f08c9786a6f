// Pods reach pods: across nodes without NAT, themselves through their Service, each other by localhost inside one pod.
import type t from 'tap';
import { type Answer, type Cluster, podsOf, until } from './cluster';

type Test = typeof t;

// The Service needs another name than the pod: the pod's own name is in its /etc/hosts.
const pair = `
apiVersion: v1
kind: Pod
metadata:
  name: pair
  namespace: e2e-network
  labels: { app: pair }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: web
      image: busybox:1.35
      command: [sh, -c, 'mkdir /tmp/www; echo from-web > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www']
    - name: client
      image: busybox:1.35
      command: [sleep, '3600']
---
apiVersion: v1
kind: Service
metadata:
  name: pair-service
  namespace: e2e-network
spec:
  selector: { app: pair }
  ports: [{ port: 80, targetPort: 8080 }]
`;

export function networkTests(t: Test, cluster: Cluster): void {
  t.test('pods on different nodes reach each other by pod address, without NAT', async (t) => {
    const toolbox = (await podsOf(cluster, 'codereview', 'app=toolbox'))[0]!;
    const pods = await podsOf(cluster, 'codereview', 'app=codereviewapi');
    for (const { status, spec, metadata } of pods) {
      const answer = JSON.parse(
        await cluster.toolbox('curl', '-sS', '--max-time', '5', `http://${status.podIP}:8080/`),
      ) as Answer;
      t.equal(answer.pod, metadata.name);
      t.equal(answer.client.split(':')[0], toolbox.status.podIP, `${spec.nodeName} sees the pod's own address`);
    }
  });

  t.test('a pod reaches a ClusterIP with its own address as source', async (t) => {
    const toolbox = (await podsOf(cluster, 'codereview', 'app=toolbox'))[0]!;
    const answer = JSON.parse(
      await cluster.toolbox('curl', '-sS', '--max-time', '5', 'http://codereviewapi/'),
    ) as Answer;
    t.equal(answer.client.split(':')[0], toolbox.status.podIP);
  });

  t.test('two containers of one pod by localhost; the pod itself through its own Service', async (t) => {
    await cluster.kubectl('create', 'namespace', 'e2e-network');
    t.teardown(() => cluster.kubectl('delete', 'namespace', 'e2e-network', '--timeout=60s'));
    await cluster.apply(pair);
    await cluster.kubectl('-n', 'e2e-network', 'wait', '--for=condition=Ready', 'pod/pair', '--timeout=60s');
    const inPair = (...argv: readonly string[]) =>
      cluster.kubectl('-n', 'e2e-network', 'exec', 'pair', '-c', 'client', '--', ...argv);
    t.equal(await inPair('wget', '-qO-', '-T', '5', 'http://localhost:8080/'), 'from-web\n');
    const own = await until('the Service has its endpoint', () =>
      inPair('wget', '-qO-', '-T', '2', 'http://pair-service/'),
    );
    t.equal(own, 'from-web\n');
    for (let i = 0; i < 10; i++) t.equal(await inPair('wget', '-qO-', '-T', '5', 'http://pair-service/'), 'from-web\n');
  });

  t.test('host name and /etc/hosts of a pod', async (t) => {
    const toolbox = (await podsOf(cluster, 'codereview', 'app=toolbox'))[0]!;
    t.equal((await cluster.toolbox('hostname')).trim(), 'toolbox');
    const hosts = await cluster.toolbox('cat', '/etc/hosts');
    t.match(hosts, /^127\.0\.0\.1\s+localhost$/m);
    t.match(hosts, new RegExp(`^${toolbox.status.podIP}\\s+toolbox$`, 'm'));
  });

  t.test('pods reach the API by its Service with their own account', async (t) => {
    const command = [
      'T=/var/run/secrets/kubernetes.io/serviceaccount',
      'curl -sS --cacert $T/ca.crt -H "Authorization: Bearer $(cat $T/token)" https://kubernetes.default.svc/version',
    ].join('; ');
    t.match(JSON.parse(await cluster.toolbox('sh', '-c', command)), { major: '1', minor: '36' });
  });
}
