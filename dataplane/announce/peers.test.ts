import t from 'tap';
import type { Beacon } from './frames';
import { Peers, silentMs, staleMs } from './peers';

const beacon = (node: string, changes: Partial<Beacon> = {}): Beacon => ({
  node,
  address: '192.168.57.11',
  revision: 5,
  state: 'able',
  ...changes,
});

t.test('a peer lives as long as it is heard', async (t) => {
  const peers = new Peers();
  t.equal(peers.heard(beacon('a'), 1000), true, 'new');
  t.equal(peers.heard(beacon('a'), 1500), false, 'nothing new');
  t.equal(peers.isAlive('a', 1500 + silentMs - 1), true);
  t.equal(peers.isAlive('a', 1500 + silentMs), false);
  t.equal(peers.heard(beacon('a'), 1500 + silentMs), true, 'back');
  t.equal(peers.isAlive('a', 1500 + silentMs), true);
});

t.test('a peer that leaves is gone at once, and one that is not able says so', async (t) => {
  const peers = new Peers();
  peers.heard(beacon('a'), 0);
  t.equal(peers.heard(beacon('a', { state: 'leaving' }), 10), true);
  t.equal(peers.isAlive('a', 10), false);
  t.equal(peers.heard(beacon('a', { state: 'unable' }), 20), true);
  t.equal(peers.isAlive('a', 20), true);
  t.equal(peers.isAble('a'), false);
  t.equal(peers.isAble('never heard'), true);
});

t.test('a process that was held up does not take the others for dead', async (t) => {
  const peers = new Peers();
  peers.heard(beacon('a'), 0);
  peers.forgive(60_000);
  t.equal(peers.isAlive('a', 60_000), true);
  t.equal(peers.isAlive('a', 60_000 + silentMs), false);
});

t.test('a node that was never heard does not count, whatever the API says of it', async (t) => {
  t.equal(new Peers().isAlive('a', 0), false);
});

t.test('who knows less than the others for a while has lost the API', async (t) => {
  const peers = new Peers();
  peers.heard(beacon('a', { revision: 9 }), 0);
  const keepHearing = (revision: number, now: number) => peers.heard(beacon('a', { revision }), now);
  t.equal(peers.isBehind(8, 0), false, 'a moment is nothing');
  keepHearing(9, staleMs);
  t.equal(peers.isBehind(8, staleMs), true);
  t.equal(peers.isBehind(9, staleMs), false, 'caught up');
  keepHearing(9, staleMs + 10);
  t.equal(peers.isBehind(8, staleMs + 10), false, 'counted anew');
  t.equal(peers.isBehind(8, staleMs * 10), false, 'a dead peer tells nothing');
});
