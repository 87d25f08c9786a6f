import t from 'tap';
import { networkPolicies } from '../../../controlplane/api';
import { AppError } from '../../../controlplane/base/errors';
import { silentLogger } from '../../../controlplane/base/logger';
import { MemoryClient } from '../../../test/lib/memory-client';
import { PolicyPresence } from './policy-presence';

/** Waits until `holds`, while code that needs no timer runs. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

t.test('follows policies as they are created and deleted', async (t) => {
  const client = new MemoryClient();
  const presence = new PolicyPresence({ client, log: silentLogger });
  const stop = new AbortController();
  const running = presence.run(stop.signal);
  t.teardown(async () => {
    stop.abort(new Error('test over'));
    await running;
  });
  t.equal(presence.any, false);
  const metadata = { namespace: 'shop', name: 'p' };
  await client.create(networkPolicies, { metadata });
  await until(() => presence.any);
  await client.create(networkPolicies, { metadata: { ...metadata, name: 'q' } });
  await client.delete(networkPolicies, 'shop/p');
  t.equal(presence.any, true);
  await client.delete(networkPolicies, 'shop/q');
  await until(() => !presence.any);
});

t.test('a node that may not list policies assumes that there are some, and asks no more', async (t) => {
  const client = new MemoryClient();
  client.list = async () => {
    throw new AppError('Forbidden', 'networkpolicies is forbidden');
  };
  const presence = new PolicyPresence({ client, log: silentLogger });
  await presence.run(new AbortController().signal);
  t.equal(presence.any, true);
});
