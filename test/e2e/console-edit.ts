// Changes in the console: edit with a dry run and a difference, a conflict, scale, restart, delete after a confirmation.
import type t from 'tap';
import type { ConsolePage } from './browser';
import { type Cluster, until } from './cluster';

type Test = typeof t;

const configMap = '#/api/v1/namespaces/codereview/configmaps/console-edit';

export function editTests(t: Test, cluster: Cluster, loggedIn: (options?: object) => Promise<ConsolePage>): void {
  const kubectl = (...args: readonly string[]) => cluster.kubectl('-n', 'codereview', ...args);
  t.before(() => kubectl('create', 'configmap', 'console-edit', '--from-literal=word=first'));

  t.test('YAML is edited, checked, compared and saved', async (t) => {
    const view = await loggedIn({ provoked: /status of 4(?:00|09)/ });
    await view.go(`${configMap}?tab=yaml`);
    await view.see('.yaml', 'word: first');
    t.strictSame(await view.look('yaml'), []);
    await view.click('button', 'Edit');
    await changeWord(view, 'first', 'second');
    t.strictSame(await view.look('edit'), []);
    // The text stays while another tab is looked at.
    await view.click('.tabs a', 'Summary');
    await view.click('.tabs a', 'YAML');
    await view.see('.cm-line', 'word: second');
    await view.click('button', 'Review the changes');
    await view.see('.diff .removed', 'word: first');
    await view.see('.diff .added', 'word: second');
    t.strictSame(await view.look('diff'), []);
    t.equal(await kubectl('get', 'configmap', 'console-edit', '-o', 'jsonpath={.data.word}'), 'first', 'not yet');
    await view.click('button', 'Save');
    await view.see('.message', 'ConfigMap console-edit is saved.');
    await view.see('.yaml', 'word: second');
    t.equal(await kubectl('get', 'configmap', 'console-edit', '-o', 'jsonpath={.data.word}'), 'second');

    await t.test('a text that the server refuses', async (t) => {
      await view.click('button', 'Edit');
      await changeWord(view, 'second', '[');
      await view.click('button', 'Review the changes');
      await view.see('.problem', 'The server refuses this text');
      t.strictSame(await view.look('refused'), []);
      await view.click('button', 'Discard');
      await view.see('.yaml', 'word: second');
    });

    await t.test('a change of another user is shown, and not overwritten', async (t) => {
      await view.click('button', 'Edit');
      await changeWord(view, 'second', 'third');
      await kubectl('annotate', 'configmap', 'console-edit', 'other=change');
      await view.click('button', 'Review the changes');
      await view.see('[role=alert]', 'Another user or a controller has changed it');
      await view.see('.diff .added', 'other: change');
      t.strictSame(await view.look('conflict'), []);
      await view.click('button', 'Start again from the new object');
      await changeWord(view, 'second', 'third');
      await view.click('button', 'Review the changes');
      await view.click('button', 'Save');
      await view.see('.yaml', 'word: third');
      const annotation = 'jsonpath={.metadata.annotations.other}';
      t.equal(await kubectl('get', 'configmap', 'console-edit', '-o', annotation), 'change');
    });
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('objects are created from YAML, after the server has checked each document', async (t) => {
    const view = await loggedIn({ provoked: /status of 4(?:00|04|22)/ });
    await view.go('#/api/v1/namespaces/codereview/configmaps');
    await view.click('.view-head a', 'Create');
    await view.see('.cm-line', 'kind: ConfigMap');
    t.strictSame(await view.look('create'), []);
    await write(view, ['kind: ConfigMap', 'apiVersion: v1', 'metadata: {name: console-made}', '---', 'kind: [']);
    await view.click('button', 'Check');
    await view.see('.documents li', /Document 1, line 1: ConfigMap codereview\/console-made.*would be created/);
    await view.see('.documents .problem', 'no apiVersion');
    await write(view, [
      ...['apiVersion: v1', 'kind: Namespace', 'metadata: {name: console-made}', '---'],
      ...['apiVersion: v1', 'kind: ConfigMap', 'metadata: {name: made, namespace: console-made}', 'data: {word: one}'],
    ]);
    await view.click('button', 'Check');
    await view.see('.documents li', 'its namespace is created by the same text');
    t.strictSame(await view.look('create-checked'), []);
    await t.rejects(cluster.kubectl('get', 'namespace', 'console-made'), 'nothing is stored yet');
    await view.click('.buttons button', 'Create');
    await view.see('.message', 'Created: 2');
    await view.click('.documents a', 'ConfigMap console-made/made');
    await view.see('h1', 'made');
    await cluster.kubectl('delete', 'namespace', 'console-made', '--wait=false');
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('a text that is not saved is lost after a question alone', async (t) => {
    const view = await loggedIn();
    await view.go('#/api/v1/namespaces/codereview/configmaps');
    await view.click('.grid-row a', 'console-edit');
    await view.click('button', 'Edit');
    await write(view, ['word: third']);
    await view.press('Control+f');
    await view.page.fill('.cm-search input[name=search]', 'third');
    await view.page.fill('.cm-search input[name=replace]', 'another');
    t.strictSame(await view.look('edit-search'), []);
    await view.click('.cm-search button[name=replaceAll]');
    await view.see('.cm-line', 'word: another');
    await view.click('.cm-search button[name=close]');
    await view.click('.navigation a', 'Services');
    await view.see('dialog[open]', 'There are changes that are not saved.');
    t.strictSame(await view.look('leave'), []);
    await view.click('dialog button', 'Stay');
    await view.see('.cm-line', 'word: another');
    // Back in the history leads to the tab before, of the same object; one step further is another view.
    await view.page.goBack();
    await view.see('.facts');
    await view.page.evaluate('history.back()');
    await view.see('dialog[open]', 'not saved');
    await view.press('Escape');
    await view.find('dialog').waitFor({ state: 'detached' });
    await view.page.goForward();
    await view.see('.cm-line', 'word: another');
    const asked = view.page.waitForEvent('dialog');
    void view.page.close({ runBeforeUnload: true });
    const question = await asked;
    t.equal(question.type(), 'beforeunload');
    await question.dismiss();
    await view.click('.navigation a', 'Services');
    await view.click('dialog button', 'Leave');
    await view.see('h1', 'Services');
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('scale and restart', async (t) => {
    const view = await loggedIn();
    await view.go('#/apis/apps/v1/namespaces/codereview/deployments/codereviewapi');
    await view.click('.actions button', 'Scale');
    await view.page.fill('input[name=replicas]', '2');
    t.strictSame(await view.look('scale'), []);
    await view.click('dialog button', 'Scale');
    await view.see('.message', 'has 2 replicas now');
    await view.see('.facts', 'wanted 2 · ready 2 ·');
    await view.click('.actions button', 'Restart');
    await view.click('dialog button', 'Restart');
    await view.see('.message', 'replaces its pods');
    const path = 'jsonpath={.spec.template.metadata.annotations}';
    t.match(await kubectl('get', 'deployment', 'codereviewapi', '-o', path), 'kubectl.kubernetes.io/restartedAt');
    await kubectl('scale', 'deployment/codereviewapi', '--replicas=3');
    await kubectl('rollout', 'status', 'deployment/codereviewapi', '--timeout=60s');
    await view.click('.tabs a', 'Events');
    await view.see('td', 'ScalingReplicaSet');
    t.strictSame(await view.look('events'), []);
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('delete asks first, and for a namespace wants its name', async (t) => {
    const view = await loggedIn();
    await view.go(configMap);
    await view.click('.actions button', 'Delete');
    t.strictSame(await view.look('delete'), []);
    await view.click('dialog button', 'Cancel');
    t.match(await kubectl('get', 'configmap', 'console-edit', '-o', 'name'), 'console-edit');
    await view.click('.actions button', 'Delete');
    await view.click('dialog button', 'Delete');
    await view.see('.gone', 'This object has been deleted.');
    await t.rejects(kubectl('get', 'configmap', 'console-edit'), { message: /NotFound|not found/ });
    await cluster.kubectl('create', 'namespace', 'console-delete');
    await view.go('#/api/v1/namespaces/console-delete');
    await view.click('.actions button', 'Delete');
    const button = view.find('dialog button', 'Delete');
    t.ok(await button.isDisabled());
    await view.page.fill('input[name=typed-name]', 'console-delete');
    await button.click();
    await until('the namespace is gone', async () => {
      const names = await cluster.kubectl('get', 'namespaces', '-o', 'name');
      return !names.includes('console-delete');
    });
    t.strictSame(view.problems, []);
    await view.close();
  });
}

/** Writes another text over that of the editor. A line after an indented one would be indented, too. */
async function write(view: ConsolePage, lines: readonly string[]): Promise<void> {
  await view.click('.cm-content');
  await view.press('Control+a');
  await view.page.keyboard.insertText(lines.join('\n'));
}

/** Selects the value in the editor as a person does, and types another one. */
async function changeWord(view: ConsolePage, before: string, after: string): Promise<void> {
  await view.find('.cm-line', `word: ${before}`).getByText(before, { exact: false }).last().dblclick();
  await view.see('.cm-line', `word: ${before}`);
  await view.press('End', ...Array.from(before, () => 'Backspace'));
  await view.page.keyboard.type(after);
}
