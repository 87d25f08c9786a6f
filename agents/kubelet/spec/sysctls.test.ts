import t from 'tap';
import { pod } from './pod.fixture';
import { dotted, forbiddenSysctl, parseSysctlPatterns } from './sysctls';

const asks = (name: string, spec: object = {}) =>
  pod({ securityContext: { sysctls: [{ name, value: '1' }] }, ...spec });

t.test('safe sysctls are allowed, others only by name or pattern', async (t) => {
  for (const name of ['kernel.shm_rmid_forced', 'net.ipv4.tcp_rmem', 'net/ipv4/ping_group_range']) {
    t.equal(forbiddenSysctl(asks(name), []), undefined, name);
  }
  for (const name of [
    'kernel.panic',
    'kernel.msgmax',
    'net.ipv4.ip_forward',
    'fs.mqueue.msg_max',
    'net.ipv4.tcp_rmem_',
  ]) {
    t.equal(forbiddenSysctl(asks(name), []), `"${name}" not allowlisted`, name);
  }
  const allowed = parseSysctlPatterns(['kernel.msg*', 'net/core/*', 'net.ipv4.ip_forward']);
  t.same(allowed, ['kernel.msg*', 'net.core.*', 'net.ipv4.ip_forward']);
  for (const name of ['kernel.msgmax', 'net.core.somaxconn', 'net/ipv4/ip_forward']) {
    t.equal(forbiddenSysctl(asks(name), allowed), undefined, name);
  }
  t.equal(forbiddenSysctl(asks('kernel.sem'), allowed), '"kernel.sem" not allowlisted');
  t.equal(forbiddenSysctl(asks('net.ipv4.ip_forward2'), allowed), '"net.ipv4.ip_forward2" not allowlisted');
  t.equal(forbiddenSysctl(pod(), []), undefined);
});

t.test('a namespace of the host is not changed', async (t) => {
  const net = '"net.ipv4.tcp_syncookies" not allowed with host Net enabled';
  t.equal(forbiddenSysctl(asks('net.ipv4.tcp_syncookies', { hostNetwork: true }), []), net);
  t.equal(forbiddenSysctl(asks('net/ipv4/tcp_syncookies', { hostNetwork: true }), []), net);
  t.equal(forbiddenSysctl(asks('net.ipv4.tcp_syncookies', { hostIPC: true }), []), undefined);
  const ipc = '"kernel.shm_rmid_forced" not allowed with host IPC enabled';
  t.equal(forbiddenSysctl(asks('kernel.shm_rmid_forced', { hostIPC: true }), []), ipc);
  t.equal(forbiddenSysctl(asks('fs.mqueue.x', { hostIPC: true }), ['fs.mqueue.*'])?.includes('host IPC'), true);
  t.equal(forbiddenSysctl(asks('kernel.shm_rmid_forced', { hostNetwork: true }), []), undefined);
});

t.test('sysctl names with dots and slashes', async (t) => {
  t.equal(dotted('net.ipv4.conf.eno2/100.rp_filter'), 'net.ipv4.conf.eno2/100.rp_filter');
  t.equal(dotted('net/ipv4/conf/eno2.100/rp_filter'), 'net.ipv4.conf.eno2/100.rp_filter');
  t.equal(dotted('kernel'), 'kernel');
});

t.test('patterns that are refused', async (t) => {
  for (const pattern of ['kernel.panic', 'kernel.*', 'vm.*', '*', 'net*', 'net.*x*', 'net..x', '../net', 'NET.x', '']) {
    t.throws(() => parseSysctlPatterns([pattern]), { code: 'BadRequest' }, pattern);
  }
  t.throws(() => parseSysctlPatterns([`net.${'a'.repeat(250)}`]), { code: 'BadRequest' });
});
