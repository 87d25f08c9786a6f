// What nodes carry, through the API: connections of pods to a Service, by their names, and what a Service refuses.
import type { Test } from 'tap';
import type { NodeTraffic } from '../../controlplane/api/node-traffic';
import type { TrafficEdge } from '../../controlplane/base/traffic';
import { type Cluster, until } from './cluster';

const accounting = 'net.netfilter.nf_conntrack_acct';
const refusing = `
apiVersion: v1
kind: Service
metadata: {name: nothing-behind, namespace: codereview}
spec: {ports: [{port: 80}], selector: {app: nothing}}
`;

const wrongPort = `
apiVersion: v1
kind: Service
metadata: {name: wrong-port, namespace: codereview}
spec: {ports: [{port: 80, targetPort: 9999}], selector: {app: codereviewapi}}
`;

export async function nodeTrafficTests(t: Test, cluster: Cluster): Promise<void> {
  const get = (...what: string[]) => cluster.kubectl('-n', 'codereview', 'get', ...what);
  const nodeName = await get('pod', 'toolbox', '-o', 'jsonpath={.spec.nodeName}');
  const nodeIp = cluster.plan.nodes.find(({ name }) => name === nodeName)!.ip;
  const podIp = await get('pod', 'toolbox', '-o', 'jsonpath={.status.podIP}');
  const serviceIp = await get('service', 'codereviewapi', '-o', 'jsonpath={.spec.clusterIP}');
  const read = () => cluster.json<NodeTraffic>('get', 'nodetraffic', nodeName);
  const edges = async (): Promise<readonly TrafficEdge[]> =>
    ((await read()).status?.edges ?? []).filter(
      ({ source, destination }) => source === podIp && destination.address === serviceIp,
    );
  const opened = async () => (await edges()).reduce((sum, one) => sum + one.opened, 0);

  await t.test('connections of a pod to a Service, with their bytes', async (t) => {
    const before = await opened();
    await cluster.toolbox('curl', '-s', '-m5', 'http://codereviewapi/');
    await until('the connection is there', async () => (await opened()) > before, 20_000);
    const [edge] = await edges();
    t.match(edge, { protocol: 'tcp', destination: { port: 80 }, backend: { port: 8080 }, unanswered: 0 });
    t.ok(edge!.request.bytes > 0 && edge!.answer.bytes > 0);
    const { pods } = (await read()).status!;
    t.match(
      pods.find(({ pod }) => pod === 'codereview/toolbox'),
      { addresses: [podIp] },
    );
  });

  await t.test('what a Service without endpoints refuses', async (t) => {
    await cluster.apply(refusing);
    t.teardown(() => cluster.kubectl('-n', 'codereview', 'delete', 'service', 'nothing-behind'));
    const ip = await get('service', 'nothing-behind', '-o', 'jsonpath={.spec.clusterIP}');
    const refused = async () => {
      await cluster.toolbox('curl', '-s', '-m1', 'http://nothing-behind/').catch(() => '');
      const { stopped = [], refused: flows = [] } = (await read()).status ?? {};
      return (
        stopped.some(({ objects }) => objects.includes('codereview/nothing-behind')) &&
        flows.some(
          ({ by, source, destination, port, services }) =>
            by === 'rule' &&
            source === podIp &&
            destination === ip &&
            port === 80 &&
            services?.join() === 'codereview/nothing-behind',
        )
      );
    };
    await until('the refusal is there, and its sender', refused, 20_000);
  });

  await t.test('whose connections pods reset: the targetPort is wrong', async (t) => {
    await cluster.apply(wrongPort);
    t.teardown(() => cluster.kubectl('-n', 'codereview', 'delete', 'service', 'wrong-port'));
    const ip = await get('service', 'wrong-port', '-o', 'jsonpath={.spec.clusterIP}');
    const reset = async () => {
      await cluster.toolbox('curl', '-s', '-m1', 'http://wrong-port/').catch(() => '');
      const { refused = [] } = (await read()).status ?? {};
      return refused.some(
        ({ by, source, destination, port }) =>
          by === 'receiver' && source === podIp && destination === ip && port === 9999,
      );
    };
    await until('the reset is there', reset, 20_000);
  });

  await t.test('requests through an Ingress, by Service and pod', async () => {
    const forwarded = async () => {
      await cluster.toolbox('curl', '-s', '-m2', '-H', 'Host: codereview.local', `http://${nodeIp}/`).catch(() => '');
      const { requests = [] } = (await read()).status ?? {};
      return requests.some(
        ({ ingress, service, endpoint, requests: count }) =>
          ingress.startsWith('codereview/') &&
          service === 'codereview/codereviewapi' &&
          endpoint !== undefined &&
          count > 0,
      );
    };
    await until('the request is there', forwarded, 20_000);
  });

  t.match(await cluster.kubectl('get', 'nodetraffics'), /^NAME +CONNECTIONS +EDGES +STOPPED[\s\S]*^worker-1 +\d+/m);
  const counts = async () => (await cluster.inNode(nodeName, 'sysctl', '-n', accounting)).trim();
  t.equal(await counts(), '1');
  await until('nodes count for readers only', async () => (await counts()) === '0', 30_000);
}
