// What the console shows to a user who may do little: refusals in plain words, buttons that say why, and the way back to the login.
import type t from 'tap';
import type { ConsolePage } from './browser';
import { type Cluster, output } from './cluster';
import { loginLink } from './console-link';

type Test = typeof t;

/** The browser reports each refused request; here they are what is tested. */
const provoked = /status of 40[13]/;

export function rightsTests(t: Test, cluster: Cluster, opened: (options?: object) => Promise<ConsolePage>): void {
  t.test('a user who may view one namespace', async (t) => {
    await cluster.kubectl(
      '-n',
      'codereview',
      'create',
      'rolebinding',
      'console-viewer',
      '--clusterrole=view',
      '--user=viewer',
    );
    t.teardown(() => cluster.kubectl('-n', 'codereview', 'delete', 'rolebinding', 'console-viewer'));
    const view = await opened({ provoked });
    await view.page.goto(await loginLink(cluster, '--as', 'viewer'));
    await view.see('.notice', 'Your user may not list pods in all namespaces.');
    t.strictSame(await view.look('forbidden'), []);
    await view.page.fill('input.namespace', 'codereview');
    await view.press('Enter');
    await view.see('.grid-row a', 'toolbox');
    t.equal(await view.page.locator('.view-head a', { hasText: 'Create' }).count(), 0, 'no right, no button');
    await view.click('.grid-row a', 'toolbox');
    const remove = view.find('.actions button', 'Delete');
    await view.see('.actions button[aria-disabled=true]', 'Your user may not do this.');
    // The driver waits for buttons to be enabled; a person does not.
    await remove.click({ force: true });
    t.equal(await view.page.locator('dialog').count(), 0, 'the button does nothing');
    await view.click('.tabs a', 'Terminal');
    await view.see('.toolbar button[aria-disabled=true]', 'Connect');
    t.strictSame(await view.look('viewer'), []);
    await view.click('.tabs a', 'Logs');
    await view.see('.log');
    await view.go('#/api/v1/namespaces/codereview/secrets');
    await view.see('.notice', 'Your user may not list secrets in namespace codereview.');
    t.strictSame(view.problems, []);
    await view.close();
  });

  t.test('by a token of a ServiceAccount; a wrong one, and one that ends', async (t) => {
    const view = await opened({ provoked });
    await view.go('');
    await view.page.fill('#token', 'wrong');
    await view.click('button', 'Log in');
    await view.see('.problem', 'The server does not accept this token.');
    t.strictSame(await view.look('login-refused'), []);
    await cluster.kubectl('-n', 'codereview', 'create', 'serviceaccount', 'console-robot');
    const argv = ['kubectl', '-n', 'codereview', 'create', 'token', 'console-robot'];
    await view.page.fill('#token', (await output(argv, { env: cluster.env })).trim());
    await view.click('button', 'Log in');
    await view.see('.account', 'system:serviceaccount:codereview:console-robot');
    // The token ends with its account.
    await cluster.kubectl('-n', 'codereview', 'delete', 'serviceaccount', 'console-robot');
    await view.click('.navigation a', 'Services');
    await view.see('.problem', 'Your login has ended');
    await view.page.goto('about:blank');
    await view.page.goto(`${await loginLink(cluster)}x`);
    await view.see('.problem', 'The link is no longer valid');
    t.strictSame(view.problems, []);
    await view.close();
  });
}
