import t from 'tap';
import { networkPolicies } from '../../controlplane/api/network-policy';
import { services } from '../../controlplane/api/service';
import type { LocatedHop } from '../../controlplane/base/path-report';
import { MemoryClient } from '../../test/lib/memory-client';
import { ClusterReader } from './cluster';
import { changedAt, withSince } from './since';

const rule = (...objects: string[]) => ({ place: 'nat X:1', rule: '-j Y', verdict: 'jump', objects });
const hop: LocatedHop = {
  kind: 'hook',
  name: 'forward',
  state: 'passes',
  facts: [],
  leg: 'request',
  rules: [
    rule('Service shop/web:http -> 10.0.0.1:80'),
    rule('NetworkPolicy shop/a', 'NetworkPolicy shop/b ingress[0]'),
    rule('NetworkPolicy shop/gone'),
    rule(),
  ],
};

t.test('a rule is as it is since its newest object was changed', async (t) => {
  const client = new MemoryClient();
  const made = (name: string, creationTimestamp: string) => ({
    metadata: { namespace: 'shop', name, creationTimestamp },
  });
  await client.create(services, made('web', '2026-01-01T00:00:00Z') as never);
  await client.create(networkPolicies, made('a', '2026-01-03T00:00:00Z') as never);
  await client.create(networkPolicies, made('b', '2026-01-02T00:00:00Z') as never);
  const [dated] = await withSince([hop], new ClusterReader(client));
  t.strictSame(
    dated?.rules?.map(({ since }) => since),
    ['2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z', undefined, undefined],
  );
});

t.test('a caller who may not read the objects gets the path without times', async (t) => {
  const client = new MemoryClient();
  client.down = true;
  t.strictSame(await withSince([hop], new ClusterReader(client)), [hop]);
});

t.test('writes of the status do not count', async (t) => {
  const write = (time: string, subresource?: string) => ({
    manager: 'm',
    operation: 'Update',
    time,
    ...(subresource === undefined ? {} : { subresource }),
  });
  const managedFields = [write('2026-01-02T00:00:00Z'), write('2026-01-09T00:00:00Z', 'status')];
  t.equal(
    changedAt({ metadata: { creationTimestamp: '2026-01-01T00:00:00Z', managedFields } as never }),
    '2026-01-02T00:00:00Z',
  );
});
