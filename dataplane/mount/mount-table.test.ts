import t from 'tap';
import { mountAt, mountOf, parseMountTable } from './mount-table';

const table = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
36 22 8:1 /data/a\\040b /var/lib/kubelet/pods/u\\134x/v ro,nosuid,relatime shared:1 - ext4 /dev/sda1 rw
40 36 0:44 / /var/lib/kubelet/pods/u\\134x/v rw shared:20 master:3 - tmpfs tmpfs rw,size=64k
41 22 0:50 / /nfs rw - nfs4 10.0.0.1:/export rw,vers=4.2

`;

t.test('the table of mounts', async (t) => {
  const entries = parseMountTable(table);
  t.equal(entries.length, 4);
  t.same(entries[1], {
    device: '8:1',
    root: '/data/a b',
    point: '/var/lib/kubelet/pods/u\\x/v',
    options: ['ro', 'nosuid', 'relatime'],
    type: 'ext4',
    source: '/dev/sda1',
    isShared: true,
  });
  t.equal(mountAt(entries, '/var/lib/kubelet/pods/u\\x/v')?.type, 'tmpfs', 'the last mount hides the others');
  t.match(mountAt(entries, '/nfs'), { type: 'nfs4', source: '10.0.0.1:/export' });
  t.equal(mountAt(entries, '/var'), undefined);
  t.match(mountOf(entries, '/nfs/a'), { point: '/nfs', isShared: false });
  t.match(mountOf(entries, '/nfsx'), { point: '/', isShared: true });
  t.match(mountOf(entries, '/var/lib/kubelet/pods/u\\x/v/y'), { type: 'tmpfs' });
});
