import t from 'tap';
import { NotFound } from '../../controlplane/base/errors';
import { ScriptedExec } from '../../test/lib/scripted-exec';
import { judgeSocket } from './socket-hop';
import { parseDetails, parseSockets, socketFor, withDetails } from './sockets';

// /proc/net/tcp and tcp6 of a kernel: 127.0.0.1:8080 with 3 connections that wait, a connection, [::]:80, ::ffff:10.0.0.1:81.
const tcp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 20 4 30 10 -1`;
const tcp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
   1: 0000000000000000FFFF00000100000A:0051 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000`;

const sockets = [...parseSockets(tcp, 'tcp'), ...parseSockets(tcp6, 'tcp')];

t.test('the tables of the kernel', async (t) => {
  t.same(sockets, [
    { protocol: 'tcp', address: '127.0.0.1', port: 8080, waiting: 3 },
    { protocol: 'tcp', address: '::', port: 80, waiting: 0 },
    { protocol: 'tcp', address: '10.0.0.1', port: 81, waiting: 0 },
  ]);
  t.same(parseSockets('', 'tcp'), []);
  t.same(parseSockets('header\nnonsense\n\n', 'tcp'), []);
});

t.test('which socket takes a packet', async (t) => {
  const at = (address: string, port: number) => socketFor(sockets, { protocol: 'tcp', address, port });
  t.match(at('10.244.1.5', 80), { heard: true, socket: { address: '::' } }, 'a socket for IPv6 takes IPv4, too');
  t.match(at('127.0.0.1', 8080), { heard: true });
  t.match(at('10.244.1.5', 8080), { heard: false, elsewhere: [{ address: '127.0.0.1' }] });
  t.match(at('10.244.1.5', 9), { heard: false, elsewhere: [] });
});

t.test('what is said of it', async (t) => {
  const say = (port: number, list = sockets) =>
    judgeSocket(list, { protocol: 'tcp', address: '10.244.1.5', port }, 'pod a/b');
  t.match(say(80), { state: 'passes', facts: ['a program listens at every address'] });
  t.match(say(8080), { state: 'stops', fault: { code: 'ListensOnLoopback' } });
  t.match(say(9), { state: 'stops', fault: { code: 'NothingListens', message: /it listens on 80, 81, 8080$/ } });
  t.match(say(81), { state: 'stops', fault: { message: /on this port at 10\.0\.0\.1 only/ } });
  const full = [{ protocol: 'tcp' as const, address: '0.0.0.0', port: 5, waiting: 100 }];
  t.match(say(5, full), { state: 'doubtful', fault: { code: 'SlowAccept' } });
});

const argv = 'ss -H -l -n -t -u -e';

t.test('a socket of IPv6 that takes no IPv4', async (t) => {
  const stdout = `udp UNCONN 0 0   [::]:80 [::]:* ino:1 sk:1 cgroup:unreachable:1 v6only:1 <->
tcp LISTEN 0 511 *:81    *:* ino:2 sk:2 v6only:0 <->
tcp LISTEN 0 511 [::]:80 [::]:* ino:3 sk:3 v6only:1 <->
tcp LISTEN 0 511 [::1]:82 [::]:* ino:3 sk:3 v6only:1 <->
`;
  t.strictSame([...parseDetails(stdout).keys()], ['udp :: 80', 'tcp :: 81', 'tcp :: 80', 'tcp ::1 82']);
  const marked = await withDetails(sockets, new ScriptedExec([{ argv, stdout }]));
  const say = (address: string) => judgeSocket(marked, { protocol: 'tcp', address, port: 80 }, 'pod a/b');
  t.match(say('fd00::1'), { state: 'passes' });
  t.match(say('10.244.1.5').fault, { code: 'NothingListens', message: /on this port at :: \(without IPv4\) only$/ });
  for (const answer of [{ error: new NotFound('program not installed: ss') }, { exitCode: 1 }])
    t.strictSame(await withDetails(sockets, new ScriptedExec([{ argv, ...answer }])), sockets);
});

t.test('queues that are full, and sockets that are bound to a link', async (t) => {
  const say = async (...lines: readonly string[]) => {
    const own = lines.map(() => ({ protocol: 'tcp' as const, address: '0.0.0.0', port: 80, waiting: 0 }));
    const detailed = await withDetails(own, new ScriptedExec([{ argv, stdout: lines.join('\n') }]));
    return judgeSocket(detailed, { protocol: 'tcp', address: '10.244.1.5', port: 80 }, 'pod a/b');
  };
  const line = (waiting: number, backlog: number, local = '0.0.0.0:80') =>
    `tcp LISTEN ${waiting} ${backlog} ${local} 0.0.0.0:* ino:1 sk:1 <->`;
  t.match(await say(line(1, 0)), {
    state: 'doubtful',
    fault: { code: 'SlowAccept', message: /1 connections wait at port 80, where 0 may \(its backlog\), so the kernel/ },
  });
  t.match(await say(line(1, 1)), { state: 'passes' }, 'one more fits');
  t.match(await say(line(0, 50), line(2, 1)), {
    fault: { message: /2 sockets that share port 80 .* 1 of them do not accept/ },
  });
  t.match(await say(line(0, 50, '0.0.0.0%lo:80')), { state: 'stops', fault: { message: /SO_BINDTODEVICE lo/ } });
  t.match(await say(line(0, 50, '0.0.0.0%eth0:80')), { state: 'passes', facts: [/packets of link eth0 alone/] });
});
