// Lists of a revision that the store has compacted: what the answer says, and how a paged list goes on.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { openStore } from '../../store/open';

const cms = '/api/v1/namespaces/default/configmaps';

t.test('a list after a compaction', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const server = await startApiServer({ store });
  t.teardown(() => server.close());
  const create = (name: string) => server.call('POST', cms, { body: { metadata: { name } } });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);
  const first = (await server.call('GET', `${cms}?limit=2`)).json;
  await server.call('DELETE', `${cms}/d`);
  await create('c2');
  const kept = (await server.call('GET', cms)).json.metadata.resourceVersion;
  await store.compact(Number(kept));

  const exact = `resourceVersion=${first.metadata.resourceVersion}&resourceVersionMatch=Exact`;
  t.match((await server.call('GET', `${cms}?${exact}`)).json, {
    code: 410,
    reason: 'Expired',
    message: 'The resourceVersion for the provided list is too old.',
  });
  const { json: expired } = await server.call('GET', `${cms}?limit=2&continue=${first.metadata.continue}`);
  t.match(expired, {
    kind: 'Status',
    code: 410,
    reason: 'Expired',
    message:
      /^The provided continue parameter is too old .* You can start a new list without .* may show up in the list\.$/,
  });
  const names: string[] = [];
  let token: string | undefined = expired.metadata.continue;
  while (token) {
    const { json } = await server.call('GET', `${cms}?limit=2&continue=${token}`);
    names.push(...json.items.map((item: { metadata: { name: string } }) => item.metadata.name));
    t.equal(json.metadata.resourceVersion, kept, 'all further pages have the newest revision');
    token = json.metadata.continue;
  }
  t.same(names, ['c', 'c2', 'e']);
});
