import t from 'tap';
import { Invalid } from '../../controlplane/base/errors';
import type { Client } from '../../controlplane/client/client';
import { findByApi } from './by-api';

const node = { metadata: { name: 'n' }, status: { addresses: [{ type: 'InternalIP', address: '192.0.2.10' }] } };
const pod = { metadata: { name: 'p', namespace: 'a' }, status: { phase: 'Pending', podIP: '10.0.0.7' } };
const client = {
  list: async ({ plural }: { plural: string }) => ({
    items: plural === 'nodes' ? [node] : plural === 'pods' ? [pod] : [],
  }),
} as unknown as Client;
const caller = { client, domain: 'cluster.local', yamlToJson: async (text: string) => text };
const fieldsOf = (error: unknown) => (error instanceof Invalid ? error.causes.map(({ field }) => field) : error);

t.test('every wrong field is named', async (t) => {
  const asked = { from: 'svc/web', to: 'a b', connectTo: 'here' };
  const error = await findByApi(asked, caller).catch((thrown: unknown) => thrown);
  t.strictSame(fieldsOf(error), ['spec.from', 'spec.to', 'spec.connectTo']);
});

t.test('outside is the machine that asks', async (t) => {
  const ask = (address: string | undefined, to = '10.0.0.8:80') =>
    findByApi({ from: 'outside', to, probe: false }, { ...caller, ...(address === undefined ? {} : { address }) });
  t.equal((await ask('198.51.100.1')).from, '198.51.100.1 outside');
  t.equal((await ask('10.0.0.7')).from, 'pod a/p', 'it may be in the cluster');
  t.strictSame(fieldsOf(await ask(undefined).catch((thrown: unknown) => thrown)), ['spec.to']);
  const named = await ask('198.51.100.1', 'web.example:80').catch((thrown: unknown) => thrown);
  t.match(named, { causes: [{ field: 'spec.to', message: /only the sender itself knows/ }] });
  const { hops } = await ask('198.51.100.1', 'http://web.example/');
  t.match(hops[0], { kind: 'name', state: 'passes', facts: [/not looked up/] });
});
