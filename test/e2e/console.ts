// The console as a person uses it: login by link, lists, an object, editing, logs, a terminal, deleting; by keyboard, in the dark, in
// Chinese, on a phone. axe checks each view; the screenshots stay in .k8ts/test/console.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import type { Browser } from 'playwright-core';
import type t from 'tap';
import { processStatus } from '../../hack/dev/supervisor-control';
import { ConsolePage, openBrowser } from './browser';
import { type Cluster, output, until } from './cluster';
import { editTests } from './console-edit';
import { loginLink, serverOf } from './console-link';
import { pagesTests } from './console-pages';
import { rightsTests } from './console-rights';
import { trafficTests } from './console-traffic';

type Test = typeof t;

const maxFirstLoadBytes = 400_000;
const manyObjects = 3_000;

export function consoleTests(t: Test, cluster: Cluster): void {
  let browser: Browser;
  t.before(async () => {
    browser = await openBrowser();
  });
  t.teardown(() => browser.close());
  const opened = (options = {}) => ConsolePage.open(browser, { server: serverOf(cluster), ...options });
  const loggedIn = async (options = {}) => {
    const view = await opened(options);
    await view.page.goto(await loginLink(cluster));
    await view.see('.grid-row a');
    return view;
  };

  t.test('login by link: the first load is small, the code leaves the address', async (t) => {
    const view = await opened();
    const files: string[] = [];
    view.page.on('response', (response) => void (response.url().includes('/console/') && files.push(response.url())));
    await view.go('');
    await view.see('h1', 'Log in');
    t.strictSame(await view.look('login'), []);
    const link = await loginLink(cluster);
    await view.page.goto('about:blank');
    await view.page.goto(link);
    await view.see('.grid-row a', 'toolbox');
    t.notMatch(view.page.url(), /code/);
    t.strictSame(await view.look('pods'), []);
    const sizes = await Promise.all([...new Set(files)].map(gzippedBytes));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    t.comment(`first load: ${total} bytes gzipped in ${sizes.length} files`);
    t.ok(total > 0 && total < maxFirstLoadBytes, `${total} bytes`);
    await view.click('.account summary');
    await view.see('.account-menu', 'kubernetes-admin');
    await view.click('button', 'Log out');
    await view.see('.problem', 'You have logged out.');
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('lists: namespace, filter, order, keys, and rows that change', async (t) => {
    const view = await loggedIn();
    await view.page.selectOption('select.namespace', 'codereview');
    await view.see('.grid-row a', 'toolbox');
    await view.press('/');
    await view.page.keyboard.type('toolbox running');
    await view.see('.muted', /Objects: 1 of \d/);
    await view.press('Escape', 'ArrowDown', 'ArrowDown', 'Enter');
    await view.see('h1', 'toolbox');
    await view.press('Escape');
    await view.see('.grid');
    await view.press('g', 'd');
    await view.see('h1', 'Deployments');
    await cluster.kubectl('-n', 'codereview', 'create', 'configmap', 'seen-at-once');
    await view.press('g', 'c');
    await view.see('.grid-row a', 'seen-at-once');
    await cluster.kubectl('-n', 'codereview', 'delete', 'configmap', 'seen-at-once');
    await view.find('.grid-row a', 'seen-at-once').waitFor({ state: 'detached' });
    await view.click('.grid-head button', 'Age');
    await view.see('[aria-sort="ascending"]', 'Age');
    await view.press('?');
    await view.see('dialog', 'Go to pods');
    t.strictSame(await view.look('help'), []);
    await view.click('dialog button', 'Close');
    t.equal(await view.page.locator('dialog').count(), 0);
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('an address that names no view says so, and leads on', async (t) => {
    const view = await loggedIn();
    await view.go('#/no/such/view');
    await view.see('.notice', 'This address names no view: #/no/such/view');
    t.strictSame(await view.look('unknown-address'), []);
    await view.click('.notice a', 'Path');
    await view.see('h1', 'Path');
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('a view has one watch, and a page that lost its server finds it again', async (t) => {
    const view = await loggedIn({ provoked: /net::ERR_/ });
    const open = (count: number) => until(`${count} watches are open`, async () => view.watches.size === count);
    await open(1);
    await view.press('g', 's');
    await view.see('h1', 'Services');
    await open(1);
    const server = (await processStatus(cluster.plan.runDir)).find((process) => process.name === 'server')!;
    process.kill(server.pid!, 'SIGKILL');
    await view.see('.live', 'Connecting again');
    const create = ['-n', 'codereview', 'create', 'service', 'clusterip', 'made-meanwhile', '--tcp=80'];
    await until('the server is back', async () => (await cluster.kubectl(...create)) !== '');
    await view.see('.grid-row a', 'made-meanwhile');
    await view.see('.live', 'Live');
    await view.click('.grid-row a', 'made-meanwhile');
    await view.see('.facts');
    await open(1);
    await cluster.kubectl('-n', 'codereview', 'delete', 'service', 'made-meanwhile');
    await view.see('.gone');
    await view.click('.account summary');
    await view.click('button', 'Log out');
    await open(0);
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('a page that is hidden for a minute watches nothing until it is in view', async (t) => {
    const view = await opened();
    await view.page.clock.install();
    await view.page.goto(await loginLink(cluster));
    await view.see('.grid-row a');
    const show = (state: string) =>
      view.page.evaluate(`
        Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));`);
    const open = (count: number) => until(`${count} watches are open`, async () => view.watches.size === count);
    await open(1);
    await show('hidden');
    await view.page.clock.fastForward(50_000);
    t.equal(view.watches.size, 1, 'a short look at another page costs nothing');
    await view.page.clock.fastForward(20_000);
    await open(0);
    await show('visible');
    await open(1);
    await view.see('.live', 'Live');
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('3,000 objects: few rows are in the document, and scrolling shows them all', async (t) => {
    await manyConfigMaps(cluster);
    const view = await loggedIn();
    await view.go('#/api/v1/namespaces/console-many/configmaps');
    await view.see('.muted', `Objects: ${manyObjects + 1}`);
    t.ok((await view.page.locator('.grid-body .grid-row').count()) < 100);
    await view.page.focus('.grid');
    await view.press('End');
    // The last one in the order of texts.
    await view.see('.grid-row.active a', 'many-999');
    await cluster.kubectl('delete', 'namespace', 'console-many', '--wait=false');
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('logs and a terminal', async (t) => {
    const view = await loggedIn();
    await view.go('#/apis/apps/v1/namespaces/codereview/deployments/codereviewapi');
    await view.click('a', 'Show the pods');
    await view.see('.selector', 'app=codereviewapi');
    await view.click('.grid-row a', 'codereviewapi');
    await view.see('.copyable code', 'port-forward pod/codereviewapi');
    t.strictSame(await view.look('pod'), []);
    await view.click('.tabs a', 'Logs');
    await view.see('.log', /\S/);
    t.strictSame(await view.look('logs'), []);
    await view.go('#/api/v1/namespaces/codereview/pods/toolbox?tab=exec');
    await view.click('button', 'Connect');
    await view.see('.xterm-rows', '#');
    await view.page.keyboard.type('echo $((6 * 7))-answer; stty size\n');
    await view.see('.xterm-rows', '42-answer');
    await view.see('.xterm-rows', /\d{2,} \d{2,}/);
    // A colour of 24 bits is a style that xterm.js sets by an attribute.
    await view.page.keyboard.type("printf '\\033[38;2;10;200;30mgreen\\033[0m\\n'\n");
    await until('the terminal shows the colour', () =>
      view.page.evaluate<boolean>(
        `[...document.querySelectorAll('.xterm-rows span')].some((span) => getComputedStyle(span).color === 'rgb(10, 200, 30)')`,
      ),
    );
    t.strictSame(await view.look('terminal'), []);
    await view.page.keyboard.type('A=still-here\n');
    await view.click('.tabs a', 'Events');
    await view.see('.tabs .running');
    await view.click('.brand');
    await view.see('dialog[open]', 'A shell is open in the terminal.');
    await view.click('dialog button', 'Stay');
    await view.click('.tabs a', 'Terminal');
    await view.see('.xterm-rows', 'still-here');
    await view.page.keyboard.type('echo $A-yes\n');
    await view.see('.xterm-rows', 'still-here-yes');
    await view.page.keyboard.type('exit\n');
    await view.see('.toolbar', 'The shell has ended.');
    t.strictSame(view.problems, [], 'also the styles of the terminal keep to the policy');
    await view.close();
  });

  t.test('changes', async (t) => editTests(t as never, cluster, loggedIn));
  t.test('pages', async (t) => pagesTests(t as never, cluster, loggedIn));
  t.test('topology and path', async (t) => trafficTests(t as never, cluster, loggedIn));
  t.test('rights', async (t) => rightsTests(t as never, cluster, opened));

  t.test('dark, in Chinese, and on a phone', async (t) => {
    const view = await loggedIn({ locale: 'zh-CN', colorScheme: 'dark', viewport: { width: 390, height: 844 } });
    await view.see('.live', '实时');
    t.equal(await view.page.getAttribute('html', 'lang'), 'zh-Hans');
    const dark = await view.page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
    t.strictSame(await view.look('phone-pods'), []);
    t.notOk(await view.isTooWide());
    await view.click('.menu-button');
    t.strictSame(await view.look('phone-menu'), []);
    await view.click('.navigation a', 'Services');
    await view.see('h1', 'Services');
    await view.go('#/api/v1/namespaces/codereview/pods/toolbox');
    await view.see('.facts', 'toolbox');
    t.strictSame(await view.look('phone-pod'), []);
    t.notOk(await view.isTooWide());
    await view.click('.account summary');
    await view.page.selectOption('select[name=theme]', 'light');
    await view.page.selectOption('select[name=language]', 'en');
    await view.see('.tabs a', 'Summary');
    t.not(await view.page.evaluate<string>('getComputedStyle(document.body).backgroundColor'), dark);
    t.strictSame(await view.look('phone-account'), []);
    t.strictSame(view.problems, []);
    await view.close();
  });
}

/** One request creates them all: kubectl would send one for each. */
async function manyConfigMaps(cluster: Cluster): Promise<void> {
  const names = Array.from({ length: manyObjects }, (_, i) => `many-${i}`);
  const objects = names.map((name) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'console-many', labels: { app: 'many' } },
  }));
  await cluster.kubectl('create', 'namespace', 'console-many');
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await output(['kubectl', 'create', '-f', '-'], { env: cluster.env, input: list });
}

async function gzippedBytes(url: string): Promise<number> {
  // The cluster's own authority signs the certificate.
  const request = get(url, { rejectUnauthorized: false, headers: { 'accept-encoding': 'gzip' } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let size = 0;
  for await (const chunk of response) size += (chunk as Buffer).length;
  return size;
}
