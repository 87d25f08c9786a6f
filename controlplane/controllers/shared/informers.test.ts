import t from 'tap';
import { MemoryClient } from '../../../test/lib/memory-client';
import { type Pod, pods } from '../../api/pod';
import { silentLogger as log } from '../../base/logger';
import { byController, controlledBy, InformerSet, orphansOf } from './informers';

const pod = (namespace: string, name: string, owner?: string): Pod =>
  ({
    metadata: {
      name,
      namespace,
      ...(owner === undefined
        ? {}
        : {
            ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 's', uid: owner, controller: true }],
          }),
    },
    spec: { containers: [] },
  }) as Pod;

t.test('pods are found by their controller in their own namespace only', async (t) => {
  const client = new MemoryClient();
  const all = [
    pod('a', 'owned', 'u'),
    pod('b', 'elsewhere', 'u'),
    pod('a', 'orphan'),
    pod('b', 'forged', 'a/u'),
    pod('b', 'forged-orphan', 'a'),
    pod('b', 'old-form', 'orphans of a'),
  ];
  for (const each of all) await client.create(pods, each);
  const informers = new InformerSet({ client, log });
  const copy = informers.of(pods);
  const abort = new AbortController();
  const running = informers.run(abort.signal);
  t.teardown(async () => {
    abort.abort(new Error('done'));
    await running;
  });
  await copy.synced(abort.signal);
  const names = (value: string) => copy.by(byController, value).map(({ metadata }) => metadata?.name);
  t.same(names(controlledBy({ metadata: { name: 's', namespace: 'a', uid: 'u' } })), ['owned']);
  t.same(names(controlledBy({ metadata: { name: 's', namespace: 'b', uid: 'u' } })), ['elsewhere']);
  t.same(names(orphansOf('a')), ['orphan']);
  t.same(names(orphansOf('b')), []);
});
