import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../../controlplane/base/clock';
import { silentLogger } from '../../../controlplane/base/logger';
import { serveGrpc } from '../../../test/lib/grpc-server';
import { type PluginHandler, PluginWatcher } from './plugin-watcher';
import { type PluginInfo, registrationService } from './registration-api';

// The gRPC library takes a while to load on a busy machine.
t.setTimeout(120_000);

/** A queue of what happened, in order: a test waits for the next entry. */
class Happened {
  private readonly entries: string[] = [];
  private wake = Promise.withResolvers<void>();
  add(entry: string): void {
    this.entries.push(entry);
    this.wake.resolve();
    this.wake = Promise.withResolvers();
  }
  async next(): Promise<string> {
    while (this.entries.length === 0) await this.wake.promise;
    return this.entries.shift()!;
  }
}

async function setUp(t: Test, handler: Partial<PluginHandler> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'k8ts-plugins-'));
  const happened = new Happened();
  const abort = new AbortController();
  const handlers = {
    CSIPlugin: {
      validate: () => {},
      register: async ({ name, endpoint }: PluginInfo) =>
        happened.add(`register ${name} ${endpoint.replace(folder, '')}`),
      deregister: async ({ name }: PluginInfo) => happened.add(`deregister ${name}`),
      ...handler,
    },
  };
  const watcher = new PluginWatcher({ folder, handlers, clock: systemClock, log: silentLogger });
  const running = watcher.run(abort.signal);
  t.teardown(async () => {
    abort.abort(new Error('the test ends'));
    await running;
    await rm(folder, { recursive: true });
  });
  const serve = (name: string, info: Partial<PluginInfo> = {}) =>
    serveGrpc(join(folder, `${name}.sock`), registrationService, {
      GetInfo: () => ({ type: 'CSIPlugin', name, endpoint: '/plugins/x.sock', supportedVersions: ['1.0.0'], ...info }),
      NotifyRegistrationStatus: ({ pluginRegistered, error }) => {
        happened.add(`told ${name} ${pluginRegistered} ${error}`.trim());
        return {};
      },
    });
  return { folder, happened, serve };
}

t.test('a socket that appears is registered, one that goes is deregistered', async (t) => {
  const { folder, happened, serve } = await setUp(t);
  const stop = await serve('a');
  t.equal(await happened.next(), 'register a /plugins/x.sock');
  t.equal(await happened.next(), 'told a true');
  await stop();
  await unlink(join(folder, 'a.sock')).catch(() => {});
  t.equal(await happened.next(), 'deregister a');
  // Another process of the plug-in, under the same path.
  t.teardown(await serve('a'));
  t.equal(await happened.next(), 'register a /plugins/x.sock');
  t.equal(await happened.next(), 'told a true');
  t.teardown(await serve('b', { endpoint: '' }));
  t.equal(await happened.next(), 'register b /b.sock', 'without an endpoint it is the registration socket');
});

t.test('a plug-in is told why it is not registered, and it is tried again', async (t) => {
  let tries = 0;
  const { happened, serve } = await setUp(t, {
    register: async () => {
      if (tries++ === 0) throw new Error('no node');
    },
  });
  t.teardown(await serve('a'));
  t.equal(await happened.next(), 'told a false RegisterPlugin error -- plugin registration failed with err: no node');
  t.equal(await happened.next(), 'told a true');
});

t.test('a plug-in that is refused, or of another type, is told so; its neighbour is registered', async (t) => {
  const { folder, happened, serve } = await setUp(t, {
    validate: ({ name }) => {
      if (name === 'old') throw new Error('too old');
    },
  });
  t.teardown(await serve('old'));
  t.equal(await happened.next(), 'told old false RegisterPlugin error -- plugin validation failed with err: too old');
  t.teardown(await serve('other', { type: 'toString' }));
  let told = await happened.next();
  while (told.startsWith('told old')) told = await happened.next();
  const socket = join(folder, 'other.sock');
  t.equal(
    told,
    `told other false RegisterPlugin error -- no handler registered for plugin type: toString at socket ${socket}`,
  );
  t.teardown(await serve('good'));
  let next = await happened.next();
  while (next.startsWith('told o')) next = await happened.next();
  t.equal(next, 'register good /plugins/x.sock');
});
