import t from 'tap';
import { type EndpointSlice, endpointSlices } from '../../controlplane/api';
import { silentLogger as log } from '../../controlplane/base/logger';
import { MemoryClient } from '../../test/lib/memory-client';
import { followServers, serversIn } from './follow';

const slice = (addresses: readonly string[], changes: object = {}): EndpointSlice => ({
  metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
  addressType: 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  ports: [{ name: 'https', port: 6443, protocol: 'TCP' }],
  ...changes,
});

t.test('the servers in a slice', async (t) => {
  t.strictSame(serversIn(slice(['192.0.2.1', '192.0.2.2'])), ['192.0.2.1:6443', '192.0.2.2:6443']);
  t.strictSame(serversIn(slice(['2001:db8::1'], { addressType: 'IPv6' })), ['[2001:db8::1]:6443']);
  t.strictSame(serversIn(slice(['192.0.2.1'], { ports: [] })), []);
  t.strictSame(
    serversIn(slice([], { endpoints: [{ addresses: ['192.0.2.1'], conditions: { ready: false } }] })),
    [],
    'not ready',
  );
});

t.test('each list of the slice kubernetes is reported, and no other slice', async (t) => {
  const client = new MemoryClient();
  const abort = new AbortController();
  const lists: (readonly string[])[] = [];
  let heard = Promise.withResolvers<void>();
  const onList = (servers: readonly string[]) => {
    lists.push(servers);
    heard.resolve();
    heard = Promise.withResolvers();
  };
  const next = async (write: Promise<unknown>, expected = heard.promise) => {
    await write;
    await expected;
  };
  const running = followServers({ client, log, onList }, abort.signal);
  await next(client.create(endpointSlices, slice(['192.0.2.1'])));
  const foreign = slice(['192.0.2.66']);
  await client.create(endpointSlices, { ...foreign, metadata: { ...foreign.metadata, name: 'kubernetes-x' } });
  const found = await client.get(endpointSlices, 'default/kubernetes');
  await next(client.update(endpointSlices, { ...found, endpoints: slice(['192.0.2.1', '192.0.2.2']).endpoints }));
  await client.delete(endpointSlices, 'default/kubernetes');
  await next(client.create(endpointSlices, slice(['192.0.2.2'])));
  t.strictSame(lists, [['192.0.2.1:6443'], ['192.0.2.1:6443', '192.0.2.2:6443'], ['192.0.2.2:6443']]);
  abort.abort(new Error('stop'));
  await running;
});
