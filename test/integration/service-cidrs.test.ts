// Further ServiceCIDRs: Services get addresses from them, and one that is deleted stays while it is needed. The API server with all
// controllers.
import t from 'tap';
import { ipAddresses, type Service, type ServiceCIDR, serviceCidrs, services } from '../../controlplane/api/index';
import { systemClock } from '../../controlplane/base/clock';
import type { Client } from '../../controlplane/client/client';
import { openControlPlane } from '../lib/control-plane';
import { eventually } from '../lib/eventually';

/** A minute ahead: the grace period of a deletion has passed at once. */
const clock = {
  now: () => systemClock.now() + 60_000,
  elapsed: () => systemClock.elapsed(),
  after: systemClock.after.bind(systemClock),
  sleep: systemClock.sleep.bind(systemClock),
};
const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const cidr = (name: string, ...cidrs: string[]): ServiceCIDR => ({ metadata: { name }, spec: { cidrs } });
const service = (name: string, spec: Service['spec'] = {}): Service => ({
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});
const readyOf = ({ status }: ServiceCIDR) => status?.conditions?.find(({ type }) => type === 'Ready');
const whole = ({ metadata, status }: ServiceCIDR) =>
  metadata?.finalizers?.includes(finalizer) && readyOf({ status } as ServiceCIDR)?.status === 'True';

async function add(client: Client, name: string, ...cidrs: string[]): Promise<void> {
  await client.create(serviceCidrs, cidr(name, ...cidrs));
  await eventually(client, serviceCidrs, (found) => found.some((one) => one.metadata?.name === name && whole(one)));
}

t.test('a full cluster gets further addresses, and a range goes when nothing needs it', async (t) => {
  const { client } = await openControlPlane(t, { controllers: { clock }, serviceCidr: '10.96.0.0/28' });
  // Two of the fourteen belong to kubernetes and kube-dns.
  for (let i = 0; i < 12; i++) await client.create(services, service(`s${i}`));
  const full = { message: /failed to allocate a serviceIP for Service "more": range is full/ };
  await t.rejects(client.create(services, service('more')), full);
  await add(client, 'extra', '10.99.0.0/24');
  const made = await client.create(services, service('more'));
  t.match(made.spec?.clusterIP, /^10\.99\.0\./);
  await client.create(services, service('named', { clusterIP: '10.99.0.7' }));

  t.match(readyOf(await client.get(serviceCidrs, 'extra')), {
    status: 'True',
    reason: '',
    message: 'Kubernetes Service CIDR is ready',
  });
  await client.delete(serviceCidrs, 'extra');
  await eventually(client, serviceCidrs, (found) =>
    found.some((one) => one.metadata?.name === 'extra' && readyOf(one)?.reason === 'Terminating'),
  );
  await t.rejects(client.create(services, service('late')), { message: /range is full/ });
  await t.rejects(client.create(services, service('late', { clusterIP: '10.99.0.8' })), {
    code: 'Invalid',
    message: /failed to allocate IP 10\.99\.0\.8: the provided network does not match the current range/,
  });
  await client.patch(services, 'default/named', 'merge', { metadata: { labels: { a: 'b' } } });
  t.match((await client.get(services, 'default/named')).spec, { clusterIP: '10.99.0.7' }, 'an update needs no range');
  await client.delete(services, 'default/named');
  await client.delete(services, 'default/more');
  await eventually(client, serviceCidrs, (found) => found.length === 1);
});

t.test('a range that lies in another one goes at once, and its addresses stay', async (t) => {
  const { client } = await openControlPlane(t, { controllers: { clock }, serviceCidr: '10.96.0.0/24' });
  await client.create(services, service('web', { clusterIP: '10.96.0.77' }));
  await add(client, 'wide', '10.96.0.0/16');
  await client.create(services, service('far', { clusterIP: '10.96.200.1' }));
  const before = await client.get(serviceCidrs, 'kubernetes');
  await client.delete(serviceCidrs, 'kubernetes');
  // The server creates its own again.
  await eventually(client, serviceCidrs, (found) => {
    const uid = found.find(({ metadata }) => metadata?.name === 'kubernetes')?.metadata?.uid;
    return uid !== undefined && uid !== before.metadata?.uid;
  });
  await client.delete(serviceCidrs, 'wide');
  await eventually(client, serviceCidrs, (found) =>
    found.some((one) => one.metadata?.name === 'wide' && readyOf(one)?.reason === 'Terminating'),
  );
  await client.delete(services, 'default/far');
  await eventually(client, serviceCidrs, (found) => found.length === 1);
  const { items } = await client.list(ipAddresses);
  t.same(items.map(({ metadata }) => metadata?.name).sort(), ['10.96.0.1', '10.96.0.10', '10.96.0.77']);
});
