// The topology of the console with real traffic: a connection is drawn, a policy's drop turns red with its name, the timeline goes back,
// a rollout shows both generations; and the path of a packet from there, hop by hop.

import { connect } from 'node:net';
import type { Test } from 'tap';
import type { ConsolePage } from './browser';
import { type Cluster, output, until } from './cluster';

const namespace = 'console-traffic';
const client = `workload/${namespace}/Pod/client`;
const service = `service/${namespace}/shop`;

const template = (app: string, image: string, more: object = {}) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image, ...more }], terminationGracePeriodSeconds: 1 },
});
const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'shop', namespace },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'shop' } },
      template: template('shop', 'k8ts/codereviewapi:1.0', {
        ports: [{ containerPort: 8080 }],
        readinessProbe: { httpGet: { path: '/readyz', port: 8080 }, periodSeconds: 1 },
      }),
    },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'shop', namespace },
    spec: { type: 'NodePort', selector: { app: 'shop' }, ports: [{ port: 80, targetPort: 8080 }] },
  },
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'client', namespace, labels: { app: 'client' } },
    spec: template('client', 'k8ts/toolbox:1.0', {
      command: ['sh', '-c', 'while :; do wget -q -O /dev/null -T 1 http://shop/; usleep 200000; done'],
    }).spec,
  },
];
const denyAll = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'deny-all', namespace },
  spec: { podSelector: { matchLabels: { app: 'shop' } }, policyTypes: ['Ingress'] },
};

const allowClient = {
  ...denyAll,
  metadata: { name: 'allow-client', namespace },
  spec: { ...denyAll.spec, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }] },
};

export async function trafficTests(
  t: Test,
  cluster: Cluster,
  loggedIn: (options?: object) => Promise<ConsolePage>,
): Promise<void> {
  const apply = (...list: readonly object[]) =>
    output(['kubectl', 'apply', '-f', '-'], {
      env: cluster.env,
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: list }),
    });
  const kubectl = (...args: readonly string[]) => cluster.kubectl('-n', namespace, ...args);
  await apply(...objects);
  t.teardown(() => cluster.kubectl('delete', 'namespace', namespace, '--wait=false'));
  const busy = (from: string, to: string) => `[data-link="${from} ${to}"][class*="busy-"]`;
  const workload = '.box.workload[data-box*="ReplicaSet/shop-"]';

  await t.test('a connection that a pod makes is drawn, with its rate and its addresses', async (t) => {
    const view = await loggedIn();
    await view.go(`#/topology?namespace=${namespace}`);
    await view.see(busy(client, service));
    await view.see(`[data-link^="${service} workload/"][class*="busy-"]`);
    await view.see(`${workload} .under`, '2/2');
    t.strictSame(await view.look('topology'), []);
    await view.page.locator(busy(client, service)).press('Enter');

    await view.see('.panel .flows code', /tcp 10\.\S+ → 10\.\S+:80 → 10\.\S+:8080/);
    t.strictSame(await view.look('topology-link'), []);
    const address = await cluster.kubectl('-n', namespace, 'get', 'pod', 'client', '-o', 'jsonpath={.status.podIP}');
    await view.press('/');
    await view.page.keyboard.type(address);
    await view.see('.remarks', 'Found: 1');
    await view.press('Enter');
    await view.see('.panel h2', `Pod ${namespace}/client`);
    await view.see('.panel .pod-rate', /↓ [\d.]+ k?B\/s ↑ [\d.]+ k?B\/s/);
    await view.click('.panel-links button', `Service ${namespace}/shop`);
    await view.page.locator('.panel h2 button').last().click();
    await view.click('.panel a', 'Rules behind it');
    await view.see('.verdict.good');
    await view.click('.hop summary', 'output');
    await view.see('.hop-rule', `Service ${namespace}/shop`);
    t.strictSame(view.problems, []);
    await view.close();
  });

  await t.test('what a policy stops turns red with its name; the timeline goes back before it', async (t) => {
    const view = await loggedIn();
    await view.go(`#/topology?namespace=${namespace}`);
    await view.see(busy(client, service));
    // What lasts already when the page begins to look has no beginning: nodes have to say twice what they stop.
    const line = "document.querySelector('.timeline input')";
    await until('the page has looked for ten seconds', () =>
      view.page.evaluate<boolean>(`${line} && ${line}.max - ${line}.min >= 10_000`),
    );
    await apply(denyAll);
    await view.see('.box.stopping .stop-text', 'deny-all');
    await view.see('.timeline-marks .lasting.stopped');
    await view.see('.timeline-marks .change.stopBegan');
    await view.see('.graph .refused-text', /\/s/);
    await view.click('.refused-now button');
    await view.see('.refused-now th', 'Last seen');
    await view.see('.refused-now tr', /client 10\..*shop tcp 10\.\S+:8080.*deny-all \(ingress\)/);
    t.strictSame(await view.look('topology-stopped'), []);
    await view.click(workload);
    await view.see('.panel-stops .active', `NetworkPolicy ${namespace}/deny-all`);
    await view.see('.panel-stops .rule', /drop/);
    await view.page.focus('.timeline input');
    await view.press('Home');
    await view.find('.box.stopping').waitFor({ state: 'detached' });
    await view.see('.timeline-time', /\d:\d/);
    await view.click('.timeline button', 'Live');
    await view.see('.box.stopping');
    await view.click('.timeline button[aria-label="To the change before"]');
    await view.see('.timeline-change', `NetworkPolicy ${namespace}/deny-all: packets are stopped from now on`);
    await view.click('.timeline button', 'Live');
    // A client from outside reaches the pods through a port of a node that none of them may be on: it is named, not that node.
    const port = Number(await kubectl('get', 'service', 'shop', '-o', 'jsonpath={.spec.ports[0].nodePort}'));
    await until('a drop names the client', async () => {
      await Promise.all(cluster.nodeIps.map((address) => connects(address, port)));
      return (await view.page.locator('.refused-now tr', { hasText: /Outside.*seen as.*called as/ }).count()) > 0;
    });
    t.strictSame(view.problems, []);
    await view.close();
  });

  await t.test('the path between two things, hop by hop, and as a tour', async (t) => {
    const view = await loggedIn();
    await view.go(`#/topology?namespace=${namespace}`);
    await view.page.locator(`[data-link="${client} ${service}"]`).press('Enter');
    await view.click('.panel a', 'Show the path of a packet');
    await view.see('.verdict.bad', 'deny-all');
    await view.see('.hop.guilty .hop-fault', /IngressPolicy/);
    await view.see('.verdict code', 'kubectl edit networkpolicy');
    t.strictSame(await view.look('path'), []);
    await view.click('.what-if summary');
    await view.page.fill('.what-if-text', JSON.stringify(allowClient));
    await view.click('form button', 'Show the path');
    await view.see('.what-if-result .verdict.good', 'It arrives');
    await view.see('.what-if-result', 'NetworkPolicy console-traffic/allow-client: created');
    t.strictSame(await view.look('what-if'), []);
    await view.page.fill('.what-if-text', '');
    await cluster.kubectl('-n', namespace, 'delete', 'networkpolicy', 'deny-all');
    await view.click('form button', 'Show the path');
    await view.see('.verdict.good', 'It arrives');
    await view.see('.leg.answer');
    const hops = await view.page.locator('.hop').count();
    await view.click('.quiet-hops button', 'only pass it on');
    t.ok((await view.page.locator('.hop').count()) > hops);
    await view.click('button', /Show all \d+ hops/);
    await view.find('.quiet-hops').waitFor({ state: 'detached' });
    await view.click('button', 'Tour');
    await view.see('.tour', /Step 1 of \d\d/);
    await view.press('ArrowRight', 'ArrowRight');
    await view.see('.tour', /Step 3 of \d\d/);
    t.strictSame(await view.look('tour'), []);
    await view.click('.tour-chapters button', 'The container');
    await view.see('.tour h2', /port 8080|eth0|neighbour|postrouting/);
    await view.see('.tour-chapters [aria-current=step]', 'The container');
    await view.click('.tour-chapters button', 'What you have seen');
    await view.see('.learned li', 'The address of the Service belongs to no machine');
    await view.see('.learned li', 'Under “What if” try a NetworkPolicy');
    t.strictSame(await view.look('tour-end'), []);
    await view.click('.tour button', 'End the tour');
    await view.see('.hops');
    await view.page.reload();
    await view.see('.verdict', 'No packet was sent');
    await view.click('form button', 'Show the path');
    await view.see('.verdict.good', 'a probe arrived');
    t.strictSame(view.problems, []);
    await view.close();
  });

  await t.test('a rollout: old and new pods are boxes of their own', async (t) => {
    const view = await loggedIn({ locale: 'zh-CN', colorScheme: 'dark', viewport: { width: 390, height: 844 } });
    await cluster.kubectl('-n', namespace, 'set', 'image', 'deployment/shop', 'c=k8ts/toolbox:none');
    await view.go(`#/topology?namespace=${namespace}`);
    await view.see('.box.older', 'shop');
    await view.see('.timeline-marks .lasting.rollout');
    await view.click('.box.workload:not(.older)[data-box*="ReplicaSet/shop-"]');
    await view.see('.panel', '版本 2，新');
    t.strictSame(await view.look('phone-topology'), []);
    t.notOk(await view.isTooWide());
    t.strictSame(view.problems, []);
    await view.close();
  });
}

/** One try of a client on this machine, which is outside of the cluster; true when it is accepted. */
function connects(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 1_000 });
    const end = (isOpen: boolean) => {
      socket.destroy();
      resolve(isOpen);
    };
    socket
      .once('connect', () => end(true))
      .once('timeout', () => end(false))
      .once('error', () => end(false));
  });
}
