// Two servers on one store: what a client has learned from one of them holds at the other one at once.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { define, definition, definitionsPath } from '../../../test/lib/custom-definitions';
import { laggingStore } from '../../../test/lib/lagging-store';
import { openStore } from '../../store/open';

t.setTimeout(120_000);

t.test('a definition that one server serves is served by the other one', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const open = () => startApiServer({ store: laggingStore(store) });
  const servers = [await open(), await open()] as const;
  t.teardown(() => Promise.all(servers.map((server) => server.close())));
  for (let i = 0; i < 6; i++) {
    const [here, there] = i % 2 === 0 ? servers : ([servers[1], servers[0]] as const);
    const plural = `things${i}`;
    await define(here, definition(plural, `Thing${i}`));
    const path = `/apis/stable.example.com/v1/namespaces/default/${plural}`;
    const body = { apiVersion: 'stable.example.com/v1', kind: `Thing${i}`, metadata: { name: 'a' } };
    t.match(await there.call('POST', path, { body }), { status: 201 }, 'a resource');
    t.match(await here.call('GET', `${path}/a`), { status: 200 });
    const next = `more${i}`;
    await define(here, definition(next, `More${i}`));
    const { json } = await there.call('GET', '/apis/stable.example.com/v1');
    const names = json.resources.map(({ name }: { readonly name: string }) => name);
    t.ok(names.includes(next), 'discovery');
    await there.call('DELETE', `${definitionsPath}/${next}.stable.example.com`);
    t.match(
      await here.call('GET', `/apis/stable.example.com/v1/${next}`),
      { status: 404 },
      'a deleted definition is served no more',
    );
  }
});
