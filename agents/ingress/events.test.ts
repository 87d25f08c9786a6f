import t from 'tap';
import { type Event, events, type Ingress, ingresses, nodes, services } from '../../controlplane/api';
import { IngressServer } from '../../dataplane/ingress/server';
import { eventually } from '../../test/lib/eventually';
import { MemoryClient } from '../../test/lib/memory-client';
import { startAgent } from './agent.fixture';
import { renderEvent, settleMs, TroubleReporter } from './events';
import type { Trouble } from './translate';

/** A server that does not listen. */
const server = () => new IngressServer({ host: '127.0.0.1', httpPort: 0, httpsPort: 0 });

const node = (name: string) => ({
  metadata: { name },
  status: {
    addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
    conditions: [{ type: 'Ready', status: 'True' }],
  },
});
const ingress = (namespace: string, name: string, created: string, service = 'web'): Ingress => ({
  metadata: { namespace, name, uid: `${namespace}-${name}`, creationTimestamp: created as never },
  spec: {
    ingressClassName: 'k8ts',
    tls: [{ hosts: ['a.local'], secretName: 'cert' }],
    rules: [
      {
        host: 'a.local',
        http: {
          paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } }],
        },
      },
    ],
  },
});

void t.test('the loser of a conflict gets one Event, whichever node writes it', async (t) => {
  const client = new MemoryClient();
  await client.create(nodes, node('a'));
  await client.create(nodes, node('b'));
  for (const namespace of ['x', 'y']) {
    await client.create(services, { metadata: { namespace, name: 'web' }, spec: { ports: [{ port: 80 }] } } as never);
  }
  await client.create(ingresses, ingress('x', 'old', '2026-01-01T00:00:00Z'));
  await client.create(ingresses, ingress('y', 'new', '2026-01-02T00:00:00Z'));
  for (const nodeName of ['b', 'a']) startAgent(t, client, { nodeName, server: server() });
  const shown = (all: readonly Event[]) =>
    all.map((event) => `${event.involvedObject?.namespace} ${event.type} ${event.reason}: ${event.message}`).sort();
  const noSecret = (namespace: string) =>
    `${namespace} Warning SecretNotFound: TLS Secret ${namespace}/cert does not exist`;
  const lost = 'y Warning HostPathConflict: host "a.local" path "/" is served by Ingress x/old, which is older';
  t.same(
    shown(await eventually(client, events, (all) => all.length === 3)),
    [noSecret('x'), lost, noSecret('y')].sort(),
  );
  // The node that wrote the Events is removed. The next node finds the same troubles, whose Events are written already.
  await client.delete(nodes, 'a');
  await client.create(ingresses, ingress('y', 'later', '2026-01-03T00:00:00Z', 'gone'));
  const later = shown(await eventually(client, events, (all) => all.length === 6));
  t.equal(later.filter((line) => line === lost).length, 2, 'one for each loser');
  t.ok(later.includes('y Warning ServiceNotFound: Service y/gone does not exist'));
});

void t.test('a trouble that ends in time gets no Event; a trouble that returns is counted again', async (t) => {
  const client = new MemoryClient();
  const reporter = new TroubleReporter(client);
  const { signal } = new AbortController();
  const one = ingress('x', 'i', '2026-01-01T00:00:00Z');
  const trouble: Trouble = { ingress: 'x/i', reason: 'ServiceNotFound', message: 'Service x/web does not exist' };
  const at = (nowMs: number, troubles: Trouble[]) => reporter.report(troubles, [one], nowMs, signal);
  const counts = async () => (await client.list(events)).items.map(({ count }) => count);
  t.equal(await at(0, [trouble]), settleMs);
  t.equal(await at(settleMs - 1, []), undefined);
  t.equal(await at(settleMs, [trouble, trouble]), settleMs, 'the time starts again');
  t.same(await counts(), []);
  t.equal(await at(2 * settleMs, [trouble]), undefined);
  t.same(await counts(), [1]);
  for (let i = 3; i < 20; i++) await at(i * settleMs, [trouble]);
  t.same(await counts(), [1], 'settled');
  await at(20 * settleMs, []);
  await at(21 * settleMs, [trouble]);
  await at(22 * settleMs, [trouble]);
  t.same(await counts(), [2], 'the trouble ended and returned');
  const restarted = new TroubleReporter(client);
  await restarted.report([trouble], [one], 30 * settleMs, signal);
  await restarted.report([trouble], [one], 31 * settleMs, signal);
  t.same(await counts(), [2], 'a new process finds it written');
  const other = { ...trouble, message: 'Service x/other does not exist' };
  t.not(renderEvent(one, trouble, 0).metadata?.name, renderEvent(one, other, 0).metadata?.name);
});

void t.test('a failed write is repeated, and the Events of one Ingress are bounded', async (t) => {
  const client = new MemoryClient();
  const reporter = new TroubleReporter(client);
  const { signal } = new AbortController();
  const one = ingress('x', 'i', '2026-01-01T00:00:00Z');
  const many = Array.from({ length: 50 }, (_, i) => ({ ingress: 'x/i', reason: 'R', message: `m${i}` }));
  await reporter.report(many, [one], 0, signal);
  client.down = true;
  await t.rejects(reporter.report(many, [one], settleMs, signal));
  client.down = false;
  await reporter.report(many, [one], settleMs, signal);
  t.equal((await client.list(events)).items.length, 20);
});
