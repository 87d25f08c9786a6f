// Custom kinds after a restart, and on two API servers of one store.
import t, { type Test } from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import {
  condition,
  define,
  definition,
  definitionsPath,
  established,
  reached,
  version,
} from '../../../test/lib/custom-definitions';
import { openStore } from '../../store/open';
import type { Store } from '../../store/store';

const path = '/apis/stable.example.com/v1/namespaces/default/crontabs';
const name = 'crontabs.stable.example.com';

const crontab = (of: string) => ({
  apiVersion: 'stable.example.com/v1',
  kind: 'CronTab',
  metadata: { name: of },
  spec: { cronSpec: '* *' },
});

async function memory(t: Test): Promise<Store> {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  return store;
}

t.test('a server serves the kinds of all definitions from its first request on', async (t) => {
  const store = await memory(t);
  const first = await startApiServer({ store });
  await define(first, definition('crontabs', 'CronTab'));
  t.equal((await first.call('POST', path, { body: crontab('a') })).status, 201);
  await first.close();
  const second = await startApiServer({ store });
  t.teardown(() => second.close());
  t.match((await second.call('GET', `${path}/a`)).json, { spec: { cronSpec: '* *' } });
  t.match((await second.call('GET', `${definitionsPath}/${name}`)).json, {
    status: { conditions: [{ type: 'NamesAccepted' }, { type: 'Established', status: 'True' }] },
  });
});

/** Resolves when the server has seen that the definition is deleted. */
async function forgotten(server: TestServer): Promise<void> {
  const watch = await server.watch(`${definitionsPath}?watch=true`);
  const { json } = await server.call('GET', definitionsPath);
  if (json.items.length > 0) for (let event = await watch.next(); event.type !== 'DELETED'; event = await watch.next());
  watch.close();
}

t.test('two servers serve the same kinds', async (t) => {
  const store = await memory(t);
  const one = await startApiServer({ store });
  t.teardown(() => one.close());
  const two = await startApiServer({ store });
  t.teardown(() => two.close());
  await define(one, definition('crontabs', 'CronTab'));
  await reached(two, name, established);
  t.equal((await two.call('POST', path, { body: crontab('a') })).status, 201, 'served where it was not created');

  const rival = definition('others', 'CronTab');
  t.equal((await two.call('POST', definitionsPath, { body: rival })).status, 201);
  await reached(one, rival.metadata.name, condition('NamesAccepted', 'False'));
  t.equal((await two.call('DELETE', `${definitionsPath}/${rival.metadata.name}`)).status, 200);

  const watch = await one.watch('/apis/stable.example.com/v1/crontabs?watch=true');
  t.match(await watch.next(), { type: 'ADDED', object: { metadata: { name: 'a' } } });
  t.equal((await two.call('DELETE', `${definitionsPath}/${name}`)).status, 200);
  t.match(await watch.next(), { type: 'DELETED', object: { metadata: { name: 'a' } } });
  await watch.ended;
  const after = await Promise.race([watch.next(), new Promise((resolve) => setImmediate(resolve, 'nothing'))]);
  t.equal(after, 'nothing', 'no error: the watch ends as after a timeout');
  await Promise.all([forgotten(one), forgotten(two)]);
  t.equal((await one.call('GET', path)).status, 404);
  t.equal((await two.call('GET', path)).status, 404);
  await define(two, definition('crontabs', 'CronTab', { versions: [version('v1')] }));
  await reached(one, name, established);
  t.same((await one.call('GET', path)).json.items, [], 'no object came back');
});
