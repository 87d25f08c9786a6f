// What pages of the console say about objects that are not well: why a pod is not ready, which endpoints a Service has, a Deployment without
// pods in the topology.
import type t from 'tap';
import type { ConsolePage } from './browser';
import { type Cluster, output } from './cluster';

type Test = typeof t;

const namespace = 'console-pages';
const template = (app: string, command: readonly string[]) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image: 'k8ts/toolbox:1.0', command }], terminationGracePeriodSeconds: 1 },
});
const deployment = (name: string, replicas: number, command: readonly string[]) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name, command) },
});
const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] },
});
const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  deployment('crash', 1, ['sh', '-c', 'exit 3']),
  deployment('idle', 0, ['sleep', '1000']),
  service('crash'),
  service('idle'),
];

export async function pagesTests(
  t: Test,
  cluster: Cluster,
  loggedIn: (options?: object) => Promise<ConsolePage>,
): Promise<void> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await output(['kubectl', 'apply', '-f', '-'], { env: cluster.env, input });
  t.teardown(() => cluster.kubectl('delete', 'namespace', namespace, '--wait=false'));

  await t.test('a pod that crashes: its Service, its Deployment, and the pod say why', async (t) => {
    const view = await loggedIn();
    await view.go(`#/api/v1/namespaces/${namespace}/services/crash`);
    await view.see('.facts li', '80/TCP → port of the pod 8080');
    await view.see('.facts li', /not ready 10\.\S+ crash-/);
    t.strictSame(await view.look('service'), []);
    await view.go(`#/apis/apps/v1/namespaces/${namespace}/deployments/crash`);
    await view.see('.facts', 'wanted 1 · ready 0 · up-to-date 1 · available 0');
    await view.see('.facts .tone.bad', 'CrashLoopBackOff');
    await view.click('.facts a', /^crash-/);
    await view.see('.facts .tone.bad', 'CrashLoopBackOff');
    await view.see('.facts li', 'ended before: Error, exit code 3');
    t.strictSame(await view.look('pod-crash'), []);
    await view.click('.tool-links a', 'Show in the topology');
    await view.see('.panel-pods .trouble-text', 'CrashLoopBackOff');
    t.strictSame(view.problems, []);
    await view.close();
  });

  await t.test('a Deployment that is scaled to 0 is drawn, and its Service leads to it', async (t) => {
    const view = await loggedIn();
    await view.go(`#/apis/apps/v1/namespaces/${namespace}/deployments/idle`);
    await view.click('.tool-links a', 'Show in the topology');
    await view.see('.box.workload.chosen .name', 'idle');
    await view.see('.panel', 'It has no pods');
    await view.see('.panel-links li', `Service ${namespace}/idle`);
    // Letters around what is chosen have 11 pixels at least.
    const height = await view.page.evaluate<number>(
      `(() => { const svg = document.querySelector('svg.graph'); return 11 * svg.clientWidth / svg.viewBox.baseVal.width; })()`,
    );
    t.ok(height >= 10.9, `letters of ${height} px`);
    await view.click('.panel-close');
    const lefts = await view.page.evaluate<number[]>(
      `[...document.querySelectorAll('.box.service')].map((box) => Math.round(box.getBoundingClientRect().left))`,
    );
    t.equal(lefts.length, 2);
    t.not(lefts[0], lefts[1], 'parts of the picture without a link between them stand in a row');
    await view.see('.legend li', 'connections begun each second');
    await view.click('.legend button');
    await view.page.reload();
    await view.see('.legend button[aria-expanded=false]');
    t.strictSame(view.problems, []);
    await view.close();
  });

  await t.test('the pages on a phone, dark, in Chinese', async (t) => {
    const phone = { locale: 'zh-CN', colorScheme: 'dark', viewport: { width: 360, height: 740 } };
    const view = await loggedIn(phone);
    const [node = ''] = cluster.plan.nodes.map(({ name }) => name);
    const pages = [
      { name: 'service', hash: `#/api/v1/namespaces/${namespace}/services/crash`, shows: '.facts li' },
      { name: 'deployment', hash: `#/apis/apps/v1/namespaces/${namespace}/deployments/crash`, shows: '.facts .tone' },
      { name: 'node', hash: `#/api/v1/nodes/${node}`, shows: '.facts li' },
      {
        name: 'ingress',
        hash: '#/apis/networking.k8s.io/v1/namespaces/codereview/ingresses/codereview',
        shows: '.facts',
      },
      { name: 'create', hash: `#/create?namespace=${namespace}&kind=pods.`, shows: '.cm-line' },
      { name: 'tour', hash: `#/path?from=node/${node}&to=svc/${namespace}/crash:80&ask=1&tour=99`, shows: '.learned' },
    ];
    for (const { name, hash, shows } of pages) {
      await view.go(hash);
      await view.see(shows);
      t.strictSame(await view.look(`phone-${name}`), [], name);
      t.notOk(await view.isTooWide(), `${name} is as wide as the screen`);
    }
    t.strictSame(view.problems, []);
    await view.close();
  });
}
