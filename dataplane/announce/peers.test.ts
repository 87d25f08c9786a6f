import t from 'tap';
import type { Beacon } from './frames';
import { Peers, restartMs, silentMs, staleMs } from './peers';

const beacon = (node: string, changes: Partial<Beacon> = {}): Beacon => ({
  node,
  address: '192.168.57.11',
  revision: 5,
  state: 'able',
  ...changes,
});

t.test('a peer is alive while its beacons arrive', async (t) => {
  const peers = new Peers();
  t.equal(peers.heard(beacon('a'), 1000), true, 'a new peer');
  t.equal(peers.heard(beacon('a'), 1500), false, 'no change');
  t.equal(peers.isAlive('a', 1500 + silentMs - 1), true);
  t.equal(peers.isAlive('a', 1500 + silentMs), false);
  t.equal(peers.heard(beacon('a'), 1500 + silentMs), true, 'the peer is alive again');
  t.equal(peers.isAlive('a', 1500 + silentMs), true);
});

t.test('a peer that leaves may restart for a while', async (t) => {
  const peers = new Peers();
  const states = (now: number) => ({
    alive: peers.isAlive('a', now),
    able: peers.isAble('a'),
    held: peers.isHeld('a', now),
  });
  peers.heard(beacon('a'), 0, 'aa:aa');
  t.same(states(0), { alive: true, able: true, held: false });
  t.equal(peers.heard(beacon('a', { state: 'leaving' }), 10, 'aa:aa'), true);
  t.same(states(10 + restartMs - 1), { alive: true, able: false, held: true });
  t.same(states(10 + restartMs), { alive: false, able: false, held: false }, 'the peer did not restart in time');
  t.equal(peers.macOf('a'), 'aa:aa');
  peers.heard(beacon('a', { state: 'starting' }), 100);
  t.same(states(100), { alive: true, able: false, held: true });
  t.same(states(100 + silentMs), { alive: false, able: false, held: false }, 'the peer stopped again');
  peers.heard(beacon('a'), 200);
  t.same(states(200), { alive: true, able: true, held: false });
});

t.test('a peer that is unable says so, and may not restart when it leaves', async (t) => {
  const peers = new Peers();
  peers.heard(beacon('a', { state: 'unable' }), 0);
  t.equal(peers.heard(beacon('a', { state: 'leaving' }), 10), true);
  t.equal(peers.isAlive('a', 10), false);
  t.equal(peers.isHeld('a', 10), false);
  t.equal(peers.heard(beacon('a', { state: 'unable' }), 20), true);
  t.equal(peers.isAlive('a', 20), true);
  t.equal(peers.isAble('a'), false);
  t.equal(peers.isAble('never heard'), true);
});

t.test('a delayed process does not declare other peers dead', async (t) => {
  const peers = new Peers();
  peers.heard(beacon('a'), 0);
  peers.forgive(60_000);
  t.equal(peers.isAlive('a', 60_000), true);
  t.equal(peers.isAlive('a', 60_000 + silentMs), false);
});

t.test('a node without beacons is not alive', async (t) => {
  t.equal(new Peers().isAlive('a', 0), false);
});

t.test('a node with an older revision than its peers for some time has lost the API', async (t) => {
  const peers = new Peers();
  peers.heard(beacon('a', { revision: 9 }), 0);
  const keepHearing = (revision: number, now: number) => peers.heard(beacon('a', { revision }), now);
  t.equal(peers.isBehind(8, 0), false, 'a short delay does not count');
  // The longest pause of an informer (controlplane/client/reflector.ts), with some time for the answer.
  keepHearing(9, 10_000);
  t.equal(peers.isBehind(8, 10_000), false, 'nor does that of a node that asks a restarted API server last');
  keepHearing(9, staleMs);
  t.equal(peers.isBehind(8, staleMs), true);
  t.equal(peers.isBehind(9, staleMs), false, 'the node has the newest revision again');
  keepHearing(9, staleMs + 10);
  t.equal(peers.isBehind(8, staleMs + 10), false, 'a new delay counts from its own start');
  t.equal(peers.isBehind(8, staleMs * 10), false, 'the revision of a dead peer does not count');
});
