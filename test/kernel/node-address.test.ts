import { EventEmitter, once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { NodeAddress, settleMs } from '../../agents/kubelet/node/node-address';
import type { NodeEvent } from '../../agents/kubelet/part';
import { silentLogger } from '../../controlplane/base/logger';
import type { Scope } from '../../controlplane/base/scope';
import { FakeClock } from '../lib/fake-clock';
import { connect, skipWithoutKernel } from '../lib/netns';
import { scopedNetns, withScope } from '../lib/pod-lab';

t.setTimeout(120_000);

const emitter = new EventEmitter();
const report: NodeEvent = (type, reason, message) => emitter.emit('event', `${type} ${reason} ${message}`);
const nextEvent = async (): Promise<string> => ((await once(emitter, 'event')) as [string])[0];

/** A machine with a NAT link that leads to all networks, and a private link with the API server. */
async function machine(scope: Scope) {
  const [netns, nat, peer] = [await scopedNetns(scope), await scopedNetns(scope), await scopedNetns(scope)];
  await connect({ netns, link: 'eth0', address: '10.0.2.15/24' }, { netns: nat, link: 'eth0', address: '10.0.2.2/24' });
  await connect({ netns, link: 'eth1' }, { netns: peer, link: 'eth0', address: '192.168.56.10/24' });
  await netns.run('ip', 'route', 'add', 'default', 'via', '10.0.2.2');
  const rootDir = await mkdtemp(join(tmpdir(), 'k8ts-address-'));
  scope.defer(() => rm(rootDir, { recursive: true }));
  const clock = new FakeClock();
  const find = (given: readonly string[] = [], server = 'https://192.168.56.10:6443') =>
    new NodeAddress({ given, server, rootDir, clock, log: silentLogger, netns });
  const memory = async () => (await readFile(join(rootDir, 'node-address'), 'utf8')).trim();
  return { netns, clock, find, memory };
}

t.test('the address of a node', { skip: skipWithoutKernel() }, async (t) => {
  const { signal } = new AbortController();
  await t.test('the address on the route to the API server is found and kept', async (t) => {
    await withScope(async (scope) => {
      const { netns, clock, find, memory } = await machine(scope);
      await netns.run('ip', 'address', 'add', '192.168.56.11/24', 'dev', 'eth1');
      t.same(await find().find(signal), ['192.168.56.11']);
      t.equal(await memory(), '192.168.56.11');
      t.same(await find([], 'https://192.168.56.11:6443').find(signal), ['192.168.56.11'], 'the server itself');
      t.same(await find(['192.168.56.11', 'fd56::11']).find(signal), ['192.168.56.11', 'fd56::11'], 'as given');

      await netns.run('ip', 'address', 'del', '192.168.56.11/24', 'dev', 'eth1');
      const late = find().find(signal);
      // find() waits for the private link; it does not take the NAT address, which also leads to the server.
      await clock.armed(1_000);
      await netns.run('ip', 'address', 'add', '192.168.56.11/24', 'dev', 'eth1');
      clock.advance(1_000);
      t.same(await late, ['192.168.56.11'], 'the link that came up late');

      await netns.run('ip', 'address', 'del', '192.168.56.11/24', 'dev', 'eth1');
      await netns.run('ip', 'address', 'add', '192.168.56.77/24', 'dev', 'eth1');
      const moved = find().find(signal);
      await clock.armed(1_000);
      clock.advance(settleMs);
      t.same(await moved, ['192.168.56.77'], 'the new address of the link');
      t.equal(await memory(), '192.168.56.77');
    });
  });

  await t.test('an address that other machines cannot reach is refused', async (t) => {
    await withScope(async (scope) => {
      const { clock, find } = await machine(scope);
      const attempt = find([], 'https://127.0.0.1:6443').find(signal);
      attempt.catch(() => {});
      await clock.armed(1_000);
      clock.advance(settleMs);
      await t.rejects(attempt, {
        code: 'BadRequest',
        message: /begins at 127\.0\.0\.1, which is a loopback address; name the node's address by --node-ip/,
      });
    });
  });

  await t.test('a lost address is reported: the kubelet waits for a given one, and gives a found one up', async (t) => {
    await withScope(async (scope) => {
      const { netns, clock, find, memory } = await machine(scope);
      await netns.run('ip', 'address', 'add', '192.168.56.11/24', 'dev', 'eth1');
      const [found, given] = [find(), find(['192.168.56.11'])];
      const addresses = await found.find(signal);
      const abort = new AbortController();
      scope.defer(async () => abort.abort(new Error('test ends')));
      await netns.run('ip', 'address', 'del', '192.168.56.11/24', 'dev', 'eth1');
      const watching = found.watch(addresses, report, abort.signal);
      watching.catch(() => {});
      await clock.armed(settleMs);
      let event = nextEvent();
      clock.advance(settleMs);
      t.match(await event, /^Warning NodeAddressMissing Address 192\.168\.56\.11 /);
      await t.rejects(watching, { code: 'Unavailable', message: /^Address 192\.168\.56\.11 of the node/ });
      t.equal(await memory(), '192.168.56.11 gone');
      t.same(
        await found.find(signal),
        ['10.0.2.15'],
        'the next start uses the address that leads to the server now, at once',
      );

      const waiting = given.watch(['192.168.56.11'], report, abort.signal);
      await clock.armed(settleMs);
      event = nextEvent();
      clock.advance(settleMs);
      t.match(await event, /^Warning NodeAddressMissing/);
      event = nextEvent();
      await clock.armed(settleMs);
      // A netlink socket does not keep the process alive.
      const keepAlive = setInterval(() => {}, 1000);
      scope.defer(() => clearInterval(keepAlive));
      await netns.run('ip', 'address', 'add', '192.168.56.11/24', 'dev', 'eth1');
      t.match(await event, /^Normal NodeAddressBack The node has 192\.168\.56\.11 again/);
      abort.abort(new Error('test ends'));
      await waiting;
    });
  });
});
