import t from 'tap';
import { parseAddress, serverName } from './address';
import { learn, type Members, parseMembers, renderMembers, serversOf, withoutLoops } from './members';

const start = (...named: string[]): Members => ({ named, listed: [], former: [] });
const servers = (members: Members) => Object.fromEntries(serversOf(members));

t.test('before the first list the named servers are used', async (t) => {
  t.strictSame(servers(start('a:1', 'b:1')), { 'a:1': false, 'b:1': false });
  t.strictSame(servers(learn(start('a:1'), [])), { 'a:1': false }, 'an empty list says nothing');
});

t.test('a list replaces the named ones, which stay as spares', async (t) => {
  t.strictSame(servers(learn(start('a:1', 'x:1'), ['b:1', 'a:1'])), { 'a:1': false, 'b:1': false, 'x:1': true });
});

t.test('a server that leaves the list becomes a spare, and returns', async (t) => {
  const three = learn(start('a:1'), ['a:1', 'b:1', 'c:1']);
  const two = learn(three, ['a:1', 'c:1']);
  t.strictSame(servers(two), { 'a:1': false, 'c:1': false, 'b:1': true });
  t.strictSame(servers(learn(two, ['b:1'])), { 'b:1': false, 'a:1': true, 'c:1': true });
  t.strictSame(learn(two, ['c:1', 'a:1', 'a:1']), two, 'the order and repetitions say nothing');
});

t.test('the former servers are bounded, the latest are kept', async (t) => {
  let members = start();
  for (let i = 0; i < 40; i++) members = learn(members, [`s${i}:1`]);
  t.equal(members.former.length, 16);
  t.equal(members.former[0], 's38:1');
});

t.test('the state file', async (t) => {
  const members = learn(learn(start('a:1'), ['a:1', 'b:1']), ['b:1', '[fd00::1]:6443']);
  t.strictSame(parseMembers(renderMembers(members), ['a:1'], serverName), members);
  t.throws(() => parseMembers('{"listed":["nonsense"]}', [], serverName), { code: 'BadRequest' });
  t.throws(() => parseMembers('{"listed":[', [], serverName));
});

t.test('names of servers', async (t) => {
  t.equal(serverName('192.0.2.1:6443'), '192.0.2.1:6443');
  t.equal(serverName('[FD00::1]:6443'), '[fd00::1]:6443');
  t.equal(serverName('Control.Local:6443'), 'control.local:6443');
  for (const wrong of [
    '',
    ':1',
    'a',
    'a:',
    'a:x',
    'a:70000',
    'a:0',
    'fd00::1:6443',
    '[192.0.2.1]:1',
    '[fd00::1]',
    'a b:1',
  ])
    t.throws(() => serverName(wrong), { code: 'BadRequest' }, wrong);
});

t.test('the balancer is no server of its own', async (t) => {
  const all = new Map(['192.0.2.1:6443', '192.0.2.2:6443', '192.0.2.2:7000'].map((name) => [name, false]));
  const left = (...listeners: string[]) => [
    ...withoutLoops(all, listeners.map(parseAddress), ['127.0.0.1', '192.0.2.2']).keys(),
  ];
  t.strictSame(left('127.0.0.1:6444', '192.0.2.1:6443'), ['192.0.2.2:6443', '192.0.2.2:7000']);
  t.strictSame(left('0.0.0.0:6443'), ['192.0.2.1:6443', '192.0.2.2:7000'], 'on all own addresses');
});
