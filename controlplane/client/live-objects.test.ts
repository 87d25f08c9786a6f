// Single objects are watched while they are used, and not longer.
import t from 'tap';
import { FakeClock } from '../../test/lib/fake-clock';
import { MemoryClient } from '../../test/lib/memory-client';
import { secrets } from '../api/secret';
import { silentLogger } from '../base/logger';
import { LiveObjects } from './live-objects';

t.test('each object is watched by its name, and its users are notified of changes', async (t) => {
  const client = new MemoryClient();
  const live = new LiveObjects({ client, log: silentLogger, clock: new FakeClock() }, secrets);
  t.teardown(() => live.close());
  const { signal } = new AbortController();
  await client.create(secrets, { metadata: { namespace: 'a', name: 'one' }, data: { k: 'djE=' } });
  await live.use('x', ['a/one', 'a/absent'], signal);
  t.equal(live.get('a/one')?.data?.['k'], 'djE=');
  t.equal(live.get('a/absent'), undefined);
  t.ok(
    client.requests.filter((request) => request.startsWith('list secrets')).every((one) => /metadata\.name=/.test(one)),
    'a list of one name only',
  );
  const heard = Promise.withResolvers<string>();
  live.onChange((user) => heard.resolve(user));
  await client.create(secrets, { metadata: { namespace: 'a', name: 'absent' } });
  t.equal(await heard.promise, 'x');
  await live.use('x', [], signal);
  t.ok(live.get('a/one'), 'kept for a while after its last use');
});
