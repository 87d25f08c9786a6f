import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { createAuthority, issueCertificate } from '../../controlplane/pki/issue';
import { checkClocks, serverTime } from './clock';
import { defaults } from './desired';
import { noDockerChanges } from './docker-config';
import { serverOf } from './join';
import type { SetupRecord } from './record';
import { desiredSysctls, sysctlNames } from './session';

const record: SetupRecord = {
  version: 1,
  desired: {
    role: 'worker',
    nodeName: 'worker-1',
    nodeIp: '192.168.56.11',
    server: 'https://192.168.56.10:6443',
    cluster: defaults,
    loadBalancerPool: '',
    nodeLabels: '',
    resolvConf: '/etc/resolv.conf',
  },
  caHash: 'sha256:00',
  docker: noDockerChanges,
  sysctls: {},
  enabled: [],
  installed: true,
};

t.test('the server: the given one, or the earlier one', async (t) => {
  t.equal(serverOf(['192.168.56.10:6443'], undefined), 'https://192.168.56.10:6443');
  t.equal(serverOf(['192.168.56.10'], undefined), 'https://192.168.56.10:6443', 'the port everybody knows');
  t.equal(serverOf([], record), 'https://192.168.56.10:6443', 'as before');
  t.throws(() => serverOf([], undefined), {
    code: 'BadRequest',
    message: /the command names no cluster\.\n.*token create/,
  });
  t.throws(() => serverOf(['a', 'b'], undefined), { code: 'BadRequest', message: /unexpected argument "b"/ });
  t.throws(() => serverOf(['a b'], undefined), { code: 'BadRequest' });
  const control: SetupRecord = { ...record, desired: { ...record.desired, role: 'control' } };
  t.throws(() => serverOf(['10.0.0.1'], control), { message: /is the control machine of a cluster/ });
});

t.test('a clock that differs from that of the server is refused', async (t) => {
  const now = Date.UTC(2026, 5, 1);
  for (const minutes of [0, 4, -4]) t.doesNotThrow(() => checkClocks(now, now + minutes * 60_000));
  t.throws(() => checkClocks(now, now + 3_600_000), { message: /60 minutes ahead of the server's.*\n.*timedatectl/ });
  t.throws(() => checkClocks(now, now - 3_600_000), { message: /60 minutes behind the server's/ });

  const authority = await createAuthority('test', Date.now());
  const pair = await issueCertificate(
    authority,
    { commonName: 'kube-apiserver', usages: ['server'], hosts: ['127.0.0.1'] },
    Date.now(),
  );
  const server = createServer(pair, (request, response) => {
    response.setHeader('date', new Date(now).toUTCString());
    response.end(request.url);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  t.equal(await serverTime(`https://127.0.0.1:${(server.address() as AddressInfo).port}`), now);
  await t.rejects(serverTime('https://127.0.0.1:1'), {
    code: 'Unavailable',
    message: /does not answer; is the address right/,
  });
});

t.test('kernel settings: limits are raised, never lowered; forwarding is not written down', async (t) => {
  const low = { 'fs.inotify.max_user_instances': '128', 'fs.inotify.max_user_watches': '8192' };
  t.same(desiredSysctls(low), {
    'net.ipv4.conf.all.send_redirects': '0',
    'fs.inotify.max_user_instances': '1024',
    'fs.inotify.max_user_watches': '524288',
  });
  const high = { 'fs.inotify.max_user_instances': '9999', 'fs.inotify.max_user_watches': '9999999' };
  t.same(desiredSysctls(high), { 'net.ipv4.conf.all.send_redirects': '0' });
  t.ok(sysctlNames.includes('net.ipv4.ip_forward'), 'forwarding is recorded, so that a reset can restore it');
});
