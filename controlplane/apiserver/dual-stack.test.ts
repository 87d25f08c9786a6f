import t from 'tap';
import { openTestServer } from '../../test/lib/test-server';
import { type Service, services } from '../api/index';
import type { Client } from '../client/client';

type Spec = NonNullable<Service['spec']>;

const key = 'default/web';
const service = (spec: Spec, name = 'web'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});

async function open(t: Tap, serviceCidr: string): Promise<Client> {
  const server = await openTestServer({ serviceCidr });
  t.teardown(() => server.close());
  return server.client();
}
type Tap = Pick<typeof t, 'teardown'>;

t.test('a Service of a dual-stack cluster', async (t) => {
  const client = await open(t, '10.96.0.0/12,fd00:10:96::/112');
  const plain = await client.create(services, service({}));
  t.match(plain.spec, { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] });
  t.equal(plain.spec?.clusterIPs?.length, 1, 'one family without a policy');

  const patch = (spec: Spec) => client.patch(services, key, 'merge', { spec });
  const dual = await patch({ ipFamilyPolicy: 'PreferDualStack' });
  t.same(dual.spec?.ipFamilies, ['IPv4', 'IPv6']);
  t.equal(dual.spec?.clusterIPs?.[0], plain.spec?.clusterIP, 'the first address stays');
  const second = dual.spec!.clusterIPs![1]!;
  t.match(second, /^fd00:10:96::/);
  await t.rejects(client.create(services, service({ clusterIP: second }, 'thief')), {
    message: /failed to allocate IP fd00:10:96::.*: provided IP is already allocated/,
  });

  const changed = await patch({ selector: { app: 'web' } });
  t.same(changed.spec?.clusterIPs, dual.spec?.clusterIPs, 'a later update keeps both addresses');
  const back = await patch({ ipFamilyPolicy: 'SingleStack' });
  t.match(back.spec, { ipFamilies: ['IPv4'], clusterIPs: [plain.spec?.clusterIP] });
  t.equal(back.spec?.clusterIPs?.length, 1);
  const heir = await client.create(services, service({ clusterIP: second }, 'heir'));
  t.match(heir.spec, { clusterIP: second, ipFamilies: ['IPv6'] }, 'a released address is free again');
});

t.test('requested addresses of both families; when the second fails, the first is released', async (t) => {
  const client = await open(t, 'fd00:10:96::/112,10.96.0.0/12');
  const first = await client.create(services, service({ clusterIP: '10.96.7.7' }, 'holder'));
  t.match(first.spec, { ipFamilies: ['IPv4'] });
  const clusterIP = 'fd00:10:96::77';
  const requested: Spec = { ipFamilyPolicy: 'RequireDualStack', clusterIP, clusterIPs: [clusterIP, '10.96.7.7'] };
  await t.rejects(client.create(services, service(requested)), {
    message: /10.96.7.7: provided IP is already allocated/,
  });
  const made = await client.create(services, service({ ...requested, clusterIPs: [clusterIP, '10.96.7.8'] }));
  t.match(made.spec, { clusterIP: 'fd00:10:96::77', ipFamilies: ['IPv6', 'IPv4'] });
  t.match(
    (await client.create(services, service({}, 'plain'))).spec,
    { ipFamilies: ['IPv6'] },
    'the first range determines the first family',
  );
});

t.test('a single-stack cluster', async (t) => {
  const client = await open(t, '10.96.0.0/12');
  t.same((await client.create(services, service({ ipFamilyPolicy: 'PreferDualStack' }))).spec?.ipFamilies, ['IPv4']);
  await t.rejects(client.create(services, service({ ipFamilyPolicy: 'RequireDualStack' }, 'two')), {
    message: /spec.ipFamilyPolicy: .*this cluster is not configured for dual-stack services/,
  });
});
