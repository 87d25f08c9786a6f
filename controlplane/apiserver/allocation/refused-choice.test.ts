// Which address and ports the server chooses for a Service when its first choice is in use. The random numbers are fixed.
import t, { type Test } from 'tap';
import { openTestServer } from '../../../test/lib/test-server';
import { type Service, services } from '../../api/index';
import { openStore } from '../../store/open';
import type { Store } from '../../store/store';
import { nodePortFirst, nodePortLast } from './node-ports';

const chosenFirst = 32_000;
const random = () => (chosenFirst - nodePortFirst) / (nodePortLast - nodePortFirst + 1);

async function open(t: Test, store?: Store) {
  const server = await openTestServer({ random, ...(store ? { store } : {}) });
  t.teardown(() => server.close());
  return server.client();
}

const service = (name: string, spec: Service['spec']): Service => ({
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});
const portsOf = ({ spec }: Service) => spec?.ports?.map(({ nodePort }) => nodePort);

t.test('a chosen port is never equal to a requested port of the same Service', async (t) => {
  const client = await open(t);
  const created = await client.create(
    services,
    service('a', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81, nodePort: chosenFirst + 1 },
      ],
      healthCheckNodePort: chosenFirst,
    }),
  );
  t.same(portsOf(created), [chosenFirst + 2, chosenFirst + 1]);
  t.equal(created.spec?.healthCheckNodePort, chosenFirst);
});

t.test('when the store refuses the choice, addresses and ports are chosen again together', async (t) => {
  const store = await openStore({ kind: 'memory' });
  t.teardown(() => store.close());
  const clients = [await open(t, store), await open(t, store)];
  const spec: Service['spec'] = {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    ports: [
      { name: 'tcp', port: 53, protocol: 'TCP' },
      { name: 'udp', port: 53, protocol: 'UDP' },
    ],
  };
  // In one turn of the event loop, so neither server has seen the choice of the other.
  const created = await Promise.all(clients.map((client, i) => client.create(services, service(`s${i}`, spec))));
  t.same(
    created.map(portsOf).sort(),
    [
      [chosenFirst, chosenFirst],
      [chosenFirst + 2, chosenFirst + 2],
    ],
    'both protocols of a port have the same number',
  );
  t.same(created.map((object) => object.spec?.healthCheckNodePort).sort(), [chosenFirst + 1, chosenFirst + 3]);
  t.equal(new Set(created.map((object) => object.spec?.clusterIP)).size, 2);
});
