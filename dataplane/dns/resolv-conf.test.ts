import t from 'tap';
import { readHostResolvConf, resolvedServersPath } from './resolv-conf';

t.test('systemd-resolved on and off', async (t) => {
  const stub = '# by systemd-resolved\nnameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n';
  const behind = 'nameserver 192.0.2.53\nsearch lan\n';
  const plain = 'nameserver 192.0.2.1\n';
  const cases = [
    { name: 'off', files: { '/etc/resolv.conf': plain }, want: plain },
    { name: 'on', files: { '/etc/resolv.conf': stub, [resolvedServersPath]: behind }, want: behind },
    {
      name: 'on, and the file is given',
      path: resolvedServersPath,
      files: { [resolvedServersPath]: behind },
      want: behind,
    },
    {
      name: 'the stub and another server',
      files: { '/etc/resolv.conf': stub + plain, [resolvedServersPath]: behind },
      want: stub + plain,
    },
    {
      name: 'another resolver on loopback',
      files: { '/etc/resolv.conf': 'nameserver 127.0.0.1\n', [resolvedServersPath]: behind },
      want: 'nameserver 127.0.0.1\n',
    },
    { name: 'a stub without its list of servers', files: { '/etc/resolv.conf': stub }, want: stub },
    {
      name: 'no server at all',
      files: { '/etc/resolv.conf': 'search lan\n', [resolvedServersPath]: behind },
      want: 'search lan\n',
    },
    { name: 'no file', files: {}, want: '' },
  ];
  for (const { name, path = '/etc/resolv.conf', files, want } of cases) {
    const read = async (file: string) => (files as Record<string, string>)[file];
    t.equal(await readHostResolvConf(path, read), want, name);
  }
});
